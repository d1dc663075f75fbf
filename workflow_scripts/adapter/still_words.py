"""What still images show, in the words of the film's own phases; "unknown" where those say so.

The rules and thresholds are those that name the film's frames. What is said of a person is said of
the largest one. A still image is a shot, and a place, of its own.
"""

from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.adapter.suites import ASKED, format_value
from workflow_scripts.film.light.measures import MEASURES as LIGHT_MEASURES
from workflow_scripts.film.light.model import LightModel
from workflow_scripts.film.light.words import describe_film
from workflow_scripts.film.people.emotions import classify
from workflow_scripts.film.people.features import MEASURES as FACE_MEASURES
from workflow_scripts.film.people.pose_labels import label_people
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.emotions import EMOTIONS

UNKNOWN = "unknown"
PEOPLE_COLUMNS = [
    *("instance_id", "drawing_id", *BOX, "mask", "height_px", "width_px", "area_px", "keypoints"),
    *("face", "gaze_yaw", "log_probabilities", "mesh_score", *FACE_MEASURES),
]
IMAGE_COLUMNS = ["drawing_id", *LIGHT_MEASURES, "edges"]
OF_BODIES = ("shot_type", "view", "action")
OF_LIGHT = ("time_of_day", "weather", "indoor")


def name_stills(
    people: pd.DataFrame, images: pd.DataFrame, rules: dict[str, Any], model: LightModel
) -> pd.DataFrame:
    """What each image shows: a column of text per attribute of ASKED, by drawing_id.

    `people` and `images` have PEOPLE_COLUMNS and IMAGE_COLUMNS; `rules` the options poses,
    expressions, lighting, min_occlusion and min_edges.
    """
    found = pd.DataFrame(UNKNOWN, index=images["drawing_id"], columns=list(ASKED))
    counts = people["drawing_id"].value_counts().reindex(found.index, fill_value=0)
    found["people"] = counts.astype(str)
    if len(people):
        subjects = find_subjects(people, rules)
        found.update(subjects)
    if len(images):
        found.update(name_light(images, model, **rules["lighting"]))
    edges = images.set_index("drawing_id")["edges"]
    found["complex_background"] = _answer(edges, edges >= rules["min_edges"])
    return found


def find_subjects(people: pd.DataFrame, rules: dict[str, Any]) -> pd.DataFrame:
    """What the largest person of each image does and shows, by drawing_id."""
    people = people.sort_values("instance_id", ignore_index=True)
    alone = people.assign(track_id=people["instance_id"], time_s=0.0, frame_id=people["drawing_id"])
    labels = label_people(alone, rules["poses"])
    labels = labels.assign(emotion=name_faces(alone, rules["expressions"]).to_numpy())
    labels["occluded"] = _answer(labels["occlusion"], labels["occlusion"] >= rules["min_occlusion"])
    largest = people.groupby("drawing_id")["area_px"].idxmax()
    subjects = labels.loc[largest, [*OF_BODIES, "emotion", "occluded"]]
    return subjects.set_index(largest.index)


def name_faces(people: pd.DataFrame, options: dict[str, Any]) -> pd.Series:
    """The emotion of each person, by the index of `people`; unknown without a face, or unsure."""
    shown = people[people["face"].notna()]
    emotions = pd.Series(UNKNOWN, index=people.index)
    if len(shown):
        boxes = np.stack(shown["face"].to_list()).astype(float)
        evidence = np.array(shown["log_probabilities"].tolist()).reshape(-1, len(EMOTIONS))
        named = shown.drop(columns=BOX).assign(**dict(zip(BOX, boxes.T, strict=True)))
        words = classify(named.reset_index(drop=True), evidence, **options)["emotion"]
        emotions[shown.index] = words.replace("unsure", UNKNOWN).to_numpy()
    return emotions


def name_light(
    images: pd.DataFrame,
    model: LightModel,
    min_indoor_probability: float,
    thresholds: dict[str, Any],
) -> pd.DataFrame:
    """Hour, weather, indoors or outdoors, by drawing_id."""
    rows = images[["drawing_id", *LIGHT_MEASURES]].reset_index(drop=True)
    numbers = np.arange(len(rows))
    alone = {"shot_id": numbers, "location": [f"place {n}" for n in numbers]}
    unseen = {"compared": False, "specks": np.nan, "speck_shape": np.nan, "falling": ""}
    rows = rows.assign(**alone, **unseen, fade=False)
    words = describe_film(rows, model, min_indoor_probability, thresholds)
    return words.loc[numbers, list(OF_LIGHT)].set_index(rows["drawing_id"])


def _answer(values: pd.Series, holds: pd.Series) -> pd.Series:
    """yes, no, or unknown where nothing was measured."""
    return holds.map(format_value).where(values.notna(), UNKNOWN)
