"""Tables of long films, and what films cost."""

import importlib
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.factories import results_in_code, tables
from workflow_scripts.capacity import run_step
from workflow_scripts.capacity.big_film import make_big_film
from workflow_scripts.capacity.plan import (
    Cost,
    describe_growth,
    find_gpu_rules,
    format_hours,
    scale,
)
from workflow_scripts.film.decoding.hashes import distances


@pytest.fixture
def films(tmp_path):
    """A short film with a hash per image, and one of two copies with each frame twice."""
    source, folder = tmp_path / "source", tmp_path / "long"
    results_in_code.make_results(source, ["pose", "background", "expression"])
    texts = tables.make_texts(tables.make_frames())
    texts.insert(0, "text_id", texts["frame_id"] + "_x00")
    results_in_code.save(texts, source / "select_text/text.parquet")
    path = source / "extract_frames/frames.parquet"
    frames = pd.read_parquet(path)
    codes = np.random.default_rng(1).integers(2**64, size=len(frames), dtype=np.uint64)
    frames.assign(phash=codes).to_parquet(path)
    assert make_big_film(source, folder, copies=2, density=2, seed=7) == 4 * len(frames)
    return source, folder


def read(folder, name):
    """One table."""
    return pd.read_parquet(folder / f"{name}.parquet")


def test_a_long_film_has_rows_of_its_own(films):
    short, long = (read(folder, "extract_frames/frames") for folder in films)
    assert long["frame_id"].is_unique and long["frame_id"].is_monotonic_increasing
    assert long["shot_id"].nunique() == 2 * short["shot_id"].nunique()
    assert set(long.loc[long["held_of"] != "", "held_of"]) <= set(long["frame_id"])


def test_the_tables_of_a_long_film_belong_together(films):
    frames = read(films[1], "extract_frames/frames")
    for shard in ("01of02", "02of02"):
        people = read(films[1], f"segment_instances/{shard}")
        points = read(films[1], f"estimate_poses/{shard}")
        assert people["instance_id"].tolist() == points["instance_id"].tolist()
        assert people["frame_id"].isin(frames["frame_id"]).all()
        shots = frames.set_index("frame_id")["shot_id"][people["frame_id"]]
        assert shots.tolist() == people["shot_id"].tolist()


def test_copies_are_no_duplicates_and_keep_their_inner_distances(films):
    short, long = (read(folder, "extract_frames/frames")["phash"] for folder in films)
    first, second = long.iloc[: 2 * len(short)], long.iloc[2 * len(short) :]
    assert distances(first.to_numpy(), second.to_numpy()).min() > 8
    assert (distances(first.to_numpy()[0], second.to_numpy()[0])) == (
        distances(first.to_numpy()[2], second.to_numpy()[2])
    )


def test_the_cost_of_a_film_follows_its_frames_and_that_of_an_adapter_does_not():
    jobs = pd.DataFrame(
        [("segment", 10.0, 20.0, True), ("segment", 10.0, 20.0, True), ("dedup", 1.0, 1.0, False)]
        + [("train_adapter", 30.0, 30.0, False)],
        columns=["rule", "wall_s", "cpu_s", "is_shard"],
    )
    cost = scale(jobs, {"segment", "train_adapter"}, measured=100, frames=1000)
    assert cost.jobs == 1 + 1 + 1  # a thousand frames are half a shard
    assert cost.gpu_h == pytest.approx((200 + 30) / 3600)
    assert cost.core_h == pytest.approx((400 + 10 + 30 + 3 * 1.3) / 3600)
    assert cost.chain_h == pytest.approx((200 + 10 + 30) / 3600)


@pytest.mark.parametrize(
    ("films", "cores", "gpus", "hours", "first"),
    [
        (100, 10, 100, 100.0, "cores"),
        (100, 1000, 2, 100.0, "GPUs"),
        (1, 1000, 1000, 5.0, "the jobs of one film, one after the other"),
        (36_000, 10**9, 10**9, 300.0, "submitting jobs"),
    ],
)
def test_the_first_bottleneck(films, cores, gpus, hours, first):
    cost = Cost(jobs=100, core_h=10.0, gpu_h=2.0, chain_h=5.0)
    assert format_hours(cost, films, cores, gpus) == (pytest.approx(hours), first)


def test_rules_that_ask_for_a_gpu(tmp_path):
    (tmp_path / "film").mkdir()
    (tmp_path / "film/a.smk").write_text(
        "rule a:\n    resources:\n        gpu=1,\n\n\nrule b:\n    pass\n\n\n"
        'rule c:\n    resources:\n        gpu=int(MODELS["expression"]["device"] == "cuda"),\n\n\n'
        "rule d:\n    resources:\n        gpu=0,\n",
        encoding="utf-8",
    )
    assert find_gpu_rules(tmp_path) == {"a", "c"}


def test_the_rules_of_the_house_that_ask_for_a_gpu():
    found = find_gpu_rules(Path("rules"))
    assert {"segment_instances", "score_expressions", "train_adapter"} <= found
    assert not found & {"extract_frames", "pack_dataset"}


def test_the_page_says_which_phase_needs_most_memory(tmp_path):
    table = tmp_path / "growth.csv"
    table.write_text(
        "step,size,cpu_s,peak_mb,found\nsmall,9000,1.0,200,\nlarge,9000,2.0,3000,\n"
        "dry run,9000,4.2,,133\nnear_hashes,1000000,8.6,9000,5\n",
        encoding="utf-8",
    )
    page = "\n".join(describe_growth(table))
    assert "to 9,000 frames:\n`large` needs most, 3,000 MB" in page
    assert "takes 4.2 s of one core for the 133 jobs of 9,000 frames" in page
    assert "| near_hashes | 1,000,000 | 8.6 | 9,000 |" in page


@pytest.mark.parametrize("phase", sorted(run_step.OPTIONS))
def test_the_main_of_a_phase_finds_its_tables(films, phase):
    main = importlib.import_module(f"workflow_scripts.film.{phase}").main
    found = run_step.find_arguments(main, films[1])
    options = set(run_step.OPTIONS[phase])
    required = {
        name
        for name, parameter in inspect.signature(main).parameters.items()
        if parameter.default is parameter.empty
    }
    assert required - options <= set(found)
    assert found.get("frames", found.get("instances"))
    if "instances" in found:
        assert [Path(path).stem for path in found["instances"]] == ["01of02", "02of02"]
