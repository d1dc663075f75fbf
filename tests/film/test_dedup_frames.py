"""Near-duplicate groups of frames."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.films_in_code import draw_scene
from workflow_scripts.film import dedup_frames
from workflow_scripts.film.decoding.measures import measure, reduce_luma, shrink
from workflow_scripts.film.extract_frames import FRAMES
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.written_files import NO_FILE

LIMITS = {"max_distance_within_shot": 8, "max_distance_across_shots": 4, "max_change": 2}
GRAY = np.full(36 * 64, 100, np.uint8)


def frame(number, *, shot=0, bits=0, sharpness=0.5, change=0, held_of="", file=None):
    """A row of frames.parquet: `bits` of its hash are set, one place of its image changed."""
    luma_thumbnail = GRAY.copy()
    luma_thumbnail[number % 50] += np.uint8(change)
    return {
        "frame_id": f"s{shot:04d}_f{number:06d}",
        "shot_id": shot,
        "file": (f"f{number:06d}.jpg" if not held_of else "") if file is None else file,
        "held_of": held_of,
        "phash": np.uint64((1 << bits) - 1),
        "sharpness": sharpness,
        "luma_thumbnail": luma_thumbnail.tobytes(),
    }


def group(*frames, **changes):
    limits = LIMITS | changes
    return dedup_frames.group_frames(pd.DataFrame(frames), *limits.values())


def keepers(*frames, **changes):
    """Whether each frame is a keeper."""
    return group(*frames, **changes)["is_keeper"].tolist()


@pytest.mark.parametrize(
    ("other", "is_copy"),
    [
        (frame(1, bits=8), True),
        (frame(1, bits=9), False),
        (frame(1, shot=1, bits=4), True),
        (frame(1, shot=1, bits=5), False),
        (frame(1, change=2), True),
        (frame(1, change=3), False),
    ],
    ids=[
        "near enough in its shot",
        "too far in its shot",
        "near enough in another shot",
        "too far in another shot",
        "noise",
        "something small moved",
    ],
)
def test_what_is_a_copy(other, is_copy):
    assert keepers(frame(0), other) == [True, not is_copy]


def test_the_sharpest_frame_is_kept():
    rows = [frame(0, sharpness=0.4), frame(1, sharpness=0.9), frame(2, sharpness=0.6)]
    result = group(*rows)
    assert result["group"].tolist() == ["s0000_f000001"] * 3
    assert result["is_keeper"].tolist() == [False, True, False]


def test_a_chain_does_not_become_one_group():
    # each is 6 bits from the next: connected components would join all five
    rows = [frame(k, bits=6 * k, sharpness=0.9 - 0.1 * k) for k in range(5)]
    assert keepers(*rows) == [True, False, True, False, True]


def test_a_repeated_shot_joins_the_first():
    first = [frame(k, bits=12 * k) for k in range(4)]
    again = [frame(10 + k, shot=3, bits=12 * k + 1) for k in range(4)]
    assert keepers(*first, *again) == [True] * 4 + [False] * 4


def test_held_frames_join_their_original():
    rows = [
        frame(0, sharpness=0.9),
        frame(1, bits=2, sharpness=0.5),
        frame(2, held_of="s0000_f000001"),
    ]
    result = group(*rows)
    assert result["group"].tolist() == ["s0000_f000000"] * 3
    assert result["distance"].tolist() == [0, 2, 2]
    assert result["is_keeper"].tolist() == [True, False, False]


def test_an_unreadable_frame_stands_alone_and_is_no_keeper():
    result = group(frame(0), frame(1, file="") | {"luma_thumbnail": b""})
    assert result["group"].tolist() == ["s0000_f000000", "s0000_f000001"]
    assert result["is_keeper"].tolist() == [True, False]


def image(number, luma, **columns):
    """A row of frames.parquet, measured on an image."""
    measures = measure(*reduce_luma(luma), shrink(np.stack([luma] * 3, axis=2)))
    return frame(number, **columns) | {name: measures[name] for name in ("phash", "luma_thumbnail")}


@pytest.mark.parametrize("shot", [0, 3], ids=["in its shot", "in another shot"])
def test_a_mirror_image_is_a_copy(shot):
    luma = draw_scene(1, (320, 180))[..., 1]
    other = draw_scene(2, (320, 180))[..., 1]
    mirrored = np.ascontiguousarray(luma[:, ::-1])
    rows = [image(0, luma, sharpness=0.9), image(1, other), image(2, mirrored, shot=shot)]
    result = group(*rows)
    assert result["is_keeper"].tolist() == [True, True, False]
    assert result["group"].iloc[2] == result["frame_id"].iloc[0]
    assert result["distance"].iloc[2] <= 4


def test_somebody_who_moved_in_the_mirror_is_no_copy():
    luma = draw_scene(1, (320, 180))[..., 1]
    moved = np.ascontiguousarray(luma[:, ::-1])
    moved[80:100, 100:120] //= 2
    assert keepers(image(0, luma), image(1, moved)) == [True, True]


def test_nothing_readable_at_all():
    assert keepers(frame(0, file="") | {"luma_thumbnail": b""}) == [False]


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 20), st.integers(0, 5), st.integers(0, 9)),
        min_size=1,
        max_size=40,
    )
)
def test_every_frame_is_near_its_keeper_and_keepers_are_not_near_each_other(rows):
    frames = pd.DataFrame(
        frame(number, shot=shot, bits=bits, change=change, sharpness=sharpness / 10)
        for number, (shot, bits, change, sharpness) in enumerate(rows)
    )
    result = dedup_frames.group_frames(frames, *LIMITS.values())
    place = {frame_id: number for number, frame_id in enumerate(frames["frame_id"])}
    leaders = result["group"].map(place).to_numpy()
    kept = np.flatnonzero(result["is_keeper"])
    assert set(leaders) == set(kept)
    assert all(is_copy(frames, number, leaders[number]) for number in range(len(frames)))
    assert not any(is_copy(frames, a, b) for a in kept for b in kept if a < b)
    sharpness = frames["sharpness"].to_numpy()
    assert (sharpness[leaders] >= sharpness).all()


def is_copy(frames, one, other):
    """What the phase promises, written down plainly."""
    a, b = frames.iloc[one], frames.iloc[other]
    limit = "within_shot" if a["shot_id"] == b["shot_id"] else "across_shots"
    bits = (int(a["phash"]) ^ int(b["phash"])).bit_count()
    cards = [np.frombuffer(row["luma_thumbnail"], np.uint8).astype(int) for row in (a, b)]
    change = np.abs(cards[0] - cards[1]).max()
    return bits <= LIMITS[f"max_distance_{limit}"] and change <= LIMITS["max_change"]


def test_main(tmp_path):
    nothing = {name: 0 for name in FRAMES.names if name not in frame(0)} | NO_FILE
    nothing |= {"histogram": [[]] * 3, "fade": False, "dissolve": False}
    nothing |= dict.fromkeys(["fields", "color", "source", "reason"], "")
    rows = [frame(0, sharpness=0.9), frame(1), frame(2, held_of="s0000_f000000")]
    frames = tmp_path / "frames.parquet"
    write_manifest(pd.DataFrame(rows).assign(**nothing), frames, FRAMES)
    counts = dedup_frames.main(frames, tmp_path / "groups.parquet", **LIMITS)
    assert (counts.read, counts.kept, counts.set_aside) == (3, 1, {"duplicate": 1, "held": 1})
    groups = pd.read_parquet(tmp_path / "groups.parquet")
    assert groups.columns.tolist() == dedup_frames.GROUPS.names
    assert groups["is_keeper"].tolist() == [True, False, False]
