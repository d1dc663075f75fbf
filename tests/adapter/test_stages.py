"""Stages of a training: how long each is, its learning rate, and which images it shows."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import (
    BASE,
    base_folder,
    make_dataset,
    make_options,
)
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.examples import seed_for
from workflow_scripts.adapter.sampling import draw_batch, read_weights
from workflow_scripts.adapter.stages import (
    add_up,
    find_stage,
    format_stages,
    make_rate,
    plan_stages,
)
from workflow_scripts.adapter.training_data import read_split
from workflow_scripts.lib.errors import CineloraError

FEW = {"steps": 4, "batch_size": 2, "rank": 2, "alpha": 1.0, "resolution_px": 64, "validations": 2}
THREE = [
    {"steps": 10, "learning_rate": 1.0},
    {"steps": 4, "learning_rate": 0.5},
    {"steps": 2, "learning_rate": 0.2},
]
SHOTS = ["close-up", "wide", "wide", "medium", "", "close-up"]  # of the images of the factory


def make_settings(**changes):
    return trainings.make_settings(**{**FEW, **changes})


def add_tables(folder):
    """dataset.parquet of a dataset made in code, and the measures of its images."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.glob("train/2_*/*.png"))
    ids = [f"i{n}" for n in range(len(files))]
    rows = pd.DataFrame({"image_id": ids, "file": files, "shot_type": SHOTS, "location": "park"})
    rows["face_cut"] = [True, *[False] * 5]
    aside = rows[:1].assign(image_id="i9", file="", location="beach")
    pd.concat([rows, aside]).to_parquet(folder / "dataset.parquet")
    measures = pd.DataFrame({"image_id": ids, "people": [1, 2, 2, 0, 1, 1]})
    measures.assign(occluded=measures["people"] == 2).to_parquet(folder / "measures.parquet")
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return add_tables(make_dataset(tmp_path_factory.mktemp("data") / "nella"))


@pytest.fixture(scope="module")
def splits(dataset):
    return trainings.encode_splits(dataset)


@pytest.fixture
def make_trainer(splits):
    return lambda weights=(), **changes: trainings.make_trainer(
        splits, weights, **{**FEW, **changes}
    )


def list_rates(schedule, stages=THREE, *, warmup=0.2, **options):
    settings = make_settings(schedule=schedule, warmup=warmup, stages=stages, **options)
    planned = plan_stages(settings, 6)
    settings = add_up(settings, planned)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    rate = make_rate(settings, planned, optimizer)
    return [rate(step) for step in range(settings.steps)]


def test_each_stage_has_its_rate_and_the_first_one_warms_up():
    wanted = [1 / 3, 2 / 3, *[1.0] * 8, *[0.5] * 4, *[0.2] * 2]
    assert list_rates("constant") == pytest.approx(wanted)


def test_the_schedule_starts_anew_in_each_stage():
    rates = list_rates("linear")
    assert rates[10:14] == pytest.approx([0.5, 0.375, 0.25, 0.125])
    assert rates[14:] == pytest.approx([0.2, 0.1])


@pytest.mark.parametrize(
    ("schedule", "options", "wanted"),
    [
        ("cosine_with_restarts", {"schedule_cycles": 2}, [1, 0.5, 1, 0.5]),
        ("polynomial", {"schedule_power": 2.0}, [1, 0.5625, 0.25, 0.0625]),
        ("piecewise_constant", {"schedule_levels": [1, 0.25]}, [1, 1, 0.25, 0.25]),
        ("piecewise_constant", {"schedule_levels": [1, 0.5, 0.1]}, [1, 0.5, 0.5, 0.1]),
    ],
)
def test_a_schedule_follows_its_formula_in_each_stage(schedule, options, wanted):
    stages = [{"steps": 4, "learning_rate": 1.0}, {"steps": 4, "learning_rate": 0.1}]
    rates = list_rates(schedule, stages, warmup=0.0, **options)
    assert rates == pytest.approx([*wanted, *(0.1 * rate for rate in wanted)], abs=1e-6)


def test_a_rate_below_that_to_which_the_polynomial_falls_is_refused():
    settings = make_settings(schedule="polynomial", learning_rate=1e-8, warmup=0.0)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1e-8)
    with pytest.raises(CineloraError, match="Choose a higher learning_rate"):
        make_rate(settings, plan_stages(settings, 6), optimizer)


def test_one_stage_is_the_training_without_stages(make_trainer):
    rate = make_settings().learning_rate
    staged = make_trainer(stages=[{"steps": 4, "learning_rate": rate}], steps=99)
    assert trainings.differ(trainings.finish(make_trainer(), 4), trainings.finish(staged, 4)) == 0
    assert staged.settings.steps == 4
    assert format_stages(staged.stages) == []


@pytest.mark.parametrize(
    ("epochs", "batches", "accumulation", "steps"),
    [(1, 6, 1, 6), (1.5, 6, 1, 9), (2, 7, 2, 7), (0.01, 6, 1, 1), (1, 7, 2, 4)],
    ids=["one", "half", "accumulated", "never none", "rounded up"],
)
def test_epochs_become_steps(epochs, batches, accumulation, steps):
    stages = [{"epochs": epochs, "learning_rate": 0.1}, THREE[1]]
    settings = make_settings(stages=stages, gradient_accumulation_steps=accumulation)
    planned = plan_stages(settings, batches)
    assert [(one.first, one.end) for one in planned] == [(0, steps), (steps, steps + 4)]
    summed = add_up(settings, planned)
    assert (summed.steps, summed.learning_rate) == (steps + 4, 0.5)
    assert [one["steps"] for one in summed.stages] == [steps, 4]


def test_a_step_knows_its_stage():
    stages = plan_stages(make_settings(stages=THREE), 6)
    assert [find_stage(stages, step) for step in (0, 9, 10, 13, 14, 15, 16)] == [
        *(0, 0, 1, 1, 2, 2, 2)
    ]


def test_images_are_drawn_in_proportion_to_their_weights():
    sizes = [(2, 2)] * 3 + [(2, 4)] * 3
    weights, batches = np.array([1, 3, 0, 2, 0.5, 9]), 4000
    shown = Counter()
    for number in range(batches):
        rng = np.random.default_rng(seed_for(7, "sampling", number))
        batch = draw_batch(sizes, weights, 4, rng)
        assert len(batch) == 4
        assert len({sizes[i] for i in batch}) == 1
        shown.update(batch)
    wanted = 4 * batches * weights / weights.sum()
    # A batch holds an image at most 4 times, so the variance of its count is below 4 x the mean
    bound = 5 * np.sqrt(4 * wanted)
    assert (np.abs([shown[i] for i in range(6)] - wanted) <= bound).all()
    assert shown[2] == 0
    assert bound[0] < 0.15 * wanted[0] * 4  # a bound that tells weight 1 from 0 and from 2


def test_a_batch_holds_an_image_twice_only_where_it_must():
    for number in range(50):
        rng = np.random.default_rng(number)
        assert len(set(draw_batch([(2, 2)] * 8, np.ones(8), 4, rng))) == 4
    counts = Counter(draw_batch([(2, 2)] * 2, np.array([3.0, 1.0]), 4, np.random.default_rng(1)))
    assert counts == {0: 3, 1: 1}


def watch(trainer, monkeypatch):
    """List the images of each batch that a trainer learns from."""
    batches, losses = [], trainer.losses

    def look(members, generator):
        batches.append(members)
        return losses(members, generator)

    monkeypatch.setattr(trainer, "losses", look)
    return batches


def test_a_stage_shows_what_its_weights_say_and_the_others_whole_epochs(make_trainer, monkeypatch):
    stages = [{"epochs": 1, "learning_rate": 0.001}, {"steps": 5, "learning_rate": 0.001}]
    trainer = make_trainer([None, [0, 1, 0, 0, 3, 0]], stages=stages)
    batches = watch(trainer, monkeypatch)
    trainings.finish(trainer, trainer.settings.steps)
    assert Counter(i for batch in batches[:6] for i in batch) == dict.fromkeys(range(6), 2)
    drawn = Counter(i for batch in batches[6:] for i in batch)
    assert set(drawn) == {1, 4}
    assert drawn[4] > drawn[1] and drawn.total() == 10
    assert format_stages(trainer.stages)[1] == (
        "stage 2: 5 steps, learning rate 0.001, spread as over 1.6 images"
    )


@pytest.mark.parametrize("ema_decay", [0, 0.9])
@pytest.mark.parametrize("interrupted_after", [2, 3, 4], ids=["before", "at", "after the border"])
def test_resuming_across_a_border_takes_the_same_steps(
    make_trainer, tmp_path, interrupted_after, ema_decay
):
    options = {"gradient_accumulation_steps": 2, "keep": "last", "ema_decay": ema_decay}
    options["stages"] = [{"steps": 3, "learning_rate": 0.02}, {"steps": 3, "learning_rate": 0.01}]
    weights = [None, [1, 1, 4, 4, 0, 1]]
    whole = make_trainer(weights, **options)
    wanted = trainings.finish(whole, 6)
    stopped = make_trainer(weights, **options)
    trainings.finish(stopped, interrupted_after)
    stopped.save(tmp_path / "resume.pt", "same")
    resumed = make_trainer(weights, **options)
    resumed.resume(tmp_path / "resume.pt", "same")
    assert resumed.step == interrupted_after
    assert trainings.differ(wanted, trainings.finish(resumed, 6)) == 0
    assert trainings.differ(whole.chosen()[1], resumed.chosen()[1]) == 0
    assert (trainings.differ(wanted, whole.chosen()[1]) > 0) == (ema_decay > 0)
    assert pd.DataFrame(resumed.rows).equals(pd.DataFrame(whole.rows))


def weigh(dataset, sampling):
    images = read_split(dataset, "train")
    stages = [{"steps": 1}, {"steps": 1, "sampling": sampling}]
    plain, weights = read_weights(dataset, dataset / "measures.parquet", images, stages)
    assert plain is None
    return weights


@pytest.mark.parametrize(
    ("sampling", "weights"),
    [
        ({"shot_type": {"close-up": 1, "wide": 3}}, [2, 6, 6, 2, 2, 2]),
        ({"shot_type": {"unknown": 5, "full": 2}}, [2, 2, 2, 2, 10, 2]),
        ({"people": {"2": 2, "0": 0, "9": 9}, "shot_type": {"wide": 3}}, [2, 12, 12, 0, 2, 2]),
        ({"face_cut": {"true": 0}, "occluded": {"true": 2}}, [0, 4, 4, 2, 2, 2]),
        ({"location": {"beach": 9, "park": 2}}, [4] * 6),
    ],
    ids=["words", "unknown; a word that nobody has", "measured, a product", "flags", "set aside"],
)
def test_weights_come_from_the_tables_and_count_repeats(dataset, sampling, weights):
    assert weigh(dataset, sampling) == weights


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        ({"location": {"prak": 2}}, "no image of the dataset has the location prak"),
        ({"people": {"two": 2}}, "Values of that column: 0, 1, 2, unknown"),
        ({"location": {"park": 0}}, "shows none of the 6 images"),
        ({"weather": {"rain": 2}}, "dataset.parquet has no column weather"),
    ],
    ids=["unknown value", "measured", "nothing is left", "an older table"],
)
def test_a_sampling_that_cannot_be_meant_is_an_error(dataset, sampling, words):
    with pytest.raises(CineloraError, match=words):
        weigh(dataset, sampling)


def test_an_image_that_the_table_does_not_know_is_an_error(tmp_path):
    folder = add_tables(make_dataset(tmp_path / "nella"))
    image = next(folder.glob("train/2_*/*.png"))
    for suffix in (".png", ".txt"):
        image.with_suffix(suffix).rename(image.with_name(f"added{suffix}"))
    with pytest.raises(CineloraError, match="does not know train/2_nella woman/added.png"):
        weigh(folder, {"shot_type": {"wide": 2}})


