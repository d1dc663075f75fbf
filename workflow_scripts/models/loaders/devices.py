"""Where models compute: a GPU that was asked for must be there, and must be used."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnxruntime
import torch

from workflow_scripts.lib.errors import GPU_CURE, CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.models.damage import explain_damage, is_out_of_memory

FIRST = 4  # items of the batch that is measured
SPARE = 0.8  # share of the free memory that larger batches may take


def open_device(device: str) -> torch.device:
    """The torch device of the config's word; a missing GPU is an error, never the CPU instead.

    What stays in float32 on a GPU is multiplied in TF32, some eight times as fast.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise CineloraError(
            "models.device is cuda, but torch sees no GPU.\n"
            "  Set models.device to cpu, or install a driver that fits this torch\n"
            "  (for CUDA 13: 580 or newer; nvidia-smi shows it)."
        )
    if device == "cuda":
        torch.set_float32_matmul_precision("high")
    return torch.device(device)


def pick_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on a GPU, where it is fast; float32 on a CPU, where it is not."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def autocast(place: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Compute in `dtype` where torch has it for that; float32 stays float32."""
    return torch.autocast(place.type, dtype, enabled=dtype != torch.float32)


def open_onnx(path: Path, device: str) -> onnxruntime.InferenceSession:
    """Open an ONNX file on the device that was asked for."""
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    with explain_damage(path):
        session = onnxruntime.InferenceSession(str(path), quiet, providers=[name_provider(device)])
    return check_provider(session, device)


def name_provider(device: str) -> str | tuple[str, dict[str, str]]:
    """The provider of onnxruntime, with its options; convolutions are looked up, not tried out.

    By default it times every algorithm, for seconds, each time that an image has a new shape.
    """
    if device != "cuda":
        return "CPUExecutionProvider"
    return "CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"}


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


def find_batch_size(path: Path, session: onnxruntime.InferenceSession, most: int) -> int:
    """Items that a graph takes at once: `most`, or one by one where its input says so."""
    first = session.get_inputs()[0].shape[0]
    if not isinstance(first, int):  # a name, or None: any number
        return most
    if first != 1:
        raise CineloraError(
            f"{path} takes exactly {first} images at once, not one or any number.\n"
            "  Check the row of this model in the table of models; a graph of yours is exported\n"
            "  with one image, or with a dynamic first axis."
        )
    return 1


def free_memory(place: torch.device) -> int:
    """Bytes of the GPU that nobody holds."""
    return torch.cuda.mem_get_info(place)[0]


class Batches:
    """`batches(items)` -> results of `run` over batches of at most `size`.

    On a GPU, `place`, the first batch is small: what it takes of the free memory says how many
    items fit. Where it is too small all the same, batches are halved, in later calls too.
    `Batches.largest` is the largest part that any model computed since that was set to 0.
    """

    largest = 0

    def __init__(
        self, run: Callable[[Sequence[Any]], Any], size: int, place: torch.device | None = None
    ):
        self.run, self.size = run, size
        self.place = place if place and place.type == "cuda" and size > FIRST else None

    def __call__(self, items: Sequence[Any]) -> list[Any]:
        results, start = [], 0
        while start < len(items):
            size = self.size if self.place is None else FIRST
            try:
                part = items[start : start + size]
                results.append(self._run(part))
                Batches.largest = max(Batches.largest, len(part))
                start += size
                continue
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(size, error)
            torch.cuda.empty_cache()  # not above: the error holds on to what the net had computed
        return results

    def _run(self, part: Sequence[Any]) -> Any:
        if self.place is None or len(part) < FIRST:
            return self.run(part)
        before = free_memory(self.place)
        result = self.run(part)
        free = free_memory(self.place)
        each = max(before - free, 1) / FIRST  # what is computed with is kept for the next batch
        self.size, self.place = min(self.size, FIRST + int(SPARE * free / each)), None
        log.info("batches of %d fit into the GPU's memory", self.size)
        return result

    def _halve(self, size: int, error: Exception) -> None:
        if size == 1:
            raise CineloraError(
                f"the GPU's memory does not hold one item.\n  {GPU_CURE}"
            ) from error
        self.size, self.place = size // 2, None
        log.warning("out of GPU memory; going on with batches of %d", self.size)
