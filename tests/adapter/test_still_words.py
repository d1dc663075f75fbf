"""The judge is judged: frames of the demo film, whose truth is known, as single still images.

The light tier's real models look at them through the functions that look at drawings.
"""

from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.adapter.measure_suite import ROLES, open_eyes
from workflow_scripts.adapter.still_measures import IMAGES, PEOPLE, enlarge, measure_stills
from workflow_scripts.adapter.still_words import IMAGE_COLUMNS, PEOPLE_COLUMNS, name_stills
from workflow_scripts.adapter.suites import ASKED
from workflow_scripts.film.light.model import read_light_model
from workflow_scripts.models.registry import choose_model, weight_files
from workflow_scripts.plan.config import read_shipped

FILM = Path(__file__).resolve().parents[2] / "resources/demo_film"
CONFIG = read_shipped()
LOOKED_AT = 27  # frames, evenly over the film
RULES = {
    "poses": CONFIG["classify_poses"],
    "expressions": CONFIG["classify_expressions"],
    "lighting": CONFIG["classify_lighting"],
    "min_occlusion": CONFIG["analyze_dataset"]["min_occlusion"],
    "min_edges": CONFIG["analyze_dataset"]["min_edges"],
}
MODEL = read_light_model("resources/light_models/lighting.json")
OPTIONS = {
    "tiling_interval": CONFIG["segment_instances"]["tiling_interval"],
    "max_gap_s": CONFIG["segment_instances"]["max_gap_s"],
    "face_margin": CONFIG["crop_faces"]["margin"],
    "padding": CONFIG["embed_images"]["padding"],
    "look_px": CONFIG["measure_suite"]["look_px"],
}
SEEN_PX = 400  # of a person; fewer are specks that nobody counts
FLOORS = {  # attribute: (share that is right, share of what is said that is)
    "people": (0.8, 0.8),
    "shot_type": (0.7, 0.75),
    "view": (0.6, 0.7),
    "emotion": (0.5, 0.85),
    "time_of_day": (0.9, 0.9),
    "weather": (0.5, 0.9),
    "indoor": (0.8, 0.8),  # a side is always said
}


def read_truth():
    """Frames with their truth, evenly over what is neither a title nor a fade."""
    frames = pd.read_csv(FILM / "truth/frames.csv").query("is_title == 0 and is_fade == 0")
    frames = frames.query("is_blurred == 0")
    frames = frames.iloc[np.linspace(0, len(frames) - 1, LOOKED_AT).round().astype(int)]
    people = pd.read_csv(FILM / "truth/instances.csv")
    counts = people[people["visible_px"] >= SEEN_PX].groupby("frame_no").size()
    largest = people.loc[people.groupby("frame_no")["visible_px"].idxmax()].set_index("frame_no")
    numbers = frames["frame_no"]
    truth = pd.DataFrame(index=[f"f{number:04d}" for number in numbers])
    truth["people"] = counts.reindex(numbers).fillna(0).astype(int).astype(str).to_numpy()
    outside = frames["indoor"].eq(0).to_numpy()
    truth["indoor"] = np.where(outside, "outdoor", "indoor")
    truth["time_of_day"] = frames["time_of_day"].to_numpy()
    told = frames["weather"].isin(ASKED["weather"]).to_numpy() & outside
    truth["weather"] = frames["weather"].where(told).to_numpy()
    bodies = largest.reindex(numbers)
    truth["shot_type"] = bodies["shot_type"].to_numpy()
    truth["view"] = bodies["view"].replace("three_quarter_back", "back").to_numpy()
    near = bodies["shot_type"].eq("close-up")
    truth["emotion"] = bodies["expression"].where(near).to_numpy()
    return numbers.tolist(), truth


def decode(numbers):
    with av.open(str(FILM / "film.mp4")) as film:
        for number, frame in enumerate(film.decode(video=0)):
            if number in numbers:
                yield f"f{number:04d}", frame.to_ndarray(format="rgb24")


@pytest.fixture(scope="module")
def eyes():
    models = {role: choose_model(role, {"tier": "light", "device": "cpu"}) for role in ROLES}
    weights = [weight_files(models[role]) for role in ROLES]
    if missing := [path for files in weights for path in files if not Path(path).is_file()]:
        pytest.skip(f"weights not fetched: {', '.join(missing)}")
    return open_eyes(models, weights, OPTIONS)


def look(images, eyes):
    """Tables as measure_suite leaves them."""
    people, wholes = [], []
    for some, others in measure_stills(images, eyes):
        people += some
        wholes += others
    tables = pd.DataFrame(people).reindex(columns=PEOPLE.names)
    return tables, pd.DataFrame(wholes).reindex(columns=IMAGES.names)


@pytest.fixture(scope="module")
def judged(eyes):
    numbers, truth = read_truth()
    people, wholes = look(decode(numbers), eyes)
    return name_stills(people[PEOPLE_COLUMNS], wholes[IMAGE_COLUMNS], RULES, MODEL), truth


@pytest.mark.parametrize("attribute", FLOORS)
def test_frames_of_known_truth_are_judged_right(judged, attribute):
    found, truth = judged
    known = truth[attribute].notna()
    right = (found[attribute] == truth[attribute])[known]
    said = found[attribute][known] != "unknown"
    least, least_said = FLOORS[attribute]
    assert known.sum() >= 6
    assert right.mean() >= least
    assert right[said].mean() >= least_said


def test_a_prompt_of_another_image_would_be_refused(judged):
    """The control: what is asked of the next image is mostly not found in this one."""
    found, truth = judged
    for attribute in ("people", "shot_type", "time_of_day"):
        right = (found[attribute] == truth[attribute]).mean()
        other = (found[attribute].to_numpy() == np.roll(truth[attribute], 9)).mean()
        assert other < right - 0.2
    assert len(found) == LOOKED_AT


def test_in_an_empty_image_nobody_is_found_and_nothing_said_of_anybody(eyes):
    gray = np.full((128, 128, 3), 128, np.uint8)
    people, wholes = look([("a", gray), ("b", gray)], eyes)
    found = name_stills(people[PEOPLE_COLUMNS], wholes[IMAGE_COLUMNS], RULES, MODEL)
    assert len(people) == 0
    assert found["people"].tolist() == ["0", "0"]
    assert set(
        found[["shot_type", "view", "action", "emotion", "occluded"]].to_numpy().ravel()
    ) == {"unknown"}
    assert found["complex_background"].tolist() == ["no", "no"]


def test_an_image_is_judged_the_same_alone_and_among_others(eyes):
    (_, first), (_, second) = decode([210, 500])
    together = look([("a", first), ("b", second)], eyes)
    alone = look([("a", first)], eyes)
    assert len(together[0]) >= len(alone[0]) >= 1
    for among, single in zip(together, alone, strict=True):
        own = among[among["drawing_id"] == "a"].reset_index(drop=True)
        np.testing.assert_allclose(
            np.stack(own["vector"].tolist()), np.stack(single["vector"].tolist()), atol=1e-4
        )


def test_small_drawings_are_enlarged_and_large_ones_left_alone():
    shapes = [enlarge(np.zeros((size, size, 3), np.uint8), 384) for size in (128, 512)]
    assert [(image.shape[0], scale) for image, scale in shapes] == [(384, 3.0), (512, 1.0)]
