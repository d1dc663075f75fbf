"""The workflow from end to end on the demo film, in a folder of its own."""

import json
import os
import re
import shutil

import datasets
import pandas as pd
import pytest
import yaml

from tests.factories.identity_paths import CAST, measure_names, name_anew
from tests.factories.runs import DATASETS, GPU_RULES, ROOT, snakemake
from workflow_scripts.film import identify_characters
from workflow_scripts.lib.tables import find
from workflow_scripts.plan.calibrate import calibrate
from workflow_scripts.plan.config import read_shipped

REPORT = "results/demo/report/index.html"
FLOORS = yaml.safe_load((ROOT / "tests/accuracy_floors.yaml").read_text(encoding="utf-8"))
pytestmark = pytest.mark.workflow


def planned_jobs(folder, *arguments):
    """Rule name -> number of jobs that a dry run lists."""
    output = snakemake(folder, "-n", "--quiet", "rules", *arguments)
    output += snakemake(folder, "-n", *arguments)
    table = output.partition("Job stats:")[2].partition("total")[0]
    return {
        name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)\b", table, re.MULTILINE)
    }


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A folder in which the shipped config was run, exactly as a user types it."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copytree(ROOT / "config", folder / "config")
    (ROOT / "resources/models").mkdir(exist_ok=True)
    (folder / "resources").symlink_to(ROOT / "resources")
    # light models: places on the CPU
    shown = snakemake(folder, "--resources", f"gpu={os.cpu_count()}")
    (folder / "shown.txt").write_text(shown, encoding="utf-8")
    return folder


def edit_config(folder, text, replacement):
    """Write a page with what one change of the whole config changes; return its arguments."""
    path = folder / "changed.yaml"
    options = sorted((folder / "config/options").glob("*.yaml"))
    pages = [*options, folder / "config/config.yaml"]
    config = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert re.search(text, config), f"{text} is not in the config"
    before, after = map(yaml.safe_load, (config, re.sub(text, replacement, config, count=1)))
    page = yaml.safe_load(pages[-1].read_text(encoding="utf-8"))
    page |= {name: block for name, block in after.items() if block != before.get(name)}
    path.write_text(yaml.safe_dump(page, sort_keys=False), encoding="utf-8")
    return "--configfile", str(path)


def test_the_report_is_one_file_without_requests(run):
    page = (run / REPORT).read_text(encoding="utf-8")
    assert len(page) > 100_000
    assert not re.search(r"""(?:src|href)=["']https?://[^"']+\.(?:js|css|png|jpg)""", page)
    assert "random weights" not in page
    assert "It draws coarse figures and places" in page  # what the light base is able to


def test_a_person_sees_one_line_a_job_and_where_the_report_is(run):
    shown = (run / "shown.txt").read_text(encoding="utf-8")
    done = re.findall(r"^\[ *\d+/(\d+)\] \w+ .*$", shown, re.MULTILINE)
    assert len(done) == int(done[0]) > 50
    assert f"The report of demo: {run / REPORT}" in shown
    assert len(shown.splitlines()) < len(done) + 40  # a line each 30 s of a long job, warnings


def test_a_second_run_has_nothing_to_do(run):
    assert planned_jobs(run) == {}


def test_every_phase_left_its_counts(run):
    phases = json.loads((run / "results/demo/progress.json").read_text(encoding="utf-8"))["phases"]
    assert {phase["status"] for phase in phases.values()} == {"done"}
    for name, phase in phases.items():
        assert phase["read"] == phase["kept"] + sum(phase["set_aside"].values()), name


def test_a_new_threshold_repeats_only_deciding_phases(run):
    changed = edit_config(run, r"(?m)^(  min_sharpness:\s*)[0-9.]+", r"\g<1>0.3")
    targets = [f"results/demo/analyze_dataset/{name}.json" for name in DATASETS]
    jobs = planned_jobs(run, *changed, "--", *targets)
    assert set(jobs) == {"filter_frames", "select_images", "pack_dataset", "analyze_dataset"}
    assert not set(jobs) & GPU_RULES
    everything = planned_jobs(run, *changed)
    assert set(everything) & GPU_RULES == {"train_adapter", "evaluate_adapter"}


@pytest.mark.parametrize("name", DATASETS)
def test_each_dataset_loads_with_its_captions_and_nothing_leaks(run, name):
    folder = run / "results/demo/datasets" / name
    loaded = datasets.load_dataset("imagefolder", data_dir=str(folder))
    assert len(loaded["train"]) > 0
    assert all(loaded["train"]["text"])
    rows = pd.read_parquet(folder / "dataset.parquet")
    assert set(rows.loc[rows["reason"] == "", "split"]) <= {"train", "validation"}
    assert json.loads((folder / "counts.json").read_text(encoding="utf-8"))["held_out"]["leak"] == 0


