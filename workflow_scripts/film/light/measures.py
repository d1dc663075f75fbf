"""Measures of the light in one image: histograms of tones, colors and hues, whole and by parts.

Everything is measured at 192 x 108 pixels, so that a film's size says nothing of its light.
"""

import cv2
import numpy as np

SMALL = (192, 108)  # pixels in which tones and colors are measured
MIN_SKY_LIGHT = 0.4  # darker smooth parts may be anything
MIN_SKY_PART = 0.01  # share of the image: smaller parts are windows and walls
MIN_FREE = 0.02  # share of an image without people; below it people are measured with the rest
LUMA = np.float32([0.2126, 0.7152, 0.0722])
GAMMA = 2.2
TONES = {"dark": 5, "low": 25, "middle": 50, "high": 75, "bright": 95, "peak": 99}  # percentiles
HUES = {"red": (-40, 40), "yellow": (40, 70), "green": (70, 170), "blue": (170, 270)}  # degrees
PEOPLE_ONLY = (
    0.95  # share of a pixel that people cover: then it tells of the light that falls on them
)
EDGE = 0.3  # change of tone beside an edge: haze softens all, the sun's shadows are hard
MIN_COLOR = 0.25  # saturation above which a pixel has a hue
LAMP_TONE, LAMP_WARM = 0.25, 0.4  # above the middle tone; stops of red over blue
# what each measure is, in the order of the table
MEASURES = (
    *TONES,
    *("glare", "shade", "texture"),
    *("warm", "warm_dark", "warm_bright", "tint"),
    *("dark_channel", "color", "vivid", *HUES),
    *("sky", "smooth_top", "smooth_tone", "smooth_warm", "lamps"),
    *("top_tone", "top_warm", "top_color", "top_texture", "top_dark_channel"),
    *("low_tone", "low_warm", "low_color", "hard_edges"),
    *("people", "people_tone", "people_warm", "people_contrast"),
)


def measure_image(image: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """MEASURES of the background of an image (H, W, 3) with its people (H, W) bool left out."""
    small = cv2.resize(image, SMALL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    covered = cv2.resize(people.astype(np.float32), SMALL, interpolation=cv2.INTER_AREA)
    free = cv2.erode((covered < 0.01).astype(np.uint8), np.ones((5, 5))) > 0
    if free.mean() < MIN_FREE:
        free = np.ones_like(free)
    linear = small**GAMMA
    luma = (linear @ LUMA) ** (1 / GAMMA)
    steps = np.hypot(cv2.Sobel(luma, -1, 1, 0), cv2.Sobel(luma, -1, 0, 1))
    darkest = cv2.erode(small.min(2), np.ones((7, 7)))
    hue, saturation, _ = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))
    found = measure_tones(luma, free) | measure_warmth(linear, luma, free)
    found |= measure_colors(hue, saturation, free)
    found |= measure_sky(small, linear, luma, cv2.blur(steps, (5, 5)) < 0.06, free)
    found |= compare_top(linear, luma, saturation, steps, darkest, free)
    found |= measure_people(linear, luma, covered > PEOPLE_ONLY)
    found["texture"] = float(steps[free].mean())
    found["hard_edges"] = float((steps[free] > EDGE).mean())
    found["dark_channel"] = float(np.percentile(darkest[free], 10))
    return {name: found[name] for name in MEASURES}


def measure_tones(luma: np.ndarray, free: np.ndarray) -> dict[str, float]:
    """Percentiles; the share of white; how uneven the light is where texture is blurred away."""
    tones = np.percentile(luma[free], list(TONES.values()))
    smooth = cv2.blur(luma, (25, 25))
    found = dict(zip(TONES, map(float, tones), strict=True))
    return found | {"glare": float((luma[free] > 0.92).mean()), "shade": float(smooth[free].std())}


def warm_stops(linear: np.ndarray) -> float:
    """How much redder than blue linear pixels (N, 3) are, in stops; 0 is neutral."""
    red, _, blue = linear.mean(0) + 1e-3
    return float(np.log2(red / blue))


