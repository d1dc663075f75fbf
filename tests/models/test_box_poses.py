"""The light net of joints, told no more than boxes: a close-up has no hips."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.role_models import opened  # noqa: E402
from workflow_scripts.lib.images import read_rgb  # noqa: E402

ROSTER = Path("config/rosters/demo")
CLOSE = sorted(ROSTER.glob("*/*_close-up_*.jpg"))
FULL = sorted(ROSTER.glob("*/*_full_*.jpg"))
SHOULDERS, HIPS = [5, 6], [11, 12]  # COCO-17


def find_joints(path: Path, with_region: bool) -> tuple[np.ndarray, float]:
    """Joints (17, 3) of the largest person of a reference, and the longer side of its box."""
    image = read_rgb(path)
    people = opened("light segment")(image, *opened("light detect")([image]))
    person = people.take([people.masks.sum((1, 2)).argmax()])
    regions = person.regions if with_region else None
    (joints,) = opened("light pose")([image], person.boxes, regions)
    return joints, float((person.boxes[0, 2:] - person.boxes[0, :2]).max())


@pytest.mark.parametrize("path", CLOSE, ids=lambda path: f"{path.parent.name}, {path.stem}")
def test_hips_of_a_close_up_are_not_seen(path):
    assert len(CLOSE) == 6
    joints, _ = find_joints(path, False)
    assert joints[HIPS, 2].max() < 0.3
    assert joints[SHOULDERS, 2].min() > 0.5


@pytest.mark.parametrize("path", FULL, ids=lambda path: f"{path.parent.name}, {path.stem}")
def test_a_whole_figure_is_where_its_region_says(path):
    assert len(FULL) == 9
    (found, side), (known, _) = (find_joints(path, told) for told in (False, True))
    parts = [*SHOULDERS, *HIPS]
    assert np.linalg.norm(found[parts, :2] - known[parts, :2], axis=1).max() < 0.03 * side
    assert found[parts, 2].min() > 0.9