@pytest.mark.parametrize("name", DATASETS)
def test_each_adapter_is_complete(run, name):
    folder = run / "results/demo/adapters" / name
    names = {path.name for path in folder.iterdir()}
    assert {f"demo-{name}.safetensors", f"demo-{name}.json", f"demo-{name}.preview.png"} <= names
    assert {"settings.yaml", "metrics.parquet"} <= names
    metrics = pd.read_parquet(folder / "metrics.parquet")
    assert metrics.loc[metrics["step"] > 0, "loss"].notna().all()
    assert metrics["validation_loss"].notna().sum() >= 2  # of the base, and of the adapter


@pytest.mark.parametrize("name", DATASETS)
def test_each_adapter_is_judged_beside_its_base_and_its_controls(run, name):
    scores = pd.read_parquet(run / f"results/demo/evaluate_adapter/{name}/scores.parquet")
    kind = name.partition("-")[0]
    control = {"character": {"other_subject"}, "pose": {"shuffled_captions"}}.get(kind, set())
    assert set(scores["over"]) == {"", "base"} | control
    assert set(scores["adapter"]) == {"own", "base", "film"} | control
    changed = scores["score"] == "change_at_strength_0"
    assert scores.loc[changed, "value"].tolist() == [0]
    assert (kind == "character") == ("retrieval" in set(scores["score"]))


@pytest.mark.parametrize("figure", sorted(FLOORS))
def test_no_figure_falls_below_what_was_reached(run, figure):
    value = json.loads((run / "results/demo/accuracy.json").read_text(encoding="utf-8"))[figure][
        "value"
    ]
    floor = FLOORS[figure]
    if "min" in floor:
        assert value >= floor["min"]
    else:
        assert value <= floor["max"]


def test_joints_name_everybody_whom_regions_name(run, tmp_path):
    """The path of the full tier, whose masks say nothing of bodies, on the run's own people."""
    results, paths = run / "results/demo", {"joints": True, "boxes alone": False}
    rows = {"regions (light tier)": measure_names(results)}
    for name, joints in paths.items():
        rows[name] = measure_names(name_anew(results, tmp_path / name, joints))
    print("", pd.DataFrame(rows).T.to_string(), sep="\n")
    light, full, boxes = rows.values()
    assert full == light
    assert light["right"] == 1 and light["named"] == light["of"] > 250
    assert boxes["named"] < 0.9 * full["named"]  # or the joints would not matter


def test_a_film_tells_what_its_models_row_says(run, tmp_path):
    results, made = run / "results/demo", tmp_path / "identities.parquet"
    choices, problems = calibrate(results)
    assert problems == []
    told = {choice.option.partition(".")[2]: choice.value for choice in choices}
    row = {"vector_weight": 0.05, "max_distance": 0.3, "view_similarity": 0.95}
    row |= {"min_similarity": 0.1}
    assert told == pytest.approx(row, abs=0.1)
    names = ("vector_weight", "max_distance")
    options = read_shipped()["identify_characters"] | {name: told[name] for name in names}
    tables = [[str(path) for path in find(name, results)] for name in ("instances", "embeddings")]
    references = str(find("references", results)[0])
    identify_characters.main(*tables, references, [], str(made), characters=CAST, **options)
    before = pd.read_parquet(find("identities", results)[0])
    pd.testing.assert_series_equal(pd.read_parquet(made)["character"], before["character"])


def test_snakemakes_own_report_works(run):
    snakemake(run, "--report", "report.html")
    assert (run / "report.html").stat().st_size > 100_000


def test_a_broken_config_stops_before_any_job(run):
    changed = edit_config(run, r"(?m)^shards: .*", "shards: two\nshard: 2")
    output = snakemake(run, *changed, "-n", check=False)
    assert "The config has 2 problem(s)" in output
    assert "unknown key 'shard'" in output


def test_a_missing_film_stops_before_any_job(run):
    changed = edit_config(run, r"path: resources/demo_film/film.mp4", "path: no/such/film.mp4")
    output = snakemake(run, *changed, "-n", check=False)
    assert "there is no file or folder no/such/film.mp4" in output


def test_a_threshold_that_changes_no_image_trains_nothing_again(run):
    """Snakemake knows only that something changed and runs the jobs; they find their work done."""
    changed = edit_config(run, r"(?m)^(  min_sharpness:\s*[0-9.]+)", r"\g<1>00001")
    settings = run / "results/demo/adapters/pose/settings.yaml"
    measured = run / "results/demo/evaluate_adapter/pose/settings.yaml"
    before = settings.read_bytes(), measured.read_bytes()
    targets = [
        str(path.with_name(name).relative_to(run))
        for path, name in ((settings, "demo-pose.safetensors"), (measured, "scores.parquet"))
    ]
    snakemake(run, *changed, "--resources", "gpu=1", "--", *targets)
    logs = [(run / f"logs/demo/{phase}_adapter.pose.log") for phase in ("train", "evaluate")]
    kept = "made from the same inputs with the same settings, kept as it is"
    assert [log.read_text(encoding="utf-8").count(kept) for log in logs] == [1, 1]
    assert (settings.read_bytes(), measured.read_bytes()) == before
    assert planned_jobs(run, *changed, "--", *targets) == {}
