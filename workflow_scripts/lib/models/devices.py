"""Where models compute: a GPU that was asked for must be there, and must be used."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from workflow_scripts.lib.errors import CineloraError

log = logging.getLogger("cinelora")
ADVICE = "Close what else runs on the GPU, choose a smaller model in the config, or device: cpu."


def open_device(device: str) -> torch.device:
    """The torch device of the config's word; a missing GPU is an error, never the CPU instead."""
    if device == "cuda" and not torch.cuda.is_available():
        raise CineloraError(
            "models.device is cuda, but torch sees no GPU.\n"
            "  Set models.device to cpu, or install a driver that fits this torch (nvidia-smi)."
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
            "  Install onnxruntime-gpu in place of onnxruntime (they share a folder: only one of "
            "them),\n  or set models.device to cpu."
        )
    return session


def run_in_batches(
    run: Callable[[Sequence[Any]], np.ndarray], items: Sequence[Any], batch_size: int
) -> list[np.ndarray]:
    """Results of `run` over batches; a GPU that is too small gets halves from then on, once."""
    results, start, halved = [], 0, False
    while start < len(items):
        try:
            results.append(run(items[start : start + batch_size]))
            start += batch_size
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            if halved or batch_size == 1:
                raise CineloraError(
                    f"the GPU's memory does not hold {batch_size} pictures.\n  {ADVICE}"
                ) from error
            batch_size, halved = batch_size // 2, True
            log.warning("out of GPU memory; going on with batches of %d", batch_size)
    return results


def peak_memory_mb(device: torch.device) -> float:
    """Largest GPU memory in use since the process began, MiB; 0 on a CPU."""
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
