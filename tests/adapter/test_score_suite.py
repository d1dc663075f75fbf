"""What the drawings of a suite show: figures of three characters, drawn in code."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.factories.figures import LIGHTS, draw_figure, make_pose
from workflow_scripts.adapter import score_suite
from workflow_scripts.adapter.draw_suite import DRAWINGS, write_drawing
from workflow_scripts.adapter.recognition import Gallery, find_subjects
from workflow_scripts.adapter.score_suite import SCORES, SHOWN
from workflow_scripts.adapter.still_measures import IMAGES, PEOPLE
from workflow_scripts.adapter.suites import ASKED
from workflow_scripts.film.light.measures import measure_image
from workflow_scripts.film.people.colors import describe_colors
from workflow_scripts.lib.images import encode_rle, read_rgb
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.plan.config import read_shipped

CONFIG = read_shipped()
RULES = {
    "poses": CONFIG["classify_poses"],
    "expressions": CONFIG["classify_expressions"],
    "lighting": CONFIG["classify_lighting"],
    "min_occlusion": 0.1,
    "min_edges": 0.07,
}
SCENARIOS, PROMPTS, SEEDS = ("near", "far"), 4, 2
TOOLS = {  # adapter: who is drawn ("": nobody), and whether its images differ
    "base": ("", True),
    "own": ("nella", True),
    "other_subject": ("bruno", True),
    "collapsed": ("nella", False),
}
NAMES = list(LIGHTS)


def unit(vector):
    return vector / np.linalg.norm(vector)


def make_vector(*parts):
    """A look of an image by a few numbers; the same numbers, the same look."""
    return unit(np.random.default_rng(parts).normal(size=32)).astype(np.float32)


def make_person(drawing_id, who, light):
    """A row of PEOPLE, and the image of that person."""
    image, mask, region = draw_figure(who, light)
    pose = make_pose(shift=(-40, 0), scale=0.25)
    row = dict.fromkeys(PEOPLE.names) | {
        "instance_id": f"{drawing_id}_i00",
        "drawing_id": drawing_id,
        **dict(zip(("x0", "y0", "x1", "y1"), (25, 10, 55, 110), strict=True)),
        "score": 0.9,
        "mask": encode_rle(mask),
        "height_px": mask.shape[0],
        "width_px": mask.shape[1],
        "area_px": int(mask.sum()),
        "keypoints": (pose + [30, 0, 0]).astype(np.float32).ravel(),
        "vector": make_vector(*who.encode()),
        "colors": describe_colors(image, mask, region),
    }
    return row, image, mask


def make_drawing(folder, tool, scenario, number, seed):
    """Rows of all three tables for one drawing."""
    who, differs = TOOLS[tool]
    drawing_id = f"{tool}_1_{scenario}_p{number:02d}_s{seed}"
    light = NAMES[number % len(NAMES)]
    people = []
    image, mask = np.full((120, 80, 3), 90, np.uint8), np.zeros((120, 80), bool)
    if who:
        row, image, mask = make_person(drawing_id, who, light)
        people.append(row)
    look = make_vector(number, len(scenario)) if differs else make_vector(0)
    whole = {"drawing_id": drawing_id, **measure_image(image, mask), "edges": 0.01, "vector": look}
    asked = {f"asked_{name}": None for name in ASKED}
    asked |= {"asked_people": "1", "asked_complex_background": "no"}
    drawing = {
        "drawing_id": drawing_id,
        "adapter": tool,
        "step": None,
        "strength": 0.0 if tool == "base" else 1.0,
        "scenario": scenario,
        "prompt_no": number,
        "seed": seed,
        "prompt": f"nella woman, {scenario} {number}",
        **asked,
        **write_drawing(folder / "images", drawing_id, image),
        "reason": "",
    }
    return drawing, people, whole


def make_tables(folder, tools):
    """What draw_suite, measure_suite and embed_references leave."""
    (folder / "images").mkdir()
    made = [
        make_drawing(folder, tool, scenario, number + 1, seed)
        for tool in tools
        for scenario in SCENARIOS
        for number in range(PROMPTS)
        for seed in range(SEEDS)
    ]
    left_out = made[0][0] | {"drawing_id": "base_0_more_p01_s0", "scenario": "more"}
    left_out |= {"file": "", "size_bytes": 0, "sha256": "", "reason": "no_other_character"}
    drawings = [drawing for drawing, *_ in made] + [left_out]
    write_manifest(pd.DataFrame(drawings), folder / "drawings.parquet", DRAWINGS)
    people = [row for _, rows, _ in made for row in rows]
    people = pd.DataFrame(people).reindex(columns=PEOPLE.names)
    write_manifest(people, folder / "people.parquet", PEOPLE)
    wholes = pd.DataFrame([whole for *_, whole in made])
    write_manifest(wholes, folder / "measures.parquet", IMAGES)
    references = []
    for who in ("nella", "bruno", "pip"):
        for light in ("day", "sunset", "night"):
            row, *_ = make_person(f"{who}_{light}", who, light)
            looks = {name: row[name] for name in ("vector", "colors")}
            references.append({"character": who, **looks, "reason": ""})
    pd.DataFrame(references).to_parquet(folder / "references.parquet")


def run(folder, character="nella"):
    return score_suite.main(
        drawings=str(folder / "drawings.parquet"),
        images=str(folder / "images"),
        people=str(folder / "people.parquet"),
        measures=str(folder / "measures.parquet"),
        references=[str(folder / "references.parquet")] if character else [],
        scores=str(folder / "scores.parquet"),
        shown=str(folder / "shown.parquet"),
        sheets=str(folder / "sheets"),
        title="demo nella",
        character=character,
        light_model="resources/light_models/lighting.json",
        rules=RULES,
        vector_weight=0.05,
        bootstrap=200,
        seed=7,
    )


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    make_tables(folder, TOOLS)
    counts = run(folder)
    return folder, counts, pd.read_parquet(folder / "scores.parquet")


def find(scores, score, adapter="own", scenario="all", over=""):
    rows = scores.query(
        "score == @score and adapter == @adapter and scenario == @scenario and over == @over"
    )
    assert len(rows) == 1
    return rows.iloc[0]


def test_every_drawing_keeps_its_row_with_what_was_found(scored):
    folder, counts, scores = scored
    assert counts.read == len(TOOLS) * 16 + 1
    assert counts.set_aside == {"no_other_character": 1}
    shown = pd.read_parquet(folder / "shown.parquet").set_index("drawing_id")
    assert list(shown.reset_index().columns) == SHOWN.names
    own = shown.loc["own_1_near_p01_s0"]
    assert (own["found_people"], own["right_people"], own["character"]) == ("1", 1, "nella")
    base = shown.loc["base_1_near_p01_s0"]
    assert (base["found_people"], base["found_view"], base["recognized"]) == ("0", "unknown", 0)
    assert pd.isna(base["character"])
    missing = shown.loc["base_0_more_p01_s0"]
    assert pd.isna(missing["found_people"]) and pd.isna(missing["recognized"])
    assert list(scores.columns) == SCORES.names


def test_levels_and_margins_tell_the_adapter_from_base_and_control(scored):
    scores = scored[2]
    recognized = {name: find(scores, "recognized", name)["value"] for name in TOOLS}
    assert recognized == {"base": 0, "own": 1, "other_subject": 0, "collapsed": 1}
    assert find(scores, "asked")["value"] == 1
    assert find(scores, "asked", "base")["value"] == 0.5  # the background came, nobody did
    assert find(scores, "asked.people", "base")["value"] == 0
    assert find(scores, "people_found", "base", "near")["n"] == 8
    margin = find(scores, "asked", over="base")
    assert (margin["value"], margin["low"], margin["clusters"]) == (0.5, 0.5, 8)
    assert find(scores, "recognized", over="other_subject")["low"] == 1
    assert find(scores, "retrieval")["value"] > 0.9
    assert find(scores, "retrieval", "other_subject")["value"] < 0.6


def test_the_same_person_in_one_image_for_everything_is_not_consistent(scored):
    scores = scored[2]
    own, collapsed = (find(scores, "consistency", name) for name in ("own", "collapsed"))
    assert own["low"] > 0.5
    assert collapsed["high"] < 0.01
    assert find(scores, "consistency", over="collapsed")["low"] > 0.5
    assert find(scores, "variety", "collapsed")["value"] == pytest.approx(0, abs=1e-6)
    assert find(scores, "consistency", "base")["value"] == 0  # nobody is found
    assert find(scores, "consistency", scenario="near")["clusters"] == PROMPTS


def test_scores_stand_for_each_scenario_and_for_all(scored):
    scores = scored[2]
    assert set(scores["scenario"]) == {*SCENARIOS, "all"}
    assert scores[["scenario", "adapter", "strength", "over", "score"]].duplicated().sum() == 0
    assert scores["low"].notna().any()


def test_a_sheet_for_each_scenario_shows_every_adapter(scored):
    sheets = sorted((scored[0] / "sheets").iterdir())
    assert [path.name for path in sheets] == ["sheet_far.png", "sheet_near.png"]
    heights = {read_rgb(path).shape[0] for path in sheets}
    assert len(heights) == 1
    assert heights.pop() > 4 * 128


def test_the_same_tables_give_the_same_scores(scored, tmp_path):
    make_tables(tmp_path, TOOLS)
    run(tmp_path)
    again = pd.read_parquet(tmp_path / "scores.parquet")
    pd.testing.assert_frame_equal(again, scored[2])


def test_of_no_character_nothing_is_said_of_identity(tmp_path):
    make_tables(tmp_path, ["base", "own"])
    run(tmp_path, character="")
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    found = set(scores["score"])
    assert {"asked", "asked.people", "people_found", "variety"} <= found
    assert not {"recognized", "retrieval", "consistency"} & found


def test_of_an_empty_suite_the_tables_have_no_rows(tmp_path):
    (tmp_path / "images").mkdir()
    for name, schema in (("drawings", DRAWINGS), ("people", PEOPLE), ("measures", IMAGES)):
        table = pd.DataFrame(columns=schema.names)
        write_manifest(table, tmp_path / f"{name}.parquet", schema)
    assert run(tmp_path, character="").read == 0
    assert len(pd.read_parquet(tmp_path / "scores.parquet")) == 0
    assert list((tmp_path / "sheets").iterdir()) == []


def test_the_subject_is_who_is_most_like_the_character(tmp_path):
    make_tables(tmp_path, ["base"])
    gallery = Gallery.read([str(tmp_path / "references.parquet")], "nella", 0.05)
    rows = [make_person("d", who, "day")[0] for who in ("bruno", "nella", "pip")]
    people = pd.DataFrame(rows).assign(instance_id=["i0", "i1", "i2"])
    found = find_subjects(people, gallery)
    assert found["instance_id"].to_dict() == {"d": "i1"}
    assert (found["character"].iloc[0], bool(found["is_recognized"].iloc[0])) == ("nella", True)
    others = find_subjects(people[people["instance_id"] != "i1"], gallery)
    assert not others["is_recognized"].iloc[0]


def test_sheets_are_written_where_they_are_asked_for(scored):
    assert Path(scored[0] / "sheets/sheet_near.png").stat().st_size > 1000
