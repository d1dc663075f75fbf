"""Beside which other adapters an adapter is judged: trained alike, but not on what it is about."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workflow_scripts.lib.kinds import split_name
from workflow_scripts.lib.tables import list_names, locate

OTHER_SUBJECT, SHUFFLED_CAPTIONS = "other_subject", "shuffled_captions"
VARIANTS = (f".{SHUFFLED_CAPTIONS}",)  # what the files of controls add to the name of the dataset


class Control(NamedTuple):
    """An adapter that another one is compared with."""

    name: str
    dataset: str
    variant: str = ""  # what its files add to the name of the dataset


def list_controls(wanted: Mapping[str, Any], datasets: Sequence[str]) -> dict[str, list[Control]]:
    """The controls of each dataset of a film; `wanted` is the option `controls`.

    The other subject is the next dataset of the same kind, which has an adapter of its own anyway;
    where the film has one dataset of a kind, there is none.
    """
    return {name: _list_controls(wanted, name, datasets) for name in datasets}


def _list_controls(
    wanted: Mapping[str, Any], dataset: str, datasets: Sequence[str]
) -> list[Control]:
    kind, _ = split_name(dataset)
    alike = [name for name in datasets if split_name(name)[0] == kind]
    following = alike[(alike.index(dataset) + 1) % len(alike)]
    controls = []
    if wanted[OTHER_SUBJECT] and following != dataset:
        controls.append(Control(OTHER_SUBJECT, following))
    if kind.name in wanted[SHUFFLED_CAPTIONS]:
        controls.append(Control(SHUFFLED_CAPTIONS, dataset, *VARIANTS))
    return controls


def choose_controls(controls: Sequence[Control], variant: str) -> list[Control]:
    """Beside which adapters a variant of an adapter is judged, of the controls of the chosen one.

    A control is trained with the settings of what it is compared with: another subject is there in
    every variant, shuffled captions are trained for the chosen one alone.
    """
    if not variant:
        return list(controls)
    return [one._replace(variant=variant) for one in controls if one.variant not in VARIANTS]


def list_control_files(name: str, film: str, controls: Sequence[Control]) -> list[str]:
    """A file of each of these adapters, by its name in lib.tables."""
    return [
        locate(name, f"results/{film}", dataset=control.dataset, variant=control.variant)[0]
        for control in controls
    ]


def list_trained_controls(film: str, controls: Mapping[str, Sequence[Control]]) -> list[str]:
    """Every file of those adapters of a film that are trained to be controls."""
    trained = [one for each in controls.values() for one in each if one.variant]
    names = list_names(["train_adapter"])
    return [path for name in names for path in list_control_files(name, film, trained)]
