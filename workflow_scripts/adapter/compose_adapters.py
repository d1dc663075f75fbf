"""Draw and measure with several adapters of one film at once: what does each keep beside others?

Reads the adapters, their settings and datasets, and the base. Leaves scores.parquet (what each
adapter gains on its own dataset alone, beside one other and beside all, and its retention),
layers.parquet (cosines of the adapters' changes, layer by layer), grid.png (the same prompts with
each set) and settings.yaml. Adapters are put together by diffusers' own set_adapters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.adapter.adapter_file import load_adapter, read_adapter
from workflow_scripts.adapter.composition import (
    Samples,
    find_gains,
    list_sets,
    make_rows,
    rank_predictor,
)
from workflow_scripts.adapter.deltas import compare_layers, compare_whole, read_deltas
from workflow_scripts.adapter.empty_adapter import is_empty, write_unscored
from workflow_scripts.adapter.examples import Examples, cache_examples
from workflow_scripts.adapter.finished import (
    SPLITS,
    find_finished,
    hash_parts,
    read_trained,
    sign,
    write_settings,
)
from workflow_scripts.adapter.grid import draw_grid
from workflow_scripts.adapter.prompts import Prompts, choose_prompts, draw_all
from workflow_scripts.adapter.score_rows import Embed, Judge
from workflow_scripts.adapter.stills import find_stills
from workflow_scripts.adapter.training_data import find_shots, read_split, subsample_evenly
from workflow_scripts.adapter.trials import LOSSES, Trial, check_base, measure_losses
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.code import hash_code
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.kinds import split_name
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.models.diffusion import Base
from workflow_scripts.models.registry import load_model, name_loader

SCORES = pa.schema(
    [
        ("attribute", pa.string()),  # the dataset whose adapter is asked about
        ("score", pa.string()),  # one of the claims of evaluate_adapter
        ("beside", pa.string()),  # the other adapters of the set, joined by +; "": alone
        ("weight", pa.float64()),  # of every adapter of the set
        ("gain", pa.float64()),  # over the base, positive where better
        ("gain_low", pa.float64()),  # of the 95 % interval; null with fewer than two clusters
        ("gain_high", pa.float64()),
        ("retention", pa.float64()),  # gain / gain alone; null: the gain alone is not clear of 0
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int32()),
        ("clusters", pa.int32()),  # prompts, or of losses shots
        ("change", pa.float64()),  # gain, less the gain alone
    ]
)
LAYERS = pa.schema(
    [
        ("layer", pa.string()),  # "": all of them, as one long vector
        ("one", pa.string()),
        ("other", pa.string()),
        ("cosine", pa.float64()),  # null where one of them changes nothing
        ("first", pa.float64()),  # lengths of the changes
        ("second", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Source:
    """One adapter of the composition."""

    name: str  # of its dataset
    dataset: str
    adapter: str
    trained: dict[str, Any]  # its settings.yaml


@dataclass(frozen=True)
class Part:
    """An adapter, and what its attribute is measured with."""

    source: Source
    judge: Judge
    held_out: Examples

    @property
    def name(self) -> str:
        return self.source.name


def read_sources(
    names: Sequence[str], datasets: Sequence[str], adapters: Sequence[str], settings: Sequence[str]
) -> list[Source]:
    """Those adapters that were trained at all."""
    rows = zip(names, datasets, adapters, map(read_trained, settings), strict=True)
    sources = [Source(*row) for row in rows]
    for source in sources:
        if is_empty(source.trained):
            log.warning("%s: its dataset is empty, there is nothing to put together", source.name)
    return [source for source in sources if not is_empty(source.trained)]


def make_fingerprint(
    how: list[Any], sources: Sequence[Source], references: Sequence[str], *loaders: str
) -> str:
    """Two compositions with the same fingerprint measure the same."""
    files = [hash_file(file) for file in [*(one.adapter for one in sources), *references]]
    data = [one.trained["dataset_sha256"] for one in sources]
    return hash_parts(how, files, data, hash_code("adapter.compose_adapters", *loaders))


def prepare(
    opened: Base, embed: Embed, source: Source, references: Sequence[str], options: dict[str, Any]
) -> Part:
    """Prompts, stills and cached held-out images of one dataset."""
    dataset, trained = source.dataset, source.trained
    train, held_out = (read_split(dataset, split) for split in SPLITS)
    prompts = choose_prompts(held_out, train, [], options["seeds"], options["prompts"])
    _, who = split_name(source.name)
    stills = find_stills(opened, embed, dataset, references if who else [], who)
    few = subsample_evenly(held_out, options["images"])
    judge = Judge(prompts, stills, embed, {LOSSES[-1]: find_shots(dataset, few)})
    weight = trained["settings"]["background_loss_weight"]
    encoded = cache_examples(
        opened, few, resolution_px=trained["resolution_px"], background_loss_weight=weight
    )
    return Part(source, judge, encoded)


def measure(opened: Base, part: Part, options: dict[str, Any], seed: int) -> Samples:
    """Every score of one attribute, with the adapters that are set now."""
    losses = measure_losses(opened, [part.held_out], options, seed)
    images = draw_all(opened, part.judge.prompts, options)
    return part.judge.measure(Trial(images, losses))[0]


def compose(opened: Base, parts: Sequence[Part], options: dict[str, Any], seed: int) -> list[dict]:
    """Rows on all sets at all weights: each attribute of a set, on its own prompts and images."""
    known, full = {part.name: part for part in parts}, nearest(options["weights"])
    base = {name: measure(opened, part, options, seed) for name, part in known.items()}
    for part in parts:
        load_adapter(opened, part.source.adapter, name_in_pipeline(part.name))
    sets = list_sets(list(known))
    alone: dict[str, Samples] = {}
    rows = []
    # What disturbs what is asked at full weight; of lower ones, whether all together bear it better
    work = [(full, members) for members in sets]
    work += [(weight, tuple(known)) for weight in options["weights"] if weight != full]
    for weight, members in progress(work, "sets of adapters", total=len(work)):
        set_together(opened, members, weight)
        for name in members:
            gains = find_gains(measure(opened, known[name], options, seed), base[name])
            if len(members) == 1:
                alone[name] = gains
            beside = [other for other in members if other != name]
            rows += make_rows(name, beside, weight, gains, alone[name])
    return rows


def set_together(opened: Base, members: Sequence[str], weight: float) -> None:
    """Let these adapters work at once, each at this weight."""
    names = [name_in_pipeline(name) for name in members]
    opened.pipeline.set_adapters(names, [weight] * len(names))


def name_in_pipeline(dataset: str) -> str:
    """Peft makes a module of each adapter's name."""
    return dataset.replace("-", "_")


