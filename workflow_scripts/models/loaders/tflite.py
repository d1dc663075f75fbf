"""Open a .tflite file as a function: one array in, the list of its outputs."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from workflow_scripts.models.damage import explain_damage

# Small nets stop gaining after a few threads.
THREADS = min(4, os.cpu_count() or 1)


def open_tflite(path: Path) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return run(inputs): float32 in the shape of the only input -> the outputs, in order."""
    with explain_damage(path), _without_chatter():
        interpreter = Interpreter(model_path=str(path), num_threads=THREADS)
        interpreter.allocate_tensors()
    slot = interpreter.get_input_details()[0]["index"]
    slots = [detail["index"] for detail in interpreter.get_output_details()]

    def run(inputs: np.ndarray) -> list[np.ndarray]:
        interpreter.set_tensor(slot, np.ascontiguousarray(inputs, np.float32))
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in slots]

    return run


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Drop the line on its delegate that the library writes to the terminal; errors are raised."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
