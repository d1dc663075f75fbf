"""What the small Stable Diffusion draws: prompts out of truth, images, what is right in them."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from resources.light_models.recipe.data import SCENE, Cast, crop_person
from resources.light_models.recipe.scoring import (
    CONTEXT,
    Embed,
    Texts,
    embed_prompts,
    score_attribute,
)
from resources.light_models.recipe.words import UNSEEN, Words
from workflow_scripts.models.diffusion import Base, draw_images
from workflow_scripts.models.registry import choose_model, load_model, weight_files

ASKED = ("place", "time_of_day", "weather", "shot_type", "hair_color", "top_color")
FACING = ("front", "three_quarter")
LIGHT = {"tier": "light"}
JUDGES = ("detect", "segment", "face")  # roles of the workflow that look at what is drawn
STEPS = 25
GUIDANCE = 3.0
ENLARGED_PX = 384  # side at which the workflow's own detectors look: they were made for film frames


def choose_asked(cast: Cast, count: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of images that show what is asked for, as many of each place; all where none does.

    There is no weather indoors, so it is not needed there. One person who faces the camera: hair,
    top and face can be looked for in what is drawn.
    """
    fits = show_all(cast) & (cast.table["people"] == "1") & cast.table["view"].isin(FACING)
    whole = np.flatnonzero(fits)
    if not len(whole):
        return np.sort(rng.choice(len(cast), count, replace=count > len(cast)))
    places = cast.codes[whole, cast.words.column("place")]
    each = [rng.permutation(whole[places == place]) for place in np.unique(places)]
    # round after round, one of each place; a place with few images starts again
    rounds = -(-count // len(each))
    turns = [np.resize(numbers, rounds) for numbers in each]
    return np.sort(np.stack(turns, 1).ravel()[:count])


def show_all(cast: Cast) -> np.ndarray:
    """Which images (N,) show everything that a prompt asks for."""
    indoors = cast.table["indoor"].to_numpy() == "indoor"
    shown = {name: cast.codes[:, cast.words.column(name)] != UNSEEN for name in ASKED}
    shown["weather"] = shown["weather"] | indoors
    return np.stack(list(shown.values())).all(0)


def write_prompt(words: Words, codes: np.ndarray) -> str:
    """The first wording of each asked attribute, after who is shown and from where.

    The number of people is said only beside a person who faces the camera.
    """
    named = ("gender", "people", "view", *ASKED)
    columns = {name: words.find(name) for name in named}
    values = {name: read_value(words, codes, column) for name, column in columns.items()}
    if values["people"] != "1" or values["view"] not in FACING:
        values |= {"people": None, "view": None}
    said = []
    for name, value in values.items():
        texts = () if value is None else words.attributes[columns[name]].phrases[value]
        said += texts[:1] or (["a person"] if name == "gender" else [])
    return ", ".join(said)


def read_value(words: Words, codes: np.ndarray, column: int | None) -> str | None:
    """The value of an attribute in codes (attributes,); None where it does not show."""
    code = UNSEEN if column is None else int(codes[column])
    return None if code == UNSEEN else words.attributes[column].values[code]


def draw_prompts(
    base: Base, prompts: Sequence[str], seed: int, *, same_noise: bool = False
) -> np.ndarray:
    """One image per prompt, RGB uint8 (N, side, side, 3), each from noise of its own or not."""
    seeds = [seed + (0 if same_noise else number) for number in range(len(prompts))]
    options = {"steps": STEPS, "guidance": GUIDANCE, "side_px": base.resolution_px}
    return draw_images(base, list(prompts), seeds, **options)


def judge_prompts(
    images: Sequence[np.ndarray],
    people: Sequence[np.ndarray],
    wanted: np.ndarray,
    words: Words,
    embed: Embed,
    texts: Texts,
) -> dict[str, np.ndarray]:
    """Whether each image shows what its prompt asked for, by the small CLIP; NaN: not asked.

    `people` are the images cut to their person: what is asked of hair and clothes is asked there.
    """
    whole, cut = embed(images), embed(people)
    right = {}
    for name in ASKED:
        column = words.column(name)
        prompts, codes = embed_prompts(words, column, texts)
        found = score_attribute(whole if name in SCENE else cut, prompts, codes)
        asked = wanted[:, column]
        right[name] = np.where(asked == UNSEEN, np.nan, found == asked)
    return right


def enlarge(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    size = (ENLARGED_PX, ENLARGED_PX)
    return [cv2.resize(image, size, interpolation=cv2.INTER_CUBIC) for image in images]


def open_role(role: str) -> Callable:
    """The light tier's model of a role, fetched before by `make models`."""
    model = choose_model(role, LIGHT)
    return load_model(model, weight_files(model))


def find_people(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Boxes (people, 4) in pixels that the workflow's own detector finds, the largest first."""
    detect, segment = open_role("detect"), open_role("segment")
    shown = enlarge(images)
    found = [segment(image, bodies) for image, bodies in zip(shown, detect(shown), strict=True)]
    factors = [image.shape[0] / ENLARGED_PX for image in images]
    return [sort_boxes(some.boxes) * factor for some, factor in zip(found, factors, strict=True)]


def sort_boxes(boxes: np.ndarray) -> np.ndarray:
    """Boxes (N, 4), the largest first."""
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return boxes[np.argsort(-sizes, kind="stable")]


def cut_largest(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The image around the first of its boxes (N, 4); the whole image where there is none."""
    return crop_person(image, boxes[0], CONTEXT) if len(boxes) else image


def find_faces(images: Sequence[np.ndarray]) -> np.ndarray:
    """Whether the workflow's own detector finds a face in each image."""
    face = open_role("face")
    return np.array([len(faces[1]) > 0 for faces in face(enlarge(images))])


def make_sheet(images: Sequence[np.ndarray], columns: int = 8) -> np.ndarray:
    """Images side by side, row by row; a last row that is not full ends in black."""
    rows = -(-len(images) // columns)
    blank = [np.zeros_like(images[0])] * (rows * columns - len(images))
    cells = [*images, *blank]
    lines = [np.concatenate(cells[n * columns : (n + 1) * columns], 1) for n in range(rows)]
    return np.concatenate(lines, 0)
