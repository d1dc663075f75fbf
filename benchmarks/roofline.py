"""`make roofline`: what binds each phase of the full tier on a GPU, computed where there is none.

Counts a feature film (counts.py) and the work of every net on it (full_nets.py), measures how long
a core of this machine reads images (reading.py), and sets both against what the makers of some
cards promise. Leaves benchmarks/roofline.md; nothing in it was run on a GPU.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.bounds import LIMITS, READERS, Bound, Step, bound_film, describe_steps
from benchmarks.cards import CARDS, PCIE_SHARE, Card
from benchmarks.counted_nets import SEEN_AGAIN, TOKENS, Nets, count_nets
from benchmarks.counts import FilmCounts, count_film, write_counts
from benchmarks.dataset_steps import adapt, describe
from benchmarks.feature_film import FeatureFilm
from benchmarks.film_steps import embed, find_people, look_at_people
from benchmarks.gpu_rules import read_gpu_rules
from benchmarks.reading import measure_reading
from benchmarks.tables import table
from workflow_scripts.lib.manifest import replace_when_done

LEAVES = Path("benchmarks/roofline.md")
GOAL = 0.6  # of the matrix rate: what gpu.md asks of ViT-L/14 on an H100

HEAD = """# What binds the full tier on a GPU

Written by `make roofline` on {day}, not by hand. **Nothing here was run on a GPU**: it is the least
time that the work of a feature film can take, and what it waits for. How fast the nets are:
[gpu.md](gpu.md).

A film here: {frames:,} frames of 1920 x 1080 in {shards} shards, {people:,} times a person,
{faces:,} faces, {datasets} datasets, made in code (`benchmarks/feature_film.py`). Figures are

- **counted**: on the real architectures without numbers (`benchmarks/full_nets.py`), or by the
  workflow's own code on the film's tables; activations count what matrix products, convolutions and
  attention read and write, all else fused into them;
- **published**: operations of graphs that are there only once fetched, by their authors
  (`benchmarks/counted_nets.py` names each); their activations are not known, and count nothing;
  rates of cards by NVIDIA (below);
- **measured on a CPU**: reading, here, on one core of {cores};
- **not measured**: everything else, such as the time to start a kernel, and what phases compute on
  the CPU beside reading (masks, tables, the warping of other frames). It comes on top.

Assumed: {readers} cores read for a job; a bus reaches {bus:.0%} of its rate; somebody is seen
again in {seen:.0%} of the clean images; an answer has {tokens} tokens; graphs take batches (one
that takes an image at a time is slower). TF32 stands where a loader computes in float32 (graphs of
onnxruntime, LaMa, latents). Weights are those that a step reads; all of a model must fit.

