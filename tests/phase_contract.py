"""The import contract of phases: what one of them computes reaches another only through files.

`make lint` loads it by the name that pyproject.toml gives it under `contract_types`.
"""

from pathlib import Path
from typing import Any

from importlinter.contracts.independence import IndependenceContract

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "workflow_scripts"


def list_phases(root: Path = ROOT) -> list[str]:
    """Modules of all phases: a phase is what has a rule file of its name."""
    rules = sorted((root / "rules").glob("*/*.smk"))
    if not rules:
        raise FileNotFoundError(f"{root / 'rules'} holds no rule file <area>/<phase>.smk")
    return [f"{PACKAGE}.{path.parent.name}.{path.stem}" for path in rules]


class PhasesApart(IndependenceContract):
    """No phase imports another, neither directly nor through modules between them."""

    type_name = "phases_apart"

    def __init__(self, name: str, session_options: dict, contract_options: dict[str, Any]):
        phases = {"modules": list_phases(Path.cwd())}
        super().__init__(name, session_options, contract_options | phases)
