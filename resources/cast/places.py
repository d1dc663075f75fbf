"""Kinds of places, and one place of a kind by seed: the same seed is the same place, seen by any
camera."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cast import nature, rooms, towns, workrooms
from cast.rasterizer import Mesh
from cast.solids import Solids

OUTDOORS: dict[str, Callable[[Solids], None]] = {
    "beach": nature.beach,
    "forest": nature.forest,
    "park": nature.park,
    "garden": nature.garden,
    "mountains": nature.mountains,
    "desert": nature.desert,
    "field": nature.field,
    "snowfield": nature.snowfield,
    "street": towns.street,
    "harbor": towns.harbor,
    "village": towns.village,
}
INDOORS: dict[str, Callable[[Solids], None]] = {
    "living room": rooms.living_room,
    "kitchen": rooms.kitchen,
    "bedroom": rooms.bedroom,
    "café": rooms.cafe,
    "classroom": workrooms.classroom,
    "library": workrooms.library,
    "office": workrooms.office,
    "shop": workrooms.shop,
}
KINDS = (*OUTDOORS, *INDOORS)


@dataclass(frozen=True)
class Place:
    """A built place: people stand near the origin, cameras look along +y."""

    kind: str
    indoor: bool
    meshes: tuple[Mesh, ...]
    lamps: tuple[tuple, ...]  # where lamps hang, (x, y, z)


def make_place(kind: str, seed: int) -> Place:
    """Build the place of a kind that a seed stands for; LookupError for an unknown kind."""
    build = OUTDOORS.get(kind) or INDOORS.get(kind)
    if build is None:
        raise LookupError(f"No kind of place {kind!r}. Known: {', '.join(KINDS)}.")
    solids = Solids(np.random.default_rng([seed, KINDS.index(kind)]))
    build(solids)
    return Place(kind, kind in INDOORS, tuple(solids.meshes()), tuple(solids.lamps))
