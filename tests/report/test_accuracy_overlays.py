"""Figures of overlaid text in packed datasets, on a film of three frames."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.report.accuracy import overlays
from workflow_scripts.report.accuracy.truth import Truth

FRAMES = "frame_no,time_s,shot_id\n0,0.0,1\n1,1.0,1\n2,2.0,2\n"
TEXT = "frame_no,kind,x0,y0,x1,y1,text\n1,subtitle,20,80,80,90,Hello\n2,watermark,70,5,95,12,TV\n"


def pack(folder, rows, white: tuple[int, int] | None = None):
    """dataset.parquet of rows (frame, repeats, overlay_text, box); masks white in these rows."""
    (folder / "train/.masks").mkdir(parents=True)
    made = []
    for n, (frame, repeats, done, box) in enumerate(rows):
        mask_file = ""
        if white:
            mask_file = f"train/.masks/{n}.png"
            mask = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
            mask[slice(*white)] = 255
            cv2.imwrite(str(folder / mask_file), mask)
        made.append((f"i{n}", f"f{frame}", "train", repeats, mask_file, done, *box))
    pd.DataFrame(made, columns=overlays.ROWS).to_parquet(folder / "dataset.parquet")


@pytest.fixture
def results(tmp_path):
    """Results with sampled frames only, and the film's truth."""
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth/frames.csv").write_text(FRAMES, encoding="utf-8")
    (tmp_path / "truth/text.csv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "truth/screenplay.json").write_text(json.dumps({}), encoding="utf-8")
    folder = tmp_path / "results"
    (folder / "extract_frames").mkdir(parents=True)
    frames = pd.DataFrame({"frame_id": ["f0", "f1", "f2"], "time_s": [0.0, 1.0, 2.0]})
    frames.to_parquet(folder / "extract_frames/frames.parquet")
    return folder, Truth(tmp_path / "truth")


WHOLE, ABOVE = (0, 0, 100, 100), (0, 0, 100, 79)


@pytest.mark.parametrize(
    ("rows", "white", "shown", "learned"),
    [
        ([(0, 1, "", WHOLE), (1, 1, "kept", WHOLE)], None, 0.5, 0.5),
        ([(0, 1, "", WHOLE), (1, 3, "", WHOLE)], None, 0.75, 0.75),
        ([(0, 1, "", WHOLE), (1, 3, "cropped", ABOVE)], None, 0, 0),
        ([(0, 1, "", WHOLE), (1, 1, "painted", WHOLE)], (0, 70), 0, 0),
        ([(0, 1, "", WHOLE), (1, 1, "painted", WHOLE)], (0, 100), 0.5, 0.5),
        ([(0, 1, "", WHOLE), (2, 1, "kept", WHOLE)], (40, 100), 0.5, 0),
    ],
    ids=["whole frames", "repeats", "cropped", "masked out", "paint is learned", "beside the mask"],
)
def test_shares_of_an_epoch(results, rows, white, shown, learned):
    folder, truth = results
    pack(folder / "datasets/style", rows, white)
    metrics = overlays.measure(folder, truth)
    assert metrics["packed_text_shown"].value == pytest.approx(shown)
    assert metrics["packed_text_learned"].value == pytest.approx(learned)
    assert metrics["packed_text_shown"].n == len(rows)


def test_no_figure_without_truth_or_datasets(results):
    folder, truth = results
    assert overlays.measure(folder, truth) == {}
    pack(folder / "datasets/style", [(1, 1, "", WHOLE)])
    (truth.folder / "text.csv").unlink()
    assert overlays.measure(folder, truth) == {}
