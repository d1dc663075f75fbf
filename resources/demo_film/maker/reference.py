"""Images of the characters that are not in the film: the roster of faces people may name from."""

from maker.cast import CAST
from maker.notation import shot, who

SEED = 5
INDOOR: set[str] = set()


def sheet(name: str) -> list[dict]:
    """Six held images of one character in an empty studio."""
    views = [
        ("day", "full", "neutral", "stand", 4),
        ("day", "close-up", "neutral", "stand", -4),
        ("day", "medium", "happy", "stand", 48),
        ("night", "close-up", "neutral", "stand", -42),
        ("day", "full", "neutral", "walk", 92),
        ("day", "full", "neutral", "stand", 176),
    ]
    return [
        shot(
            "studio",
            time,
            framing,
            [who(name, action, mood, facing=turn, phase=0.2)],
            held=True,
            el=6,
        )
        for time, framing, mood, action, turn in views
    ]


SHOTS = [one for name in CAST for one in sheet(name)]
