"""Drawn figures for tests: hair, top and trousers in three colors, in any light."""

import numpy as np

HEIGHT, WIDTH = 120, 80
WARDROBE = {  # hair, top, trousers: RGB
    "nella": ((120, 50, 30), (210, 180, 30), (20, 110, 120)),
    "bruno": ((40, 30, 25), (40, 150, 60), (90, 70, 40)),
    "pip": ((220, 180, 90), (200, 60, 60), (50, 60, 150)),
}
LIGHTS = {  # gain per channel, fog
    "day": ((1.0, 1.0, 1.0), 0.0),
    "sunset": ((1.0, 0.75, 0.55), 0.0),
    "night": ((0.3, 0.35, 0.5), 0.0),
    "fog": ((0.5, 0.5, 0.5), 90.0),
}


def draw_figure(
    name: str, light: str = "day", *, background: int = 100, legs: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image (120, 80, 3), mask (120, 80) and region of one figure; without legs, a close-up."""
    noise = np.random.default_rng(0).normal(0, 4, (HEIGHT, WIDTH, 3))
    image = np.full((HEIGHT, WIDTH, 3), background, float)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:110, 25:55] = True
    hair, top, trousers = WARDROBE[name]
    edges = (10, 35, 60, 110) if legs else (10, 60, 110, 110)
    for color, first, last in zip((hair, top, trousers), edges, edges[1:], strict=False):
        image[first:last, 25:55] = color
    image[edges[1] - 8 : edges[1], 30:50] = (200, 140, 110)  # face
    image[edges[0] : edges[0] + 4, 25:55] = 8  # something dark, as every figure has
    gain, fog = LIGHTS[light]
    image = (image + noise) * gain * (1 - fog / 255) + fog
    region = (40, 60, 100, 0.0) if legs else (40, 110, 200, 0.0)
    return np.clip(image, 0, 255).astype(np.uint8), mask, np.array(region, np.float32)


def make_pose(shift=(0.0, 0.0), scale: float = 1.0) -> np.ndarray:
    """Somebody upright (17, 3): shoulders at 100, hips at 200, feet at 400, 60 wide."""
    heights = [60, 55, 55, 60, 60, 100, 100, 150, 150, 200, 200, 200, 200, 300, 300, 400, 400]
    sides = [0] + [30, -30] * 8
    points = np.column_stack([np.array(sides) + 200, heights]) * scale + shift
    return np.column_stack([points, np.ones(17)])
