"""Sheets to look at: what the small CLIP takes for what, and what the base draws for each value."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure

from resources.light_models.recipe import drawing
from resources.light_models.recipe.data import Cast
from resources.light_models.recipe.words import UNSEEN, Attribute, Words
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.models.diffusion import Base

SHOWN = ("place", "time_of_day", "weather", "shot_type", "hair_color", "top_color")
# what the other words of a prompt are, where one of them changes: value by attribute
SAMPLE = {
    "gender": "female",
    "people": "1",
    "view": "front",
    "place": "field",
    "time_of_day": "day",
    "weather": "clear",
    "shot_type": "medium",
    "hair_color": "brown",
    "top_color": "red",
}
COLUMNS = 3
SEED = 5


def count_confusions(found: np.ndarray, wanted: np.ndarray, codes: list[int]) -> np.ndarray:
    """Shares (values, values) of the images of each value, rows, that are taken for each, columns.

    A value that no image shows has a row of NaN.
    """
    seen = wanted != UNSEEN
    counts = np.array(
        [[np.sum(seen & (wanted == row) & (found == column)) for column in codes] for row in codes]
    )
    totals = counts.sum(1, keepdims=True)
    return np.where(totals, counts / np.maximum(totals, 1), np.nan)


def show_confusions(
    answers: dict[str, tuple[np.ndarray, np.ndarray]], words: Words, path: Path
) -> None:
    """One matrix an attribute, on one sheet; `answers` has found and wanted codes (N,) by name."""
    rows = -(-len(answers) // COLUMNS)
    figure = Figure(figsize=(6 * COLUMNS, 5.5 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axis, (name, (found, wanted)) in zip(axes, answers.items(), strict=False):
        attribute = words.attributes[words.column(name)]
        _draw_matrix(axis, attribute, count_confusions(found, wanted, attribute.asked))
    for axis in axes[len(answers) :]:
        axis.axis("off")
    with replace_when_done(path) as partial:
        figure.savefig(partial, format="png", dpi=60)


def _draw_matrix(axis, attribute: Attribute, shares: np.ndarray) -> None:
    names = [attribute.values[code] for code in attribute.asked]
    axis.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    axis.set_title(attribute.name.replace("_", " "))
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("taken for")
    for row, column in np.argwhere(shares >= 0.1):
        share = shares[row, column]
        color = "white" if share > 0.5 else "black"
        text = f"{100 * share:.0f}"
        axis.text(column, row, text, ha="center", va="center", color=color, fontsize=8)


def ask_values(cast: Cast, name: str) -> Iterator[tuple[str, str]]:
    """Each value of an attribute and the prompt that asks for it, all else the same.

    A room gets no weather: there is none.
    """
    words = cast.words
    column, everything = words.column(name), [attribute.name for attribute in words.attributes]
    rooms = set(cast.table["place"][cast.table["indoor"] == "indoor"])
    for code in words.attributes[column].asked:
        value = words.attributes[column].values[code]
        said = dict.fromkeys(everything, "unknown") | SAMPLE | {name: value}
        if value in rooms:
            said["weather"] = "unknown"
        codes = words.encode({key: [text] for key, text in said.items()})[0]
        yield value, drawing.write_prompt(words, codes)


def show_values(base: Base, cast: Cast, path: Path) -> None:
    """A row of drawings an attribute, a value each, all from the same noise."""
    rows = []
    for name in SHOWN:
        values, prompts = zip(*ask_values(cast, name), strict=True)
        images = drawing.draw_prompts(base, prompts, SEED, same_noise=True)
        rows.append([write_below(*pair) for pair in zip(images, values, strict=True)])
    longest = max(map(len, rows))
    blank = np.full_like(rows[0][0], 255)
    cells = [cell for row in rows for cell in [*row, *[blank] * (longest - len(row))]]
    with replace_when_done(path) as partial:
        sheet = drawing.make_sheet(cells, longest)[:, :, ::-1]
        partial.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())


def write_below(image: np.ndarray, text: str) -> np.ndarray:
    """The image over a strip that says what was asked for."""
    strip = np.full((16, image.shape[1], 3), 255, np.uint8)
    cv2.putText(strip, text, (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([image, strip])
