"""The notation of screenplays, and build(), which turns one into a film with ids and frame numbers.

Angles are degrees. A character with facing=0 looks along -y, and a camera with az=0 stands on that
side: facing == az means "looks into the camera". Positions are metres on the ground.
"""

import importlib
import random
import sys

DRAWINGS_PER_S = 8  # "on threes": each drawing is held for 3 frames of a 24 fps film
FPS = 24
HOLD = FPS // DRAWINGS_PER_S
SIZE = (960, 540)
GAIN = 1.8  # strength of facial expressions; below 1.6 they read as neutral


def who(
    name: str,
    action: str = "stand",
    expression: str = "neutral",
    at: tuple = (0, 0),
    facing: float = 0,
    to: tuple | None = None,
    head: tuple = (0, 0),
    **extra,
) -> dict:
    """One character in one shot, from `at` to `to`. extra: gain, phase (s), blink (drawing)."""
    defaults = {"gain": GAIN, "phase": 0.0, "blink": None}
    place = {"at": at, "to": to or at, "facing": facing, "head": head}
    return {"name": name, "action": action, "expression": expression, **place, **defaults, **extra}


def shot(
    place: str,
    time: str,
    framing: str,
    cast: tuple | list = (),
    s: float = 1.0,
    weather: str = "clear",
    az: float = 0,
    el: float = 3,
    move: str = "static",
    amount: float = 0.0,
    focus: str | None = None,
    **extra,
) -> dict:
    """One shot of `s` seconds.

    extra: held (one drawing for the whole shot), title, fade_in, fade_out and dissolve_in (s),
    blur ("pan" or "defocus"), occluder (kind, x, y, size), look_at (x, y, z, height of the image
    in m), subtitle, watermark.
    """
    camera = {"az": az, "el": el, "move": move, "amount": amount, "focus": focus}
    story = {"location": place, "time_of_day": time, "weather": weather, "framing": framing}
    return {**story, "characters": list(cast), "seconds": s, "camera": camera, **extra}


def repeat(number: int) -> dict:
    """The very drawings of an earlier shot, once more."""
    return {"repeats": number}


def count_drawings(one: dict) -> int:
    """How many different images a shot needs."""
    return 1 if one.get("held") or one.get("title") else round(one["seconds"] * DRAWINGS_PER_S)


def number_shots(shots: list[dict], indoor: set[str], rng: random.Random) -> list[dict]:
    """Give every shot its id, first frame, first drawing and a little seeded camera variation."""
    numbered, frame, drawing = [], 0, 0
    for i, one in enumerate(shots):
        original = one.get("repeats")
        one = {**(one if original is None else numbered[original]), "id": i, "repeats": original}
        one["indoor"] = one["location"] in indoor
        one["first_frame"], one["frames"] = frame, round(one["seconds"] * DRAWINGS_PER_S) * HOLD
        jitter = rng.uniform(-2, 2), rng.uniform(-0.6, 0.6), rng.randrange(10**6)
        if original is None:
            one["drawings"], one["first_render"] = count_drawings(one), drawing
            camera = one["camera"]
            one["camera"] = {
                **camera,
                "az": camera["az"] + jitter[0],
                "el": camera["el"] + jitter[1],
            }
            one["noise_seed"] = jitter[2]
            drawing += one["drawings"]
        frame += one["frames"]
        numbered.append(one)
    return numbered


def build(play_name: str) -> dict:
    """The film of one screenplay module: cast, numbered shots, counts."""
    play = importlib.import_module(f"maker.{play_name}")
    shots = number_shots(play.SHOTS, play.INDOOR, random.Random(play.SEED))
    film = {"name": play_name, "seed": play.SEED, "fps": FPS, "size": list(SIZE)}
    film |= {"drawings_per_second": DRAWINGS_PER_S, "characters": play.CAST, "shots": shots}
    film["frames"] = sum(one["frames"] for one in shots)
    film["renders"] = sum(one["drawings"] for one in shots if one["repeats"] is None)
    return film


def to_draw(film: dict) -> list[dict]:
    """The shots that need their own drawings: all but the repeats."""
    return [one for one in film["shots"] if one["repeats"] is None]


def moment(one: dict, k: int) -> float:
    """Fraction of the shot at drawing k: 0 at the first, 1 at the last."""
    return k / max(one["drawings"] - 1, 1)


def render_id(one: dict, k: int) -> str:
    """Name of drawing k of a shot; a repeated shot has the names of its original."""
    return f"u{one['first_render'] + k:04d}"


def drawing_of(one: dict, frame: int) -> int:
    """Which drawing of the shot its frame number `frame` (from 0) shows."""
    return min(frame // HOLD, one["drawings"] - 1)


if __name__ == "__main__":
    built = build(sys.argv[1] if len(sys.argv) > 1 else "screenplay")
    seconds, peopled = (
        built["frames"] / FPS,
        sum(s["frames"] for s in built["shots"] if s["characters"]),
    )
    print(f"{seconds:.1f} s, {len(built['shots'])} shots, {built['renders']} drawings")
    print(f"frames of shots with a cast: {peopled / built['frames']:.0%}")
