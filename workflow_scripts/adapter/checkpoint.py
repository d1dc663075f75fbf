"""The state of a training in a file: tensors and plain values in safetensors; nothing is pickled.

Numbers, texts, lists, tuples and maps stand as JSON in the file's header, where each tensor has its
name; JSON keeps every bit of a float.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done

STATE = "state"  # of the header


def write_checkpoint(path: str | Path, state: Mapping[str, Any]) -> None:
    """Write a state, whole or not at all."""
    tensors: dict[str, torch.Tensor] = {}
    header = {STATE: json.dumps(_take_out(state, tensors))}
    data = safetensors.torch.save(tensors, header)
    with replace_when_done(path) as partial:
        partial.write_bytes(data)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """A state as it was written, its tensors on the CPU; CineloraError where it is damaged."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            return _put_back(json.loads(file.metadata()[STATE]), file)
    except (safetensors.SafetensorError, TypeError, KeyError, ValueError) as error:
        raise CineloraError(f"{path} is no readable checkpoint ({str(error)[:160]}).") from error


def _take_out(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The value for JSON, where each tensor is its number; the tensors are added to `tensors`."""
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, Mapping):  # keys may be numbers: those of an optimizer are
        return {"map": [[key, _take_out(inner, tensors)] for key, inner in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_take_out(inner, tensors) for inner in value]}
    return [_take_out(inner, tensors) for inner in value] if isinstance(value, list) else value


def _put_back(value: Any, file: Any) -> Any:
    if isinstance(value, list):
        return [_put_back(inner, file) for inner in value]
    if not isinstance(value, dict):
        return value
    (kind, inside), *_ = value.items()
    if kind == "tensor":
        return file.get_tensor(inside)
    if kind == "tuple":
        return tuple(_put_back(inner, file) for inner in inside)
    return {key: _put_back(inner, file) for key, inner in inside}
