"""Makes film frames of drawn light: tone, grade, rain and snow, grain, compression.

What a renderer leaves is linear light; films differ in all that follows, so each shot draws its
own `Grade`. `PRESETS` are looks of films that are far from any renderer's.
"""

from dataclasses import dataclass

import cv2
import numpy as np

WIDTHS = (416, 480, 640, 640)  # of the frames in which specks are looked for, pixels
FLAKES = np.log([0.0015, 0.008])  # radii, in widths of the image
PRESETS = ("teal and orange", "bleached", "vintage", "cold", "flat", "hard")


@dataclass(frozen=True)
class Grade:
    """One film's way from linear light to pixels; 0 or 1 leaves as it is."""

    exposure: float = 0.0  # stops
    warmth: float = 0.0  # stops of red over blue
    tint: float = 0.0  # stops of green
    curve: str = "shoulder"  # shoulder | clip | film
    contrast: float = 0.0
    gamma: float = 1.0
    saturation: float = 1.0
    lift: float = 0.0  # how bright black is
    vignette: float = 0.0  # how much darker corners are
    blur: float = 0.0  # sigma in pixels of 192
    grain: float = 0.0  # sigma in gray levels
    quality: int = 95  # of JPEG
    toon: int = 0  # steps of tone; 0: none
    preset: str = ""


def draw_grade(rng: np.random.Generator) -> Grade:
    """A grade of training: half of the films hardly grade, others do in every direction."""
    far = 1.0 if rng.random() < 0.5 else 0.35
    return Grade(
        exposure=rng.normal(0, 0.35) * far, warmth=rng.normal(0, 0.25) * far,
        tint=rng.normal(0, 0.08) * far,
        curve=str(rng.choice(["shoulder", "shoulder", "shoulder", "clip", "film"])),
        contrast=rng.normal(0.1, 0.12 * far), gamma=float(np.exp(rng.normal(0, 0.10 * far))),
        saturation=float(np.exp(rng.normal(0, 0.25) * far)),
        lift=max(0.0, rng.normal(-0.01, 0.025)), vignette=max(0.0, rng.normal(0, 0.15)),
        blur=max(0.0, rng.normal(-0.2, 0.6)), grain=max(0.0, rng.normal(-0.5, 1.5)),
        quality=int(rng.integers(60, 98)),
        toon=int(rng.integers(4, 9)) if rng.random() < 0.06 else 0,
    )  # fmt: skip


def develop(linear: np.ndarray, grade: Grade) -> np.ndarray:
    """Linear light (H, W, 3) to graded RGB float32 from 0 to 1."""
    stops = np.array([grade.warmth / 2, grade.tint, -grade.warmth / 2]) + grade.exposure
    light = np.maximum(linear, 0) * np.exp2(stops).astype(np.float32)
    if grade.curve == "shoulder":
        light = 1 - np.exp(-light)
    elif grade.curve == "film":  # a toe and a shoulder
        light = light * (1.6 * light + 0.25) / (light * (1.6 * light + 0.7) + 0.12)
    return grade_tones(np.clip(light, 0, 1) ** (1 / 2.2), grade)


def regrade(image: np.ndarray, grade: Grade) -> np.ndarray:
    """RGB float32 from 0 to 1 that has been developed already, graded once more."""
    stops = np.array([grade.warmth / 2, grade.tint, -grade.warmth / 2]) + grade.exposure
    return grade_tones(np.clip(image * np.exp2(stops / 2.2), 0, 1), grade)


def grade_tones(image: np.ndarray, grade: Grade) -> np.ndarray:
    """Gamma, contrast, colors, preset, blacks and corners of an image from 0 to 1."""
    image = image**grade.gamma
    image = image + grade.contrast * (image - 0.5) * (1 - np.abs(2 * image - 1))
    gray = image.mean(2, keepdims=True)
    image = gray + (image - gray) * grade.saturation
    image = apply_preset(np.clip(image, 0, 1), grade.preset)
    if grade.toon:
        tone = image.max(2, keepdims=True)
        image = image * (np.ceil(tone * grade.toon) / grade.toon) / np.maximum(tone, 1e-3)
    image = grade.lift + np.clip(image, 0, 1) * (1 - grade.lift)
    return shade_corners(image, grade.vignette).astype(np.float32)


