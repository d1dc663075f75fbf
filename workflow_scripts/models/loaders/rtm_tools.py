"""Tools of rtmlib that compute with a session of ours, and open none of their own."""

import onnxruntime
from rtmlib import YOLOX, RTMDet, RTMPose
from rtmlib.tools.base import BaseTool


class OpenedTool(BaseTool):
    """Stands in for rtmlib's base, which takes a broken file for an address and the CPU for a GPU,
    and has onnxruntime try out every convolution."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        model_input_size: tuple[int, int],
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        backend: str = "onnxruntime",
        device: str = "cpu",
    ):
        self.session, self.model_input_size = session, model_input_size
        self.mean, self.std = mean, std
        self.backend, self.device = backend, device


class OpenedYolox(YOLOX, OpenedTool):
    """YOLOX(session, (height, width))."""


class OpenedRtmDet(RTMDet, OpenedTool):
    """RTMDet(session, (height, width))."""


class OpenedRtmPose(RTMPose, OpenedTool):
    """RTMPose(session, (width, height))."""
