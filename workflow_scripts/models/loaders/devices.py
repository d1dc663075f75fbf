"""Where models compute: a GPU that was asked for must be there, and must be used."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnxruntime
import torch

from workflow_scripts.lib.errors import GPU_CURE, CineloraError
from workflow_scripts.lib.logs import log


def open_device(device: str) -> torch.device:
    """The torch device of the config's word; a missing GPU is an error, never the CPU instead."""
    if device == "cuda" and not torch.cuda.is_available():
        raise CineloraError(
            "models.device is cuda, but torch sees no GPU.\n"
            "  Set models.device to cpu, or install a driver that fits this torch\n"
            "  (for CUDA 13: 580 or newer; nvidia-smi shows it)."
        )
    return torch.device(device)


def pick_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on a GPU, where it is fast; float32 on a CPU, where it is not."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def open_onnx(path: Path, device: str) -> onnxruntime.InferenceSession:
    """Open an ONNX file on the device that was asked for."""
    wanted = "CUDAExecutionProvider" if device == "cuda" else "CPUExecutionProvider"
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), quiet, providers=[wanted])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no other base
        cause = str(error).splitlines()[0][:200]
        raise CineloraError(f"{path} is no ONNX file that onnxruntime can open: {cause}") from error
    return check_provider(session, device)


def check_provider(
    session: onnxruntime.InferenceSession, device: str
) -> onnxruntime.InferenceSession:
    """Refuse a session on the CPU where a GPU was asked for; onnxruntime says nothing."""
    providers = session.get_providers()
    if device == "cuda" and "CUDAExecutionProvider" not in providers:
        raise CineloraError(
            f"models.device is cuda, but onnxruntime runs on {', '.join(providers)}.\n"
            "  `make setup-gpu` installs the onnxruntime that computes on a GPU (without make:\n"
            "  onnxruntime-gpu in place of onnxruntime, which it overwrites). Or set models.device "
            "to cpu."
        )
    return session


def is_out_of_memory(error: Exception) -> bool:
    """Whether a GPU's memory was too small; onnxruntime says it in words only."""
    words = ("failed to allocate memory", "out of memory")
    from_onnx = type(error).__module__.startswith("onnxruntime")
    said = from_onnx and any(word in str(error).lower() for word in words)
    return said or isinstance(error, torch.cuda.OutOfMemoryError)


class Batches:
    """`batches(items)` -> results of `run` over batches of `size`.

    A GPU that is too small gets halves from then on, in later calls too; but only once.
    """

    def __init__(self, run: Callable[[Sequence[Any]], Any], size: int):
        self.run, self.size, self.halved = run, size, False

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        results, start = [], 0
        while start < len(items):
            size = self.size
            try:
                results.append(self.run(items[start : start + size]))
                start += size
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(error)
            if self.size < size:  # not above: the error holds on to what the net had computed
                torch.cuda.empty_cache()
        return results

    def _halve(self, error: Exception) -> None:
        if self.halved or self.size == 1:
            raise CineloraError(
                f"the GPU's memory does not hold {self.size} at once.\n  {GPU_CURE}"
            ) from error
        self.size, self.halved = self.size // 2, True
        log.warning("out of GPU memory; going on with batches of %d", self.size)