def shade_corners(image: np.ndarray, amount: float) -> np.ndarray:
    if not amount:
        return image
    height, width = image.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    return image * (1 - amount * ((x**2 + y**2) / 2) ** 1.5)[..., None]


def apply_preset(image: np.ndarray, preset: str) -> np.ndarray:
    """A look of its own over an image from 0 to 1; "" leaves it as it is."""
    gray = image.mean(2, keepdims=True)
    if preset == "teal and orange":
        image = (
            image + np.array([0.05, 0.0, -0.05]) * gray + np.array([-0.04, 0.01, 0.05]) * (1 - gray)
        )
    elif preset == "bleached":
        image = gray + 0.45 * (image - gray)
        image = image + 0.25 * (image - 0.5) * (1 - np.abs(2 * image - 1))
    elif preset == "vintage":
        image = (0.06 + 0.88 * image) * np.array([1.06, 1.0, 0.86])
    elif preset == "cold":
        image = image * np.array([0.9, 1.0, 1.1])
    elif preset == "flat":
        image = 0.12 + 0.72 * (gray + 0.8 * (image - gray))
    elif preset == "hard":
        image = image + 0.45 * (image - 0.5) * (1 - np.abs(2 * image - 1))
        image = gray + 1.25 * (image - gray)
    elif preset:
        raise LookupError(f"No preset {preset!r}. Known: {', '.join(PRESETS)}.")
    return np.clip(image, 0, 1)


def compress(image: np.ndarray, grade: Grade, rng: np.random.Generator) -> np.ndarray:
    """Grain and JPEG on RGB uint8."""
    if grade.grain:
        noise = rng.normal(0, grade.grain, (*image.shape[:2], 1))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    packed = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, grade.quality])[1]
    return cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]


@dataclass(frozen=True)
class Falling:
    """Rain or snow in front of one shot's camera."""

    weather: str
    count: int
    size: float  # length of a streak, radius of a flake; both in widths of the image
    speed: float  # heights a frame
    slant: float
    bright: float  # added light, 0 to 1
    cover: float  # opacity
    seed: int


def draw_falling(weather: str, rng: np.random.Generator) -> Falling | None:
    if weather not in ("rain", "snow"):
        return None
    rain = weather == "rain"
    return Falling(
        weather, int(rng.integers(80, 400)),
        float(rng.uniform(0.012, 0.07) if rain else np.exp(rng.uniform(*FLAKES))),
        float(rng.uniform(0.1, 0.5) if rain else rng.uniform(0.01, 0.06)),
        float(rng.normal(0, 0.18)), float(rng.uniform(0.1, 0.4) if rain else 0),
        float(rng.uniform(0.4, 1) if rain else rng.uniform(0.6, 1)), int(rng.integers(1 << 30)),
    )  # fmt: skip


def lay_falling(image: np.ndarray, falling: Falling | None, frame: int) -> np.ndarray:
    """What falls, at the moment of a frame, over RGB uint8; drops keep their course."""
    if falling is None:
        return image
    height, width = image.shape[:2]
    rng, cover = np.random.default_rng(falling.seed), np.zeros((height, width), np.uint8)
    for x, y, near in rng.random((falling.count, 3)):
        depth = 0.5 + 1.1 * near
        drift = 0.01 * np.sin(0.5 * frame + 40 * x) if falling.weather == "snow" else 0.0
        at = np.array([(x + drift) % 1 * width, (y + frame * falling.speed * depth) % 1 * height])
        if falling.weather == "rain":
            length = falling.size * width * depth
            end = at + [falling.slant * length, length]
            cv2.line(cover, tuple(at.astype(int).tolist()), tuple(end.astype(int).tolist()), 255, 1,
                     cv2.LINE_AA)  # fmt: skip
        else:
            radius = max(0.8, falling.size * width * depth)
            cv2.circle(cover, tuple((at * 16).astype(int).tolist()), int(radius * 16), 255, -1,
                       cv2.LINE_AA, 4)  # fmt: skip
    share = cover[..., None] * np.float32(falling.cover / 255)
    if falling.weather == "rain":  # water brightens what is behind it
        drops = image * 1.1 + 255 * falling.bright
    else:  # flakes shine with the light that is there
        drops = np.full(3, min(245.0, np.percentile(image, 95) * 1.15 + 40))
    return np.clip(image * (1 - share) + drops * share, 0, 255).astype(np.uint8)
