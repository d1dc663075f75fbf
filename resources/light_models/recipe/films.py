"""A film with exact truth, as a cast: so the nets are judged by frames that another renderer made.

From each drawing of the film a square as high as the frame is cut, around the largest person.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd

from resources.light_models.recipe.data import DOMINANT, UNKNOWN, Cast
from resources.light_models.recipe.drawing import FACING
from resources.light_models.recipe.words import Words
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.report.accuracy.truth import Truth

SPOILED = ("is_fade", "is_title", "is_blurred")
PLACES = {"livingroom": "living room", "plaza": UNKNOWN}  # the cast has no such square
MIN_FACE = 0.11  # height of a face whose expression can be told, as a share of the square's
INSIDE = 0.9  # share of a person's box that must lie in the square
HEAD = ("age_band", "gender", "hair_color", "hair_style", "hair_length")  # told of a face that near
WHOLE_BODY = ("full", "wide")  # shot types that show what is worn below
LEAST = 0.004  # share of the square that a person takes: a sliver at the edge is nobody


def open_film(film: Path, truth: Path, words: Words, side_px: int) -> Cast:
    """The frames of a film as squares, with the truth in the words of a cast.

    Gender, age, hair and clothes are known where the truth has a looks.csv, a row per character.
    """
    read = Truth(truth)
    frames = choose_frames(read.frames)
    people, faces = (read.table(name) for name in ("instances", "faces"))
    looks, images, rows = read_looks(truth), [], []
    for number, image in read_frames(film, set(frames["frame_no"])):
        here = people[people["frame_no"] == number]
        square, row = cut_square(image, here, faces[faces["frame_no"] == number])
        images.append(cv2.resize(square, (side_px, side_px), interpolation=cv2.INTER_AREA))
        factor = side_px / len(square)
        row |= choose_looks(row, looks)
        rows.append(row | {"frame_no": number, "box": [v * factor for v in row["box"]]})
    table = frames.merge(pd.DataFrame(rows), on="frame_no")
    told = {a.name: tell(table, a.name) for a in words.attributes}
    return Cast(np.stack(images), table.assign(**told), words, words.encode(told), hash_file(film))


def read_looks(truth: Path) -> dict[str, dict[str, str]]:
    """What each character of a film looks like, in the words of the cast; {} if nobody says."""
    path = truth / "looks.csv"
    table = pd.read_csv(path, dtype=str) if path.is_file() else pd.DataFrame({"character": []})
    return table.set_index("character").to_dict("index")


def choose_looks(row: dict, looks: dict[str, dict[str, str]]) -> dict[str, str]:
    """What a square shows of the looks of its person: of the head only where the face is near."""
    own = looks.get(row["person_id"], {})
    shown = {
        "bottom": row.get("shot_type") in WHOLE_BODY,
        **dict.fromkeys(HEAD, row.get("near", False)),
    }
    return {name: value for name, value in own.items() if shown.get(name, True)}


def choose_frames(frames: pd.DataFrame) -> pd.DataFrame:
    """One frame of each drawing: no title, no fade, none that is blurred."""
    plain = frames[~frames[list(SPOILED)].astype(bool).any(axis=1)]
    found = plain.drop_duplicates("unique_render_id")
    indoor = np.where(found["indoor"].astype(bool), "indoor", "outdoor")
    place = found["location"].replace(PLACES)
    # a room shows no weather, as in the cast
    weather = found["weather"].where(indoor == "outdoor", UNKNOWN)
    named = found["frame_no"].astype(str)
    return found.assign(indoor=indoor, place=place, weather=weather, image_id=named)


def read_frames(film: Path, wanted: set[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Numbers and images (H, W, 3) RGB uint8 of some frames of a film that has a truth."""
    with av.open(str(film)) as video:
        for number, frame in enumerate(video.decode(video=0)):
            if number in wanted:
                yield number, frame.to_ndarray(format="rgb24")


def cut_square(
    image: np.ndarray, people: pd.DataFrame, faces: pd.DataFrame
) -> tuple[np.ndarray, dict]:
    """The square (side, side, 3) around the largest person, and what it shows of that person."""
    high, wide = image.shape[:2]
    side = min(high, wide)
    people = people.sort_values("visible_px", ascending=False)
    middle = (people["x0"].iloc[0] + people["x1"].iloc[0]) / 2 if len(people) else wide / 2
    left = int(np.clip(middle - side / 2, 0, wide - side))
    square = image[:side, left : left + side]
    nobody = {"person_id": "", "box": [0, 0, side, side], "people": UNKNOWN}
    if not len(people):
        return square, nobody
    first = people.iloc[0]
    box = [max(0, first.x0 - left), first.y0, min(side, first.x1 - left), min(side, first.y1)]
    shown = (box[2] - box[0]) / (first.x1 - first.x0)
    others = people["visible_px"].iloc[1:].max() if len(people) > 1 else 0
    if shown < INSIDE or first.visible_px < max(DOMINANT * others, LEAST * side**2):
        return square, nobody
    face = faces[faces["character"] == first.character]
    seen = len(face) and (face["y1"] - face["y0"]).iloc[0] >= MIN_FACE * side
    acting = {"near": bool(seen)}
    acting |= {name: first.get(name, UNKNOWN) for name in ("action", "view", "shot_type")}
    if seen and acting["view"] in FACING:
        acting["expression"] = first.expression
    return square, nobody | {"person_id": first.character, "box": box, **acting}


def tell(table: pd.DataFrame, name: str) -> list[str]:
    """The values (N,) of an attribute; unknown where the truth of a film has none."""
    known = table[name] if name in table else pd.Series(UNKNOWN, index=table.index)
    return known.fillna(UNKNOWN).astype(str).tolist()