Two assumptions make more work than there may be: LaMa paints every hole whole, though other frames
fill what they show of it; and memory is asked anew for all that products read and write, though
caches keep some. Others make less: whoever has a face shows it in the first look (on the demo film
98 of 100 faces are sure enough), so only the others are looked at twice; each person is shown to
the memory of their shot once; the detector looks at no tiles; and every batch is as full as its
loader allows, though a frame seldom shows eight people to follow.
"""


def list_steps(counts: FilmCounts, known: Nets, read_s: Mapping[str, float]) -> list[Step]:
    """All steps of a film; `read_s` are seconds of benchmarks.reading by what is done."""
    makers = (find_people, look_at_people, embed, describe, adapt)
    return [step for make in makers for step in make(counts, known, read_s)]


def write_work(steps: Sequence[Step]) -> str:
    """What each net does, and how often."""
    names = ["phase", "what", "items", "GFLOP", "by", "MB of activations", "MB of weights", "batch"]
    names += ["ms of a core", "kB copied"]
    rows = [
        [
            f"`{step.phase}`",
            step.what,
            f"{step.items:,.0f}",
            f"{step.work.operations / 1e9:,.1f} {step.precision}",
            step.grade,
            f"{step.work.traffic / 1e6:,.0f}" if step.work.traffic else "not known",
            f"{step.weight_bytes / 1e6:,.0f}",
            step.most,
            f"{1e3 * step.read_s:.1f}",
            f"{step.copied / 1e3:,.0f}",
        ]
        for step in steps
    ]
    return table(names, rows)


def write_card(
    card: Card, bounds: Sequence[Bound], misfits: Sequence[str], steps: Sequence[Step]
) -> str:
    """What binds each phase on one card."""
    rows = [
        [
            f"`{bound.phase}`",
            *(format_time(bound.by_limit[name]) for name in LIMITS),
            format_time(bound.seconds),
            bound.binds,
        ]
        for bound in bounds
    ]
    total = sum(bound.seconds for bound in bounds)
    at_goal = sum(bound.find_seconds(GOAL) for bound in bounds)
    lines = [
        f"## {card.name}",
        "",
        f"{card.bf16 / 1e12:.1f} TFLOP/s in bfloat16, {card.tf32 / 1e12:.1f} in TF32, "
        f"{card.memory_rate / 1e12:.2f} TB/s, {card.memory / 1e9:.0f} GB, "
        f"{card.bus_rate / 1e9:.0f} GB/s of bus (published: {card.source}; not re-read).",
        "",
        table(["phase", *LIMITS, "at least", "binds"], rows),
        f"In all at least **{total / 3600:.2f} GPU-hours**; {at_goal / 3600:.2f} at {GOAL:.0%} of "
        "the matrix rate, the goal of [gpu.md](gpu.md).",
    ]
    return "\n".join([*lines, *list_notes(card, bounds, misfits, steps)]) + "\n"


def list_notes(
    card: Card, bounds: Sequence[Bound], misfits: Sequence[str], steps: Sequence[Step]
) -> list[str]:
    """Nets of a phase that wait for different things; what fits in smaller batches, or not."""
    lines = []
    for bound in bounds:
        own = [step for step in steps if step.phase == bound.phase]
        told = [f"{w}: {format_time(t)}, {b}" for w, t, b in describe_steps(own, card)]
        lines += [f"- `{bound.phase}`: {'; '.join(told)}."] if told else []
    shrunk = [step for step in steps if 0 < step.choose_batch(card) < step.most]
    lines += [
        f"- `{step.phase}`: {step.what}: batches of {step.choose_batch(card)} fit, not {step.most}."
        for step in shrunk
    ]
    return lines + [f"- **does not fit**: {name}. Not in the total." for name in misfits]


def format_time(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


def write_page(counts: FilmCounts, steps: Sequence[Step], phases: Sequence[str]) -> str:
    """The whole page."""
    head = HEAD.format(
        day=date.today().isoformat(),
        frames=counts.frames,
        shards=counts.shards,
        people=counts.people,
        faces=counts.faces,
        datasets=len(counts.questions),
        cores=os.cpu_count(),
        readers=READERS,
        bus=PCIE_SHARE,
        seen=SEEN_AGAIN,
        tokens=TOKENS,
    )
    parts = [head, "## What is asked for, before and now\n", write_counts(counts)]
    parts += ["## The work of one item\n", write_work(steps)]
    for card in CARDS:
        parts.append(write_card(card, *bound_film(phases, steps, card), steps))
    parts.append("None of this was run on a GPU.\n")
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None, film: FeatureFilm | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, default=LEAVES, help="the page to write")
    asked = parser.parse_args(arguments)
    read_s: Mapping[str, float] = measure_reading()
    print({name: f"{1e3 * s:.2f} ms" for name, s in read_s.items()}, flush=True)
    counts = count_film(film or FeatureFilm())
    print(f"{counts.frames:,} frames, {counts.asked:,} questions", flush=True)
    steps = list_steps(counts, count_nets(counts), read_s)
    page = write_page(counts, steps, list(read_gpu_rules()))
    with replace_when_done(asked.write) as partial:
        Path(partial).write_text(page, encoding="utf-8")
    print(f"{asked.write} is written")


if __name__ == "__main__":
    main()