def measure_warmth(linear: np.ndarray, luma: np.ndarray, free: np.ndarray) -> dict[str, float]:
    """Warmth of all, of the darkest 40 % and of the brightest 20 %; green against red and blue.

    A sun is warmer than the shadows that the sky fills; under clouds and lamps both are alike.
    """
    low, high = np.percentile(luma[free], [40, 80])
    bright = warm_stops(linear[free & (luma >= high)])
    red, green, blue = linear[free].mean(0) + 1e-3
    return {
        "warm": (warm_stops(linear[free]) + bright) / 2,
        "warm_dark": warm_stops(linear[free & (luma <= low)]),
        "warm_bright": bright,
        "tint": float(np.log2(green / np.sqrt(red * blue))),
        "lamps": measure_lamps(linear, luma, free),
    }


def measure_lamps(linear: np.ndarray, luma: np.ndarray, free: np.ndarray) -> float:
    """Share of small spots that are far brighter than the middle tone, and warm."""
    warm = np.log2((linear[..., 0] + 1e-3) / (linear[..., 2] + 1e-3)) >= LAMP_WARM
    spots = cv2.morphologyEx(luma, cv2.MORPH_TOPHAT, np.ones((21, 21))) > LAMP_TONE
    return float((spots & warm & (luma > np.median(luma[free]) + LAMP_TONE))[free].mean())


def measure_colors(hue: np.ndarray, saturation: np.ndarray, free: np.ndarray) -> dict[str, float]:
    """Mean and 95th percentile of the saturation; the share of each hue; hue in degrees."""
    hue, saturation = hue[free], saturation[free]
    turned = (hue + 40) % 360 - 40  # red lies on both sides of 0
    colored = saturation > MIN_COLOR
    found = {"color": float(saturation.mean()), "vivid": float(np.percentile(saturation, 95))}
    for name, (low, high) in HUES.items():
        found[name] = float(((turned > low) & (turned < high) & colored).mean())
    return found


def find_at_top(candidates: np.ndarray) -> np.ndarray:
    """The large connected parts of candidates (H, W) bool that meet the top."""
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8))
    sizes = boxes[:, cv2.CC_STAT_AREA] / parts.size
    tops = np.setdiff1d(np.unique(parts[:2]), [0])
    return np.isin(parts, [part for part in tops if sizes[part] >= MIN_SKY_PART])


def measure_sky(
    small: np.ndarray, linear: np.ndarray, luma: np.ndarray, smooth: np.ndarray, free: np.ndarray
) -> dict[str, float]:
    """Share of the image in large smooth parts that meet its top; tone and warmth of these.

    `sky` counts those only that are light, and blue or gray; without any, tone and warmth are 0.
    """
    cold = small[..., 2] >= small[..., 0]
    part = find_at_top(smooth & free)
    is_there = part.any()
    return {
        "sky": float(find_at_top(smooth & cold & (luma >= MIN_SKY_LIGHT) & free).mean()),
        "smooth_top": float(part.mean()),
        "smooth_tone": float(luma[part].mean()) if is_there else 0.0,
        "smooth_warm": warm_stops(linear[part]) if is_there else 0.0,
    }


def compare_top(
    linear: np.ndarray,
    luma: np.ndarray,
    saturation: np.ndarray,
    steps: np.ndarray,
    darkest: np.ndarray,
    free: np.ndarray,
) -> dict[str, float]:
    """The upper third less the lower third: fog and sky are above, rooms are alike or darker.

    And the lower third itself: snow lies there, lamps light it, grass grows on it.
    """
    third = len(luma) // 3
    rows = np.arange(len(luma))[:, None]
    top, low = free & (rows < third), free & (rows >= len(luma) - third)
    if not top.any() or not low.any():
        top = low = free
    values = {"tone": luma, "color": saturation, "texture": steps, "dark_channel": darkest}
    found = {f"top_{name}": float(v[top].mean() - v[low].mean()) for name, v in values.items()}
    found |= {"low_tone": float(luma[low].mean()), "low_color": float(saturation[low].mean())}
    low_warm = warm_stops(linear[low])
    return found | {"low_warm": low_warm, "top_warm": warm_stops(linear[top]) - low_warm}


def measure_people(linear: np.ndarray, luma: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """How large people are, how bright, warm and contrasted the light on them; 0 without any.

    In a close-up next to nothing else is seen: a face in blue or orange light tells the hour.
    """
    if people.mean() < MIN_FREE:
        return dict.fromkeys(("people", "people_tone", "people_warm", "people_contrast"), 0.0)
    dark, middle, bright = np.percentile(luma[people], [5, 50, 95])
    return {
        "people": float(people.mean()),
        "people_tone": float(middle),
        "people_warm": warm_stops(linear[people]),
        "people_contrast": float(bright - dark),
    }
