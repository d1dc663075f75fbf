"""What reading text and selecting it agree on: places, letters, pieces of shots."""

import pandas as pd
import pytest

from workflow_scripts.film.text.lines import PIECE, count_letters, overlap, split_long_shots


@pytest.mark.parametrize(
    ("box", "share"),
    [((0, 0, 10, 10), 1.0), ((5, 0, 15, 10), 1 / 3), ((10, 0, 20, 10), 0.0)],
    ids=["the same", "half beside", "next to it"],
)
def test_overlap(box, share):
    assert overlap((0, 0, 10, 10), box) == pytest.approx(share)


def test_count_letters():
    assert count_letters("R2-D2 \u00e9!") == 5


def test_long_shots_are_read_in_pieces():
    shots = pd.DataFrame({"shot_id": [0] * 3 + [1] * (2 * PIECE + 1)})
    pieces = split_long_shots(shots)
    assert [len(piece) for piece in pieces] == [3, 17, 16, 16]
    assert pd.concat(pieces).equals(shots)
