"""Makes film frames of drawn light: people, rain and snow, tone, grade, grain, compression.

What a renderer leaves is linear light; films differ in all that follows, so each shot draws its
own `Grade`. `PRESETS` are looks that training never sees: they test what a stranger's colors do.
"""

from dataclasses import dataclass

import cv2
import numpy as np

WIDTHS = (416, 512)  # of the frames, pixels
FLAKES = np.log([0.0015, 0.008])  # radii, in widths of the image
# how many times as bright films show an hour as the cast's makers do: some films let a day be as
# dim as others' evenings, and what tells them apart is then color, contrast and sky
BRIGHTNESS = {"day": (0.4, 1.1), "sunset": (0.4, 1.1), "evening": (0.8, 1.6), "night": (0.75, 1.3)}
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
    preset: str = ""


def draw_grade(time_of_day: str, rng: np.random.Generator) -> Grade:
    """A grade of training: moderate, in every direction."""
    low, high = np.log2(BRIGHTNESS[time_of_day])
    return Grade(
        exposure=rng.uniform(low, high), warmth=rng.normal(0, 0.15), tint=rng.normal(0, 0.06),
        curve=str(rng.choice(["shoulder", "shoulder", "clip", "film"])),
        contrast=rng.normal(0.08, 0.1), gamma=float(np.exp(rng.normal(0, 0.05))),
        saturation=float(np.exp(rng.normal(0, 0.18))), lift=max(0.0, rng.normal(-0.01, 0.025)),
        vignette=max(0.0, rng.normal(0, 0.15)), blur=max(0.0, rng.normal(0.3, 0.5)),
        grain=max(0.0, rng.normal(0, 1.5)), quality=int(rng.integers(60, 98)),
    )  # fmt: skip


def develop(linear: np.ndarray, grade: Grade) -> np.ndarray:
    """Linear light (H, W, 3) to graded RGB float32 from 0 to 1."""
    stops = np.array([grade.warmth / 2, grade.tint, -grade.warmth / 2]) + grade.exposure
    light = np.maximum(linear, 0) * np.exp2(stops).astype(np.float32)
    if grade.curve == "shoulder":
        light = 1 - np.exp(-light)
    elif grade.curve == "film":  # a toe and a shoulder
        light = light * (1.6 * light + 0.25) / (light * (1.6 * light + 0.7) + 0.12)
    image = np.clip(light, 0, 1) ** (grade.gamma / 2.2)
    image = image + grade.contrast * (image - 0.5) * (1 - np.abs(2 * image - 1))
    gray = image.mean(2, keepdims=True)
    image = gray + (image - gray) * grade.saturation
    image = apply_preset(np.clip(image, 0, 1), grade.preset)
    image = grade.lift + image * (1 - grade.lift)
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
        weather, int(rng.integers(80, 320)),
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


@dataclass(frozen=True)
class Crowd:
    """People as blobs: (x, y of the middle, height) in heights of the image, a color, a drift."""

    bodies: np.ndarray  # (N, 3)
    colors: np.ndarray  # (N, 3) from 0 to 1
    drift: np.ndarray  # (N,) widths a frame
    swell: int  # pixels by which the found mask is too wide (or, below 0, too narrow)


def draw_crowd(rng: np.random.Generator) -> Crowd:
    n = int(rng.choice([0, 1, 1, 2, 3]))
    tall = rng.choice([0.5, 0.8, 1.2, 1.8], n) * rng.uniform(0.8, 1.2, n)
    bodies = np.stack([rng.uniform(0.1, 0.9, n), rng.uniform(0.5, 0.9, n), tall], 1)
    drift = rng.normal(0, 0.01, n) * (rng.random(n) < 0.5)
    return Crowd(bodies, rng.uniform(0, 0.7, (n, 3)), drift, int(rng.choice([-1, 0, 0, 1, 3])))


def lay_crowd(image: np.ndarray, crowd: Crowd, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """People before the image (RGB float), lit as it is, and their found mask (H, W) bool."""
    height, width = image.shape[:2]
    image, people = image.copy(), np.zeros((height, width), np.uint8)
    light = image.mean((0, 1)) * 1.6
    for (x, y, tall), color, drift in zip(crowd.bodies, crowd.colors, crowd.drift, strict=True):
        body = np.zeros((height, width), np.uint8)
        x, y, tall = (x + drift * frame) * width, y * height, tall * height
        center, head = (int(x), int(y + 0.12 * tall)), (int(x), int(y - 0.32 * tall))
        cv2.ellipse(body, center, (int(0.16 * tall), int(0.38 * tall)), 0, 0, 360, 1, -1)
        cv2.circle(body, head, max(1, int(0.1 * tall)), 1, -1)
        image[body > 0] = np.clip(color * light, 0, 1)
        people |= body
    kernel = np.ones((2 * abs(crowd.swell) + 1,) * 2)
    found = (cv2.erode if crowd.swell < 0 else cv2.dilate)(people, kernel)
    return image, found > 0
