import numpy as np
import pytest
import torch

from resources.light_models.recipe import train_clip, train_unet, train_vae
from resources.light_models.recipe.training import (
    Budget,
    Training,
    rate_at,
    read_averaged,
    read_checkpoint,
    read_curve,
)
from tests.factories.light_recipe import (
    clip_config,
    run_steps,
    small_cast,
    train_all,
    unet_config,
    vae_config,
)
from workflow_scripts.lib.errors import CineloraError

STEPS = 50


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    cast = small_cast(folder / "cast")
    return cast, folder, train_all(cast, folder / "work", STEPS)


@pytest.mark.parametrize(
    ("number", "part", "share"),
    [(0, "pairs", 0.85), (0, "attributes", 0.6), (1, "squared", 0.7), (2, "velocity", 0.8)],
    ids=["clip: pairs", "clip: attributes", "vae", "unet"],
)
def test_what_is_trained_for_a_moment_learns(trained, number, part, share):
    losses = [row[part] for row in trained[2][number].rows]
    assert len(losses) == STEPS
    assert np.mean(losses[-8:]) < share * np.mean(losses[:4])


TRAININGS = {
    "clip": (train_clip, clip_config, ()),
    "vae": (train_vae, vae_config, ()),
    "unet": (train_unet, unet_config, (None,)),
}


@pytest.mark.parametrize("part", TRAININGS)
def test_a_training_that_was_stopped_ends_where_it_would_have(trained, tmp_path, part):
    cast, folder, _ = trained
    module, config, more = TRAININGS[part]
    finals = []
    for name, stops in (("whole", []), ("stopped", [3])):
        work = tmp_path / name
        if part == "unet":
            for needed in ("clip", "vae"):
                (work / needed).mkdir(parents=True)
                source = folder / "work" / needed / "checkpoint.safetensors"
                (work / needed / source.name).write_bytes(source.read_bytes())
        target = work if part == "unet" else work / part
        for steps in [*stops, 6]:
            # the schedule of six steps, of which only the first are taken
            run = run_steps(6)
            if steps < 6:
                with pytest.raises(KeyboardInterrupt):
                    stop_after(module, steps, cast, more, target, run, config())
            else:
                module.train(cast, *more, target, run, config())
        head, tensors = read_checkpoint(work / part / "checkpoint.safetensors")
        finals.append((head["step"], tensors, read_curve(work / part / "curve.csv")))
    (whole_step, whole, curve), (step, stopped, its_curve) = finals
    assert whole_step == step == 6
    assert whole.keys() == stopped.keys()
    assert [name for name in whole if not torch.equal(whole[name], stopped[name])] == []
    for row in [*curve, *its_curve]:
        del row["elapsed_s"]
    assert curve == its_curve
    assert len(curve) == 6


def stop_after(module, steps, cast, more, target, run, config):
    """Train, save after so many steps, and be interrupted in the middle of the next but one."""
    real = Training.run

    def run_and_stop(self, losses, **options):
        for step in real(self, losses, **options):
            if step == steps:
                self.save()
            if step == steps + 2:
                raise KeyboardInterrupt
            yield step

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "run", run_and_stop)
        module.train(cast, *more, target, run, config)


def test_other_settings_do_not_go_on_with_a_checkpoint(trained):
    cast, folder, _ = trained
    with pytest.raises(CineloraError, match="was made with other settings or data"):
        train_vae.train(cast, folder / "work/vae", run_steps(STEPS, batch=4), vae_config())


def test_a_finished_training_takes_no_further_step(trained):
    cast, folder, trainings = trained
    again = train_vae.train(cast, folder / "work/vae", run_steps(STEPS), vae_config())
    assert (again.step, len(again.rows)) == (STEPS, STEPS)
    averaged = read_averaged(folder / "work/vae/checkpoint.safetensors")[1]
    wanted = trainings[1].averaged_state()
    assert [n for n in wanted if not torch.equal(wanted[n], averaged[n])] == []
    assert len(wanted) > 50


def test_the_held_out_loss_tells_right_captions_from_wrong_ones(trained):
    rows = [row for row in trained[2][2].rows if "held_out" in row]  # the last one, always
    assert [row["step"] for row in rows] == [STEPS]
    assert rows[0]["held_out"] > 0
    assert rows[0]["wrong_caption"] > 0


def test_tokens_that_no_caption_has_keep_their_row(trained):
    before = train_clip.make_clip(clip_config()).token_embedding.weight
    after = trained[2][0].model.token_embedding.weight
    changed = (before != after).any(1)
    assert 20 < int(changed.sum()) < 1000
    assert bool(changed[49406])  # the start of every text


def test_short_texts_have_the_vector_of_open_clips_own_encoder(trained):
    model, tokenize = trained[2][0].model.eval(), train_clip.Tokenizer()
    texts = ["a woman", "a man with a red top, beach, close-up"]
    with torch.no_grad():
        ours = train_clip.encode_text(model, tokenize(texts))
        theirs = model.encode_text(tokenize(texts, whole=True), normalize=True)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert float((ours[0] - ours[1]).abs().max()) > 1e-3


@pytest.mark.parametrize(
    ("step", "share", "factor"),
    [(0, 0, 1 / 50), (49, 0.1, 1), (500, 0.5, 1), (900, 0.775, 0.5), (999, 1, 0.02)],
    ids=["first", "warm", "flat", "half of the fall", "last"],
)
def test_the_rate_rises_stays_and_falls(step, share, factor):
    assert rate_at(step, share) == pytest.approx(factor)


@pytest.mark.parametrize("budget", [{}, {"steps": 3, "minutes": 1}], ids=["none", "both"])
def test_a_budget_is_steps_or_minutes(budget):
    with pytest.raises(CineloraError, match="either --steps or --minutes"):
        Budget(**budget)


def test_minutes_end_a_training_by_the_clock():
    assert Budget(minutes=2).share(10**6, 60) == 0.5
    assert Budget(steps=4).share(1, 10**6) == 0.25
