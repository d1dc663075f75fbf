import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from resources.light_models.recipe import encoded, train_clip, train_unet, train_vae
from resources.light_models.recipe.captions import tell_images
from resources.light_models.recipe.data import rng_for
from resources.light_models.recipe.options import Run
from resources.light_models.recipe.training import (
    Budget,
    Training,
    rate_at,
    read_averaged,
    read_checkpoint,
    read_clock,
    read_curve,
)
from resources.light_models.recipe.words import UNSEEN
from tests.factories.light_recipe import (
    SIDE,
    UNET_MORE,
    clip_config,
    read_latents,
    run_steps,
    small_cast,
    train_all,
    unet_config,
    vae_config,
)
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError

STEPS = 60


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    cast = small_cast(folder / "cast")
    return cast, folder, train_all(cast, folder, STEPS)


@pytest.mark.parametrize(
    ("number", "part", "share"),
    [
        (0, "pairs", 0.85),
        (0, "attributes", 0.6),
        (0, "values", 0.8),
        (1, "squared", 0.7),
        (2, "velocity", 0.8),
    ],
    ids=["clip: pairs", "clip: attributes", "clip: free vectors", "vae", "unet"],
)
def test_what_is_trained_for_a_moment_learns(trained, number, part, share):
    losses = [row[part] for row in trained[2][number].rows if part in row]
    every = train_clip.TEXT_EVERY if part in ("pairs", "attributes") else 1
    taken = UNET_MORE * STEPS if part == "velocity" else STEPS
    assert len(losses) == taken / every
    if part == "velocity":  # larger images, which come later, are another question
        losses = losses[: int(taken * train_unet.SMALL_ENDS)]
    assert np.mean(losses[-4:]) < share * np.mean(losses[:3])


TRAININGS = {
    "clip": (train_clip, clip_config),
    "vae": (train_vae, vae_config),
    "unet": (train_unet, unet_config),
}


@pytest.mark.parametrize("part", TRAININGS)
def test_a_training_that_was_stopped_ends_where_it_would_have(trained, tmp_path, part):
    cast, folder, _ = trained
    module, config = TRAININGS[part]
    more = (None, folder / "out") if part == "unet" else ()
    finals = []
    for name, stops in (("whole", []), ("stopped", [3])):
        target = tmp_path / name / part
        for steps in [*stops, 6]:
            # the schedule of six steps, of which only the first are taken
            run = run_steps(6)
            if steps < 6:
                with pytest.raises(KeyboardInterrupt):
                    stop_after(module, steps, cast, more, target, run, config())
            else:
                module.train(cast, *more, target, run, config())
        head, tensors = read_checkpoint(target / "checkpoint.safetensors")
        finals.append((head["step"], tensors, read_curve(target / "curve.csv")))
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


def test_values_are_told_apart_only_where_an_image_shows_them():
    sizes = [2, 1, 3]  # of three attributes; the second has nothing to tell apart
    codes = np.array([[0, 0, UNSEEN], [1, 0, UNSEEN], [UNSEEN, UNSEEN, UNSEEN]], np.int16)
    logits = torch.zeros(3, 6, requires_grad=True)
    loss = train_clip.value_loss(logits, codes, sizes)
    assert float(loss.detach()) == pytest.approx(np.log(2))
    loss.backward()
    assert (logits.grad[:2, :2] != 0).all()
    assert (logits.grad[:, 2:] == 0).all() and (logits.grad[2] == 0).all()
    right = torch.tensor([[9.0, 0], [0, 9], [0, 0]])
    low, high = (
        float(train_clip.value_loss(torch.cat([part, torch.zeros(3, 4)], 1), codes, sizes))
        for part in (right, right.flip(1))
    )
    assert low < 0.01 < 5 < high


def test_only_images_cut_out_are_drawn_to_their_character():
    logits = torch.zeros(3, 4, requires_grad=True)
    people, some = np.array([0, 1, 3]), np.array([True, False, True])
    loss = train_clip.people_loss(logits, people, some)
    assert float(loss.detach()) == pytest.approx(np.log(4))
    loss.backward()
    assert (logits.grad[1] == 0).all() and (logits.grad[[0, 2]] != 0).all()
    nobody = train_clip.people_loss(logits, people, np.zeros(3, bool))
    assert float(nobody.detach()) == 0
    nobody.backward()  # a batch of whole images alone is no error


