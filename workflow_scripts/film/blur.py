"""How blurred a frame is beside the film it is of."""

import pandas as pd

LEAST_DEVIATION = 0.015  # of sharpness: in a very even film nothing near the usual is blurred


def measure_blur(sharpness: pd.Series) -> pd.Series:
    """How many robust standard deviations each frame is less sharp than the film usually is."""
    usual = sharpness.median()
    deviation = 1.4826 * (sharpness - usual).abs().median()
    return (usual - sharpness) / max(deviation, LEAST_DEVIATION)
