"""The full tier: its plan for the demo film, and a run of its code from film to datasets.

The run plays every role with a production loader: small real weights where the shared folder of
test weights has them, else random ones. What it finds means nothing; that it arrives does.
"""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories import full_tier_in_code as full  # noqa: E402
from tests.factories.runs import DATASETS, GPU_RULES, ON_REQUEST, ROOT, snakemake  # noqa: E402
from workflow_scripts.models.registry import list_roles  # noqa: E402

pytestmark = pytest.mark.workflow
NAMES = ("nella", "bruno", "pip")
IDENTITIES = "results/demo/identify_characters/identities.parquet"
PLAN = ["--configfile", "config/config.yaml", "config/overlays/full.yaml"]
RESOURCES = ["--resources", "gpu=2"]
ADAPTER = "style"  # one stands for all: the light run trains every one


def make_folder(folder: Path) -> Path:
    """A folder to run in, with weights of its own."""
    shutil.copytree(ROOT / "config", folder / "config")
    (folder / "resources/models").mkdir(parents=True)
    for path in (ROOT / "resources").iterdir():
        if path.name != "models":
            (folder / "resources" / path.name).symlink_to(path)
    for name in ("ch_*.onnx", "face_landmark.tflite"):  # text reader and face mesh of both tiers
        for path in (ROOT / "resources/models").glob(name):
            shutil.copyfile(path, folder / "resources/models" / path.name)
    return folder


def read_jobs(plan: str) -> list[tuple[str, str]]:
    """Rule and resources of each job of a dry run."""
    return re.findall(r"^(?:local)?rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", plan, re.M)


def test_the_plan_asks_for_a_gpu_where_models_compute_and_nowhere_else(tmp_path):
    jobs = read_jobs(snakemake(make_folder(tmp_path), "-n", "--printshellcmds", *PLAN))
    with_gpu = {rule for rule, resources in jobs if "gpu=1" in resources}
    # the light model of score_expressions has no use for one
    assert with_gpu == GPU_RULES - ON_REQUEST | {"score_expressions"}
    assert {"fetch_model", "fetch_folder"} <= {rule for rule, _ in jobs} - with_gpu


@pytest.mark.parametrize(("kind", "are_needed"), [("style", True), ("background", False)])
def test_joints_are_measured_for_colors_where_masks_say_nothing_of_bodies(
    tmp_path, kind, are_needed
):
    folder = make_folder(tmp_path)
    films = {"demo": {"path": "resources/demo_film/film.mp4", "kinds": [kind]}}
    (folder / "page.yaml").write_text(yaml.safe_dump({"films": films}), encoding="utf-8")
    plans, shown = [["page.yaml"], ["page.yaml", "config/overlays/full.yaml"]], ["-n", "-p"]
    light, production = (
        {rule for rule, _ in read_jobs(snakemake(folder, *shown, "--configfile", *pages))}
        for pages in plans
    )
    assert "embed_images" in light & production
    assert ("estimate_poses" in production, "estimate_poses" in light) == (are_needed, False)


def name_tracks(folder: Path, make) -> None:
    """Say who the longest tracks are, as a person would: random vectors know nobody."""
    make(IDENTITIES)
    people = pd.read_parquet(folder / IDENTITIES)
    longest = people["track_id"].value_counts().index[: len(NAMES)]
    review = folder / "config/reviews/demo/identities.csv"
    review.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{track},{who}" for track, who in zip(longest, NAMES, strict=True)]
    review.write_text("\n".join(["id,character", *rows]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    if not full.build.SHARED.is_dir():
        pytest.skip("the shared test weights are not there")
    folder = make_folder(tmp_path_factory.mktemp("full"))
    overlay = full.write_overlay(folder / "weights", folder / "overlay.yaml")
    configs = ["--configfile", "config/config.yaml", str(overlay)]
    name_tracks(folder, lambda *targets: snakemake(folder, *RESOURCES, *configs, "--", *targets))
    targets = [f"results/demo/analyze_dataset/{name}.json" for name in DATASETS]
    judged = f"results/demo/evaluate_adapter/{ADAPTER}/scores.parquet"
    snakemake(folder, *RESOURCES, *configs, "--", *targets, judged)
    return folder


def test_no_light_model_played(run):
    table = yaml.safe_load((run / "weights/table.yaml").read_text(encoding="utf-8"))["models"]
    assert {row["role"] for row in table.values()} | {"text", "face_mesh"} == set(list_roles())
    fetched = {path.name for path in (run / "resources/models").iterdir()}
    assert not fetched & {"pose_detection.tflite", "centerface.onnx", "mobilenet_v2-b0353104.pth"}


def list_filled(run: Path) -> list[str]:
    """Datasets with images; random joints and faces may show nothing that is sure enough."""
    folders = {name: run / f"results/demo/datasets/{name}" for name in DATASETS}
    filled = [name for name, folder in folders.items() if not (folder / "EMPTY.txt").is_file()]
    assert set(DATASETS) - set(filled) <= {"pose", "expression"}
    return filled


def test_every_dataset_has_images_and_captions(run):
    filled = list_filled(run)
    assert len(filled) >= 6
    for name in filled:
        rows = pd.read_parquet(run / f"results/demo/datasets/{name}/dataset.parquet")
        train = run / f"results/demo/datasets/{name}/train"
        listed = (train / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(listed) == (rows["split"] == "train").sum() > 0, name
        assert all(json.loads(line)["text"] for line in listed)


def test_answers_of_random_weights_are_counted_and_the_facts_stand(run):
    filled = list_filled(run)
    every = pd.read_parquet(run / "results/demo/describe_images/descriptions.parquet")
    assert len(filled) >= 6
    for name in filled:
        said = every[every["dataset"] == name]
        captions = pd.read_parquet(run / f"results/demo/write_captions/{name}.parquet")
        asked = captions["image_id"].isin(said["image_id"])
        assert set(captions.loc[asked, "reason"]) == {"vlm_unparsable"}
        assert set(captions.loc[~asked, "reason"]) <= {""}
        assert captions["caption"].str.len().gt(0).all()


def test_the_adapter_says_that_its_base_is_random(run):
    settings = (run / f"results/demo/adapters/{ADAPTER}/settings.yaml").read_text(encoding="utf-8")
    assert "sd-random-weights" in settings
    assert pd.read_parquet(run / f"results/demo/evaluate_adapter/{ADAPTER}/scores.parquet").size
