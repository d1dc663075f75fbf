"""Rules that hold a GPU in the full tier: their jobs, and the models that each job opens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from workflow_scripts.lib.rules import asks_for_gpu, read_rules

# A run has none of their jobs unless they are asked for
ON_REQUEST = {"compose_adapters", "draw_class_images", "draw_suite", "measure_suite"}


@dataclass(frozen=True)
class GpuRule:
    """One rule; `per` is what there is a job for: "shard", "dataset" or "film"."""

    name: str
    per: str
    roles: tuple[str, ...]

    def count_jobs(self, shards: int, datasets: int) -> int:
        return {"shard": shards, "dataset": datasets, "film": 1}[self.per]


def read_gpu_rules(rules: Mapping[str, str] | None = None) -> dict[str, GpuRule]:
    """Every rule of a run that may ask for a GPU, by name; `rules` are their texts."""
    texts = read_rules() if rules is None else rules
    asking = {name: text for name, text in texts.items() if asks_for_gpu(text)}
    return {name: read_rule(name, asking[name]) for name in asking if name not in ON_REQUEST}


def read_rule(name: str, text: str) -> GpuRule:
    """What stands in a rule's outputs and params."""
    outputs = text.partition("output:")[2].partition("log:")[0]
    per = next((word for word in ("shard", "dataset") if f"{{{word}}}" in outputs), "film")
    roles = dict.fromkeys(re.findall(r'WEIGHTS\["(\w+)"\]|model=MODELS\["(\w+)"\]', text))
    return GpuRule(name, per, tuple(dict.fromkeys(a or b for a, b in roles)))
