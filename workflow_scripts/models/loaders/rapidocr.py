"""Role `text` with RapidOCR: lines of text, found on a small copy, read in the full image."""

from pathlib import Path

import cv2
import numpy as np
from rapidocr_onnxruntime import RapidOCR

from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.loaders.devices import open_onnx
from workflow_scripts.models.loaders.files import named_file

DETECTION_SIDE_PX = 480  # short side at detection: 12 px high letters of a 540-line film are found
DETECTION_PIXELS = 8 * DETECTION_SIDE_PX**2  # of longer strips less: 1x5000 would take gigabytes
MAX_LINES = 16  # read in one image: of a page of credits the largest tell enough
THREADS = 2  # as many as the rule asks for; the default would take the whole machine
FILES = {
    "det_model_path": "ch_PP-OCRv4_det_infer.onnx",
    "rec_model_path": "ch_PP-OCRv4_rec_infer.onnx",
    "cls_model_path": "ch_ppocr_mobile_v2.0_cls_infer.onnx",
}
Line = tuple[tuple[float, float, float, float], str, float]


class TextReader:
    """`reader(image)` lists (box x0, y0, x1, y1 in pixels, text, confidence 0..1), top first."""

    def __init__(self, files: dict[str, Path]):
        paths = {option: str(named_file(files, name)) for option, name in FILES.items()}
        for path in paths.values():
            open_onnx(Path(path), "cpu")  # the package's own errors name no file
        # The package's own "min 736 px" would enlarge a 540-line image to 1.9 times its pixels.
        limits = {"det_limit_side_len": 32, "det_limit_type": "min"}
        with explain_damage(files[FILES["rec_model_path"]]):  # which holds the letters too
            self.engine = RapidOCR(**paths, **limits, intra_op_num_threads=THREADS)

    def __call__(self, image: np.ndarray) -> list[Line]:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        corners = self._find_lines(bgr)
        if not len(corners):
            return []
        corners = keep_largest(corners, MAX_LINES)
        crops = self.engine.get_crop_img_list(bgr, corners)
        crops, _, _ = self.engine.text_cls(crops)  # turns lines that stand on their head
        read, _ = self.engine.text_rec(crops, False)
        boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
        return [
            (tuple(map(float, box)), str(text), float(confidence))
            for box, (text, confidence, *_) in zip(boxes, read, strict=True)
        ]

    def _find_lines(self, bgr: np.ndarray) -> np.ndarray:
        """Corners (N, 4, 2) float32 of the lines, in pixels of the image."""
        height, width = bgr.shape[:2]
        most = np.sqrt(DETECTION_PIXELS / (height * width))
        scale = min(DETECTION_SIDE_PX / min(height, width), most)
        size = (round_to_32(width * scale), round_to_32(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        found, _ = self.engine.auto_text_det(cv2.resize(bgr, size, interpolation=method))
        if found is None:
            return np.zeros((0, 4, 2), np.float32)
        return np.asarray(found, np.float32) * np.float32([width / size[0], height / size[1]])


def keep_largest(corners: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the lines (N, 4, 2): those of the largest area, in their order."""
    sizes = np.prod(corners.max(1) - corners.min(1), axis=1)
    return corners[np.sort(np.argsort(-sizes, kind="stable")[:most])]


def round_to_32(length_px: float) -> int:
    """The nearest length that the detection net takes."""
    return max(32, round(length_px / 32) * 32)


def load_text(files: dict[str, Path], *, device: str) -> TextReader:
    """Open the three nets (lines, up or down, letters); the device is always the CPU."""
    return TextReader(files)
