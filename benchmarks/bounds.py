"""The least time that a phase can take on a card: its work against what the card can do at most."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.cards import Card
from benchmarks.work import Work
from workflow_scripts.lib.errors import CineloraError

READERS = 8  # cores that read images for one job: plan/resources.py, count_readers
FREE_SHARE = 0.8  # of a card's memory that nets, their inputs and results may take
LIMITS = ("matrices", "memory", "reading", "bus")


@dataclass(frozen=True)
class Step:
    """One net in one phase; bytes and times are of one item."""

    phase: str
    what: str
    items: float
    work: Work
    precision: str  # bf16 or tf32
    weight_bytes: float
    grade: str  # where the operations come from
    most: int = 1  # items that a loader takes at once
    copied: float = 0.0  # bytes between CPU and GPU
    read_s: float = 0.0  # of one core: decoding, and scaling for the net
    held_bytes: float = 0.0  # weights of the whole model, those among them that are not read here

    def choose_batch(self, card: Card) -> int:
        """Items that fit into the card's memory beside the weights, `most` at most; 0: none."""
        free = FREE_SHARE * card.memory - max(self.held_bytes, self.weight_bytes)
        return max(0, min(self.most, int(free // max(1.0, self.work.peak))))

    def time(self, card: Card) -> dict[str, float]:
        """Seconds by LIMITS for all items, each as if the others cost nothing."""
        batch = self.choose_batch(card)
        if not batch:
            raise CineloraError(
                f"{self.phase}: {self.what} does not fit into {card.name}.\n"
                "  Choose a smaller model for its role (resources/models.yaml)."
            )
        moved = self.work.traffic + self.weight_bytes / batch
        seconds = (
            self.work.operations / card.rate(self.precision),
            moved / card.memory_rate,
            self.read_s / READERS,
            self.copied / card.copy_rate,
        )
        return {name: self.items * s for name, s in zip(LIMITS, seconds, strict=True)}


def describe_steps(steps: Iterable[Step], card: Card) -> list[tuple[str, float, str]]:
    """What, seconds on the card, and what of it binds, of nets of one phase that wait otherwise."""
    rows = []
    for step in steps:
        times = step.time(card)
        binds = max(("matrices", "memory"), key=lambda name: times[name])
        rows.append((step.what, times[binds], binds))
    return rows if len({binds for *_, binds in rows}) > 1 else []


@dataclass(frozen=True)
class Bound:
    """Times of a phase on a card: by LIMITS, of each of its nets."""

    phase: str
    times: tuple[dict[str, float], ...]

    @property
    def by_limit(self) -> dict[str, float]:
        """Seconds of all nets together by LIMITS."""
        return {name: sum(one[name] for one in self.times) for name in LIMITS}

    @property
    def seconds(self) -> float:
        return self.find_seconds()

    def find_seconds(self, share: float = 1.0) -> float:
        """Seconds where products reach `share` of the card's rate, and all else its own.

        Nets follow each other, each as slow as its products or its memory; reading and copying go
        on beside them.
        """
        nets = sum(max(one["matrices"] / share, one["memory"]) for one in self.times)
        return max(nets, self.by_limit["reading"], self.by_limit["bus"])

    @property
    def binds(self) -> str:
        """What the phase waits for most."""
        total = self.by_limit
        beside = max(("reading", "bus"), key=lambda name: total[name])
        if self.seconds == total[beside]:
            return beside
        return max(("matrices", "memory"), key=lambda name: total[name])


def bound_phase(phase: str, steps: Iterable[Step], card: Card) -> Bound:
    """The bound of one phase; its steps are those of its name."""
    times = tuple(step.time(card) for step in steps if step.phase == phase)
    if not times:
        raise CineloraError(
            f"{phase} holds a GPU, but nobody says what it does there.\n"
            "  Add its steps to benchmarks/film_steps.py or dataset_steps.py."
        )
    return Bound(phase, times)


def bound_film(
    phases: Collection[str], steps: Sequence[Step], card: Card
) -> tuple[list[Bound], list[str]]:
    """The bounds of all phases that fit, and what does not fit, in words."""
    bounds, misfits = [], []
    if strange := sorted({step.phase for step in steps} - set(phases)):
        raise CineloraError(f"{', '.join(strange)}: no rule of this name holds a GPU.")
    for phase in phases:
        own = [step for step in steps if step.phase == phase]
        misfits += [f"{phase}: {step.what}" for step in own if not step.choose_batch(card)]
        if not own or all(step.choose_batch(card) for step in own):
            bounds.append(bound_phase(phase, own, card))
    return bounds, misfits