def run_main(dataset, base, folder, stages):
    files = {"adapter": "a.safetensors", "card": "a.json"}
    files |= {"settings": "settings.yaml", "metrics": "metrics.parquet"}
    return train_adapter.main(
        str(dataset),
        str(base),
        **{key: str(folder / name) for key, name in files.items()},
        measures=[str(dataset / "measures.parquet")],
        title="demo nella",
        control="",
        options=make_options("train_adapter", **FEW, stages=stages),
        model=BASE,
        seed=7,
    )


def test_main_trains_its_stages_and_says_how_long_they_were(dataset, tmp_path, caplog):
    stages = [
        {"epochs": 0.5, "learning_rate": 0.02},
        {"steps": 2, "learning_rate": 0.01, "sampling": {"shot_type": {"wide": 3}}},
    ]
    caplog.set_level("INFO")
    run_main(dataset, base_folder(), tmp_path, stages)
    rates = pd.read_parquet(tmp_path / "metrics.parquet")["learning_rate"]
    assert len(rates) == 6
    assert rates[4] == 0.01
    said = (tmp_path / "settings.yaml").read_text(encoding="utf-8")
    assert "stages:\n  - steps: 3\n    learning_rate: 0.02\n" in said
    assert "stage 2: 2 steps, learning rate 0.01, spread as over" in caplog.text


def test_a_wrong_sampling_is_said_before_the_base_is_opened(dataset, tmp_path):
    stages = [{"steps": 1, "learning_rate": 0.1, "sampling": {"location": {"prak": 2}}}]
    with pytest.raises(CineloraError, match="the location prak"):
        run_main(dataset, tmp_path / "no base", tmp_path, stages)
