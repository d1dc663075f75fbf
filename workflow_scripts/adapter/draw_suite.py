"""Draw a test suite with an adapter, its base, its controls, and what was kept of its training.

Reads a suite and any number of adapters of one dataset; leaves the drawings, without loss, and a
row for each: by which adapter at which strength, from which prompt and seed, and what was asked.
The base is loaded once for all. Nothing is judged here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.adapter.adapter_file import NAME, load_adapter
from workflow_scripts.adapter.empty_adapter import is_empty
from workflow_scripts.adapter.finished import read_trained
from workflow_scripts.adapter.kept_adapters import find_step, read_kept
from workflow_scripts.adapter.suites import ASKED, Asked, check_lengths, format_value, read_suite
from workflow_scripts.adapter.trials import check_base, nearest_to_full, read_controls
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.written_files import SUMS
from workflow_scripts.models.diffusion import Base, draw_images
from workflow_scripts.models.registry import load_model

DRAWINGS = pa.schema(
    [
        ("drawing_id", pa.string()),
        ("adapter", pa.string()),  # own, base, another variant, or a control such as other_subject
        ("step", pa.int32()),  # of what was kept while it was trained; null: the adapter itself
        ("strength", pa.float64()),
        ("scenario", pa.string()),
        ("prompt_no", pa.int32()),  # in its scenario, from 1
        ("seed", pa.int32()),
        ("prompt", pa.string()),  # as it was drawn
        *((f"asked_{name}", pa.string()) for name in ASKED),  # null: not asked
        ("file", pa.string()),  # "": not drawn
        *SUMS,
        ("reason", pa.string()),  # "" drawn | no_other_character
    ]
)
OWN, BASE = "own", "base"
AT_ONCE = 32  # drawings in memory


@dataclass(frozen=True)
class Tool:
    """With what something is drawn: an adapter at a strength, or the base alone."""

    name: str
    file: str  # "": the base
    strength: float
    trigger: str
    other: str  # what calls another character of the film; "": there is none
    step: int | None = None

    @property
    def label(self) -> str:
        """Its part of the name of a drawing."""
        step = "" if self.step is None else f"_step{self.step:06d}"
        return f"{self.name}{step}_{self.strength:g}"


def list_tools(
    own: tuple[str, str],
    kept: Mapping[int, str],
    others: Mapping[str, tuple[str, str]],
    strengths: Sequence[float],
    other: str,
) -> list[Tool]:
    """The base, the adapter at every strength, what was kept of its training, the others.

    `own` and `others` are file and trigger. Those that are compared are drawn at one strength.
    Another subject is called by its own trigger, and for it the adapter's character is the other.
    """
    file, trigger = own
    full = nearest_to_full(strengths)
    tools = [Tool(BASE, "", 0.0, trigger, other)]
    tools += [Tool(OWN, file, strength, trigger, other) for strength in strengths]
    tools += [Tool(OWN, path, full, trigger, other, step) for step, path in kept.items()]
    for name, (path, called) in others.items():
        tools.append(Tool(name, path, full, called, trigger if called == other else other))
    return tools


def make_rows(tool: Tool, prompts: Sequence[Asked], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """A row for every drawing of one tool, those too that cannot be made."""
    return [
        {
            "drawing_id": f"{tool.label}_{one.scenario}_p{one.number:02d}_s{seed}",
            "adapter": tool.name,
            "step": tool.step,
            "strength": tool.strength,
            "scenario": one.scenario,
            "prompt_no": one.number,
            "seed": seed,
            "prompt": one.call(tool.trigger, tool.other),
            **{f"asked_{name}": _ask(one, name) for name in ASKED},
            "reason": "no_other_character" if one.names_other and not tool.other else "",
        }
        for one in prompts
        for seed in seeds
    ]


def _ask(prompt: Asked, name: str) -> str | None:
    return format_value(prompt.asks[name]) if name in prompt.asks else None


def choose_prompts(prompts: Sequence[Asked], most: int) -> list[Asked]:
    """The first prompts of every scenario."""
    return [one for one in prompts if one.number <= most]


def read_variants(
    names: Sequence[str], adapters: Sequence[str], settings: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """File and trigger of the other variants of the adapter, by their names."""
    rows = zip(names, adapters, map(read_trained, settings), strict=True)
    return {
        name: (file, trained["trigger"]) for name, file, trained in rows if not is_empty(trained)
    }


def draw_tool(
    base: Base, tool: Tool, rows: Sequence[dict[str, Any]], folder: Path, options: dict[str, Any]
) -> None:
    """Draw the rows of one tool, and write into them which files they became."""
    if tool.file:
        load_adapter(base, tool.file)
        base.pipeline.set_adapters(NAME, tool.strength)
    for some in _take(rows, AT_ONCE):
        images = draw_images(
            base,
            [row["prompt"] for row in some],
            [row["seed"] for row in some],
            steps=options["sampling_steps"],
            guidance=options["guidance"],
            side_px=base.resolution_px,
        )
        for row, image in zip(some, images, strict=True):
            row |= write_drawing(folder, row["drawing_id"], image)
    if tool.file:
        base.pipeline.unload_lora_weights()


def write_drawing(folder: Path, drawing_id: str, image: np.ndarray) -> dict[str, Any]:
    """Write one image as PNG; what its row says of the file."""
    file = f"{drawing_id}.png"
    return {"file": file, **write_image(folder / file, image)}


def _take(rows: Sequence[dict], size: int) -> Iterator[Sequence[dict]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def main(
    suite: str,
    vocabulary: str,
    adapter: str,
    settings: str,
    kept: str,
    control_adapters: Sequence[str],
    control_settings: Sequence[str],
    variant_adapters: Sequence[str],
    variant_settings: Sequence[str],
    base: str,
    drawings: str,
    images: str,
    *,
    title: str,
    other: str,
    controls: Sequence[str],
    variants: Sequence[str],
    options: dict[str, Any],
    model: dict[str, Any],
) -> Counts:
    Path(images).mkdir(parents=True, exist_ok=True)
    trained = read_trained(settings)
    if is_empty(trained):
        log.warning("%s: nothing is drawn, %s", title, trained["empty"])
        write_manifest(pd.DataFrame(columns=DRAWINGS.names), drawings, DRAWINGS)
        return Counts("drawings", 0, 0)
    check_base(base, trained)
    prompts = choose_prompts(read_suite(suite, vocabulary), options["prompts"])
    check_lengths(prompts, trained["trigger"], other)
    others = read_controls(controls, control_adapters, control_settings, trained)
    compared = read_variants(variants, variant_adapters, variant_settings)
    compared |= {one.name: (one.adapter, one.trained["trigger"]) for one in others}
    own = adapter, trained["trigger"]
    tools = list_tools(
        own,
        {find_step(path): path for path in read_kept(kept)},
        compared,
        options["strengths"],
        other,
    )
    opened = load_model(model, [Path(base) / "model_index.json"])
    table: list[dict[str, Any]] = []
    for tool in progress(tools, "adapters", total=len(tools)):
        rows = make_rows(tool, prompts, options["seeds"])
        shown = [row for row in rows if not row["reason"]]
        draw_tool(opened, tool, shown, Path(images), options)
        table += rows
    made = pd.DataFrame(table).reindex(columns=DRAWINGS.names)
    made = made.fillna({"file": "", "size_bytes": 0, "sha256": ""})
    write_manifest(made, drawings, DRAWINGS)
    return Counts.of("drawings", made["reason"], prompts=len(prompts), adapters=len(tools))


if __name__ == "__main__":
    run_phase(main, snakemake)
