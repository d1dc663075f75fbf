"""What lies over the drawings: title cards, fades, a dissolve, subtitles, a watermark (Pillow)."""

import pathlib
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maker.notation import DRAWINGS_PER_S, render_id

MOTTO = "a film rendered for measuring"
Text = tuple[str, int, int, int, int, str]  # kind, x0, y0, x1, y1, text; film pixels


def write_text(draw: ImageDraw.ImageDraw, kind: str, text: str, at, size: int, **style) -> Text:
    """Draw one line centerd on `at` (x, y); its box includes the outline."""
    font, outline = ImageFont.load_default(size=size), style.get("stroke_width", 0)
    where = {"font": font, "anchor": "mm", "stroke_width": outline}
    x0, y0, x1, y1 = draw.textbbox(at, text, **where)
    draw.text(at, text, font=font, anchor="mm", **style)
    return kind, int(x0), int(y0), int(np.ceil(x1)), int(np.ceil(y1)), text


def make_card(text: str, size: tuple[int, int], seed: int) -> tuple[np.ndarray, list[Text]]:
    """A title card: a gradient of random color with the title and the motto."""
    rng = random.Random(seed)
    top = np.array([rng.uniform(10, 60) for _ in range(3)])
    low = np.array([rng.uniform(40, 110) for _ in range(3)])
    down = np.linspace(0, 1, size[1])[:, None, None]
    rows = np.broadcast_to(top * (1 - down) + low * down, (size[1], size[0], 3))
    image = Image.fromarray(rows.astype("u1"))
    draw, middle = ImageDraw.Draw(image), size[0] / 2
    texts = [write_text(draw, "title", text, (middle, size[1] * 0.46), 60, fill=(245, 232, 200))]
    texts += [write_text(draw, "title", MOTTO, (middle, size[1] * 0.66), 26, fill=(210, 200, 180))]
    return np.asarray(image).copy(), texts


def fade_of(shot: dict, k: int) -> float:
    """Brightness of drawing k: 1, less while the shot fades in from or out to black."""
    to_black, from_black = (
        round(shot.get(key, 0) * DRAWINGS_PER_S) for key in ("fade_out", "fade_in")
    )
    if k < from_black:
        return k / from_black
    left = shot["drawings"] - 1 - k
    return left / to_black if left < to_black else 1.0


def find_dissolve(shots: list[dict], shot: dict, k: int) -> tuple[dict, int, float] | None:
    """The shot and drawing that shine through drawing k, and how much (0 to 1).

    A dissolve of 2n drawings takes the last n of one shot and the first n of the next; the other
    shot stands still under them. A frame belongs to the shot it shows more of.
    """
    half = round(shot.get("dissolve_in", 0) * DRAWINGS_PER_S) // 2
    if k < half:
        before = shots[shot["id"] - 1]
        return before, before["drawings"] - 1, (half - k) / (2 * half + 1)
    after = shots[shot["id"] + 1] if shot["id"] + 1 < len(shots) else {}
    half = round(after.get("dissolve_in", 0) * DRAWINGS_PER_S) // 2
    i = k - (shot["drawings"] - half)
    return (after, 0, (i + 1) / (2 * half + 1)) if half and i >= 0 else None


def read_drawing(shot: dict, k: int, work: pathlib.Path) -> np.ndarray:
    """A rendered drawing, uint8 RGB (h, w, 3)."""
    with Image.open(work / "frames" / f"{render_id(shot, k)}.png") as image:
        return np.asarray(image.convert("RGB"))


def add_texts(image: np.ndarray, shot: dict) -> tuple[np.ndarray, list[Text]]:
    """Subtitle and watermark of a shot, drawn onto the image."""
    if not (shot.get("subtitle") or shot.get("watermark")):
        return image, []
    canvas, texts = Image.fromarray(image), []
    draw, (w, h) = ImageDraw.Draw(canvas, "RGBA"), canvas.size
    if shot.get("subtitle"):
        style = {"fill": (255, 255, 255), "stroke_width": 2, "stroke_fill": (0, 0, 0)}
        texts.append(write_text(draw, "subtitle", shot["subtitle"], (w / 2, h * 0.90), 32, **style))
    if shot.get("watermark"):
        style = {"fill": (255, 255, 255, 190)}
        texts.append(write_text(draw, "watermark", shot["watermark"], (w - 100, 28), 22, **style))
    return np.asarray(canvas), texts


def compose(
    film: dict, shot: dict, k: int, work: pathlib.Path
) -> tuple[np.ndarray, int, list[Text]]:
    """Image of drawing k as the film shows it, is_fade (0, 1 fade, 2 dissolve), its texts."""
    if shot.get("title"):
        card, texts = make_card(shot["title"], film["size"], shot["noise_seed"])
        return card, 0, texts
    image, fade = read_drawing(shot, k, work), fade_of(shot, k)
    through, is_fade = find_dissolve(film["shots"], shot, k), int(fade < 1)
    if through is not None:
        other, weight = read_drawing(*through[:2], work), through[2]
        image, is_fade = (image * (1 - weight) + other * weight).round().astype("u1"), 2
    image, texts = add_texts((image * fade).astype("u1"), shot)
    return image, is_fade, texts
