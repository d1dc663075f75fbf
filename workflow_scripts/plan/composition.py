"""Which adapters of a film are put together, and whether that was done."""

from collections.abc import Sequence
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import split_name
from workflow_scripts.lib.tables import list_names, locate

COMPOSING = "compose_adapters"


def choose_composed(wanted: Sequence[str], film: str, datasets: Sequence[str]) -> list[str]:
    """The datasets whose adapters are put together: those wanted, or the first of each kind."""
    if missing := [name for name in wanted if name not in datasets]:
        raise CineloraError(
            f"compose_adapters.datasets: the film {film} has no dataset {', '.join(missing)}.\n"
            f"  It has: {', '.join(datasets)}."
        )
    if wanted:
        return list(wanted)
    firsts = {split_name(name)[0].name: name for name in reversed(datasets)}
    return [name for name in datasets if name in firsts.values()]


def list_composition(film: str, results: Path = Path("results")) -> list[str]:
    """What compose_adapters left of a film; nothing where nobody asked for it."""
    folder = f"{results}/{film}"
    files = [locate(name, folder)[0] for name in list_names([COMPOSING])]
    return files if all(Path(file).is_file() for file in files) else []