def test_images_of_a_clip_grow(trained):
    losses = train_clip.ClipLosses(None, trained[0], batch=8, seed=1, device=torch.device("cpu"))
    sides = []
    for share in (0, 0.59, 0.61):
        losses.progress(share)
        sides.append(losses.side_px)
    assert sides == [64, 64, 64]  # three quarters of this cast's 64 px are rounded to whole 32
    losses.cast = SimpleNamespace(side_px=128)
    losses.progress(0.5)
    assert losses.side_px == 96


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


def losses_of(cast, **read) -> train_unet.UnetLosses:
    """The losses of no net, which reads only what is named."""
    nothing = {"text_encoder": None, "scale": 1.0, "states": None, "apart": None, "settings": {}}
    encoded_files = train_unet.Encoded(**nothing | read)
    return train_unet.UnetLosses(None, cast, encoded_files, Run(Budget(steps=1), 8, seed=1))


def test_the_unets_images_grow(trained):
    _, folder, _ = trained
    small, whole = (read_latents(folder / "work", side) for side in (SIDE // 2, SIDE))
    assert (len(small), small.shape[-1], whole.shape[-1]) == (len(whole), 4, 8)
    losses = losses_of(trained[0], latents=(small, whole))
    shapes = []
    for share in (0, train_unet.SMALL_ENDS - 0.01, train_unet.SMALL_ENDS):
        losses.progress(share)
        shapes.append(losses.read(np.arange(2)).shape[-1])
    assert shapes == [4, 4, 8]


def test_captions_have_the_states_that_the_pipeline_would_see(trained, monkeypatch):
    cast, folder, _ = trained
    encoder = train_unet.open_text_encoder(folder / "out/light-clip.safetensors")
    states = encoded.open_states(encoder, "a sum", cast, folder / "states", 1)
    again = encoded.open_states(None, "a sum", cast, folder / "states", 1)
    monkeypatch.setattr(encoded, "THOROUGH", 0.0)  # other captions are another file
    others = encoded.open_states(encoder, "a sum", cast, folder / "states", 1)
    monkeypatch.undo()
    assert not np.array_equal(states, others)
    assert len(states) == encoded.CAPTIONS * len(cast) + 1 and np.array_equal(states, again)
    numbers = np.arange(encoded.AT_ONCE)
    rng = rng_for(1, "captions", 0)
    texts, _ = tell_images(cast, numbers // encoded.CAPTIONS, rng, thorough=encoded.THOROUGH)
    assert len({*texts[: encoded.CAPTIONS]}) > 1  # an image has several
    wanted = encoded.encode_texts(encoder, train_clip.Tokenizer(), [*texts, ""]).numpy()
    np.testing.assert_allclose(states[numbers], wanted[:-1], atol=0.01)
    np.testing.assert_allclose(states[-1], wanted[-1], atol=0.01)


def test_a_batch_reads_the_captions_of_its_images(trained, monkeypatch):
    cast, folder, _ = trained
    latents, count = read_latents(folder / "work"), encoded.CAPTIONS * len(cast)
    states = np.arange(count + 1, dtype=np.float16)[:, None, None]
    losses = losses_of(cast, latents=(latents, latents), states=states)
    seen, said = [], []
    monkeypatch.setattr(
        losses, "read", lambda chosen: seen.extend(chosen) or torch.zeros(8, 1, 2, 2)
    )
    monkeypatch.setattr(losses, "errors", lambda _, found, *rest: said.extend(found) or found)
    for step in range(60):
        losses(step)
    numbers = np.array([int(state) for state in said])
    told = numbers != count
    assert np.array_equal(numbers[told] // encoded.CAPTIONS, np.array(seen)[told])
    assert 0.03 < 1 - told.mean() < 0.2 and len(set(numbers[told] % encoded.CAPTIONS)) > 1


def test_a_unet_starts_from_the_weights_of_another(trained, tmp_path):
    cast, folder, trainings = trained
    shipped = folder / "out/light-unet.safetensors"
    run, options = run_steps(2), (unet_config(), shipped)
    again = train_unet.train(cast, None, folder / "out", tmp_path / "unet", run, *options)
    learned = trainings[2].averaged_state()
    moved = [(again.averaged[n] - tensor).abs().max() for n, tensor in learned.items()]
    assert max(moved) < 0.01  # two steps of a rate that has just begun to rise, in float16
    assert again.settings["start"] == hash_file(shipped)
    other = unet_config() | {"layers_per_block": 2}
    with pytest.raises(CineloraError, match="another net"):
        train_unet.train(cast, None, folder / "out", tmp_path / "b/unet", run, other, shipped)


def test_the_held_out_loss_is_measured_at_the_end(trained):
    rows = [row for row in trained[2][2].rows if "held_out" in row]
    assert [row["step"] for row in rows] == [UNET_MORE * STEPS]
    assert rows[0]["wrong_caption"] > 0 < rows[0]["held_out"] < 1.5


def test_the_held_out_loss_of_wrong_captions_has_all_else_the_same(trained, monkeypatch):
    cast, folder, _ = trained
    encoder = train_unet.open_text_encoder(folder / "out/light-clip.safetensors")
    latents = read_latents(folder / "work")
    losses = losses_of(cast, latents=(latents, latents), text_encoder=encoder)
    asked = []

    def errors(latents, states, noise, steps):
        asked.append((latents, states, noise, steps))
        return states.square()

    monkeypatch.setattr(losses, "errors", errors)
    losses.measure(cast, latents)
    right, wrong = asked[::2], asked[1::2]
    assert len(right) == len(wrong) == len(train_unet.LEVELS)
    for (latents, states, *rest), (others, turned, *others_rest) in zip(right, wrong, strict=True):
        assert torch.equal(latents, others)
        assert all(torch.equal(a, b) for a, b in zip(rest, others_rest, strict=True))
        assert torch.equal(turned, states.roll(1, 0)) and not torch.equal(turned, states)
    assert [int(steps[0]) for *_, steps in right] == [125, 375, 625, 875]


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
    ("share", "factor"),
    [(0, 1 / 60), (0.015, 0.5), (0.03, 1), (0.5, 1), (0.775, 0.5), (1, 0.02)],
    ids=["first", "warming", "warm", "flat", "half of the fall", "last"],
)
def test_the_rate_rises_stays_and_falls(share, factor):
    assert rate_at(share) == pytest.approx(factor)


@pytest.mark.parametrize("budget", [{}, {"steps": 3, "minutes": 1}], ids=["none", "both"])
def test_a_budget_is_steps_or_minutes(budget):
    with pytest.raises(CineloraError, match="either --steps or --minutes"):
        Budget(**budget)


def test_waiting_does_not_use_up_a_budget():
    threads = torch.get_num_threads()
    cpu, wall = read_clock("cpu"), read_clock("cuda")
    time.sleep(0.3)
    assert read_clock("cuda") - wall >= 0.3
    assert read_clock("cpu") - cpu < 0.1
    started, spent = time.process_time(), read_clock("cpu")
    while time.process_time() - started < 0.2:
        pass
    assert 0.2 / threads <= read_clock("cpu") - spent < 0.5


def test_averaged_weights_are_there_for_a_while(trained):
    training = trained[2][1]
    name = "decoder.conv_out.weight"
    own = training.model.state_dict()[name].clone()
    with training.averaged_weights():
        held = training.model.state_dict()[name].clone()
    assert torch.equal(held, training.averaged[name])
    assert not torch.equal(held, own)
    assert torch.equal(training.model.state_dict()[name], own)


def test_every_batch_has_all_noise_levels_in_no_order():
    rng = np.random.default_rng(0)
    drawn = np.stack([train_unet.spread_timesteps(8, 1000, rng) for _ in range(200)])
    assert (np.sort(drawn) // 125 == np.arange(8)).all()
    assert (drawn.min(), drawn.max()) >= (0, 990) and drawn.max() < 1000
    # images of a batch are sorted: none may get one level more often than another
    assert np.abs(drawn.mean(0) - 500).max() < 90


def test_the_last_of_a_vaes_budget_has_whole_images(trained):
    losses = train_vae.VaeLosses(None, trained[0], None, batch=8, seed=1, device="cpu")
    shapes = []
    for share in (0, train_vae.WHOLE - 0.01, train_vae.WHOLE + 0.01):
        losses.progress(share)
        shapes.append((*losses.read_pixels(np.random.default_rng(0)).shape, losses.pull > 0))
    # 64 px are a whole image of this cast, so the number of images tells
    assert [(shape[0], shape[-1]) for shape in shapes] == [(8, True), (8, False), (2, False)]


def test_the_vae_is_measured_with_the_weights_that_ship(trained):
    last = trained[2][1].rows[-1]
    assert {"psnr", "components"} <= set(last)
    assert last["components"] > last["psnr"] > 3


def test_minutes_end_a_training_by_the_clock():
    assert Budget(minutes=2).share(10**6, 60) == 0.5
    assert Budget(steps=4).share(1, 10**6) == 0.25