def nearest(weights: Sequence[float]) -> float:
    """The weight that comes nearest to 1."""
    return min(weights, key=lambda weight: abs(weight - 1))


def draw_sets(
    opened: Base, parts: Sequence[Part], options: dict[str, Any]
) -> tuple[Prompts, dict[str, np.ndarray]]:
    """One prompt of each attribute, after the triggers of all others; drawn with each set."""
    texts = []
    for part in parts:
        others = [one.source.trained["trigger"] for one in parts if one is not part]
        texts.append(", ".join([part.judge.prompts.texts[0], *others]))
    seeds = [options["seeds"][0]] * len(texts)
    prompts, weight = Prompts(texts, seeds, np.ones(len(texts), bool)), nearest(options["weights"])
    opened.pipeline.disable_lora()
    rows = {"no adapter": draw_all(opened, prompts, options)}
    opened.pipeline.enable_lora()
    names = [part.name for part in parts]
    for members in list_sets(names):
        set_together(opened, members, weight)
        name = "all" if len(members) == len(names) > 2 else " + ".join(members)
        rows[name] = draw_all(opened, prompts, options)
    for lower in sorted(set(options["weights"]) - {weight}, reverse=True):
        set_together(opened, names, lower)
        rows[f"all, each at {lower:g}"] = draw_all(opened, prompts, options)
    return prompts, rows


def compare(parts: Sequence[Part]) -> tuple[list[dict], dict[tuple[str, str], float]]:
    """Cosines of the changes of each pair: layer by layer, and of all layers together."""
    deltas = {part.name: read_deltas(read_adapter(part.source.adapter)) for part in parts}
    rows, whole = [], {}
    for one, other in (members for members in list_sets(list(deltas)) if len(members) == 2):
        pair = {"one": one, "other": other}
        rows += [row | pair for row in compare_layers(deltas[one], deltas[other])]
        whole[one, other] = compare_whole(deltas[one], deltas[other])
        rows.append({"layer": "", "cosine": whole[one, other]} | pair)
    return rows, whole


def describe_predictor(
    rows: list[dict], cosines: dict[tuple[str, str], float]
) -> dict[str, float | int | None]:
    """What settings.yaml says of the cosine as a predictor of what pairs lose."""
    correlation, pairs = rank_predictor(pd.DataFrame(rows), cosines)
    found = None if np.isnan(correlation) else round(correlation, 4)
    return {"pairs": pairs, "rank_correlation": found}


def main(
    datasets: Sequence[str],
    adapters: Sequence[str],
    settings: Sequence[str],
    references: Sequence[str],
    base: str,
    embed_weights: Sequence[str],
    scores: str,
    layers: str,
    grid: str,
    how_measured: str,
    *,
    title: str,
    names: Sequence[str],
    options: dict[str, Any],
    model: dict[str, Any],
    embed: dict[str, Any],
    seed: int,
) -> Counts:
    found = read_sources(names, datasets, adapters, settings)
    if len(found) < 2:
        why = f"{len(found)} of {len(names)} adapters were trained: two are needed."
        return write_unscored(title, why, how_measured, {scores: SCORES, layers: LAYERS}, [grid])
    for source in found:
        check_base(base, source.trained)
    how = {"adapters": [source.name for source in found], "options": options}
    how |= {"model": model["name"], "embed": embed["name"], "seed": seed}
    loaders, made = (name_loader(model), name_loader(embed)), [scores, layers, grid]
    fingerprint = make_fingerprint([how, embed], found, references, *loaders)
    if facts := find_finished(how_measured, fingerprint, made):
        return Counts("sets", facts["sets"], facts["sets"], found={"scores": facts["scores"]})
    opened = load_model(model, [Path(base) / "model_index.json"])
    look = load_model(embed, embed_weights)
    parts = [prepare(opened, look, source, references, options) for source in found]
    log.info("%s: %s, on %s", title, ", ".join(how["adapters"]), opened.device)
    rows = compose(opened, parts, options, seed)
    of_layers, cosines = compare(parts)
    prompts, drawn = draw_sets(opened, parts, options)
    write_manifest(pd.DataFrame(rows), scores, SCORES)
    write_manifest(pd.DataFrame(of_layers), layers, LAYERS)
    write_image(grid, draw_grid(f"{title}, together", prompts.texts, prompts.seeds, drawn))
    sets = len(list_sets(how["adapters"])) + len(options["weights"]) - 1
    said = {"sets": sets, "scores": len(rows)} | describe_predictor(rows, cosines)
    write_settings(how_measured, how | said | sign(fingerprint, made))
    return Counts("sets", sets, sets, found={"scores": len(rows)})


if __name__ == "__main__":
    run_phase(main, snakemake)
