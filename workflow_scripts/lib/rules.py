"""The rules of this version, by their files: what rules of another version left is told apart."""

import re
from functools import cache
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError

RULES = Path(__file__).resolve().parents[2] / "rules"


@cache
def read_rules(folder: Path = RULES) -> dict[str, str]:
    """Text of every rule below a folder <folder>/<area>/<phase>.smk, by its name."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*/*.smk"))]
    if not texts:
        raise CineloraError(
            f"{folder} holds no rule files <area>/<phase>.smk.\n"
            "  They come with the project: run from a whole checkout of it."
        )
    blocks = [block for text in texts for block in re.split(r"^rule ", text, flags=re.M)[1:]]
    return {block.partition(":")[0]: block for block in blocks}


def asks_for_gpu(rule: str) -> bool:
    """Whether the text of a rule asks for a GPU, always or where its model computes on one."""
    return bool(re.search(r"^\s+gpu=(?!0\b)", rule, re.MULTILINE))
