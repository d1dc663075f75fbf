"""Sample a film in one decode: images, shots, and what can be measured on the way.

Reads a video, or a folder of images (in natural order of their names, one second an image).
Leaves one row per sampled frame, one per shot, one per problem, and one JPEG per frame that shows
something new. A frame that repeats the image before it (a held drawing) has the reason "held",
the measures of that image and no file of its own; one that cannot be read has "unreadable".
Frames woven from fields are mended, HDR and wide colors are brought to SDR of BT.709; the columns
fields and color say so.

Shots of a folder: a new one starts with each subfolder, and where an image differs from the one
before it as much as two shots do. Sizes and crops are those of the written image; crop_x and
crop_y say where its top left corner lay in the frame as stored.
"""

import math
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.decoding.footage import Footage, Problem, Sampling
from workflow_scripts.film.decoding.memory import keep_freed_memory
from workflow_scripts.film.decoding.shots import Boundary
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import find_images, format_name
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.written_files import SUMS

MAX_LOGGED = 10  # kinds of problem
FRAMES = pa.schema(
    [
        ("frame_id", pa.string()),
        ("shot_id", pa.int32()),
        ("frame_no", pa.int64()),  # in the order of decoding, from 0
        ("time_s", pa.float64()),
        ("file", pa.string()),  # name inside images/; "" where there is no image
        *SUMS,
        ("held_of", pa.string()),  # frame_id of the image that this one repeats, or ""
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        ("crop_x", pa.int32()),
        ("crop_y", pa.int32()),
        ("phash", pa.uint64()),  # as imagehash.phash of the image
        ("sharpness", pa.float32()),  # this and the next two: 0 to 1
        ("brightness", pa.float32()),
        ("contrast", pa.float32()),
        ("combing", pa.float32()),  # share of places where lines alternate; NaN: not measured
        ("histogram", pa.list_(pa.float32())),  # shares of 4x4x4 colors
        ("luma_thumbnail", pa.binary()),  # 64x36 luma of the image; empty where there is none
        ("fade", pa.bool_()),
        ("dissolve", pa.bool_()),  # shows two shots at once
        ("fields", pa.string()),  # "" | matched | deinterlaced: how a woven frame was mended
        ("color", pa.string()),  # how light and colors were brought to SDR of BT.709; "": they are
        ("source", pa.string()),  # file of a folder of images; "" for a video
        ("reason", pa.string()),  # "" | held | unreadable
    ]
)
SHOTS = pa.schema(
    [
        ("shot_id", pa.int32()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("first_frame_no", pa.int64()),
        ("end_frame_no", pa.int64()),  # first frame of the next shot
        ("transition", pa.string()),  # how it begins: start | cut | fade | dissolve
    ]
)
PROBLEMS = pa.schema(
    [
        ("time_s", pa.float64()),  # NaN: files of a folder that are no images
        ("file", pa.string()),  # of several alike, their suffix
        ("problem", pa.string()),
    ]
)

Identities = dict[Path, tuple[int, ...] | None]  # size, time and number of a file; None: gone


def read_footage(film: Path, images: Path, sampling: Sampling) -> Footage:
    """One pass over a video or a folder of images; each needs its own libraries, so only those
    are imported: they take as long as a hundred images do."""
    if film.is_dir():
        from workflow_scripts.film.decoding.folder_pass import read_folder

        return read_folder(film, images, sampling)
    from workflow_scripts.film.decoding.video_pass import read_video

    return read_video(film, images, sampling)


def identify(film: Path) -> Identities:
    """What tells whether the film's file, or an image of its folder, is another one now."""
    files = find_images(film) if film.is_dir() else [film]
    return {file: _identify(file) for file in files}


def _identify(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def check_unchanged(film: Path, before: Identities, after: Identities) -> None:
    """Stop when files of the film came, went or were written while they were read."""
    changed = [file for file in {**before, **after} if before.get(file) != after.get(file)]
    if changed:
        was, now = (_format_size(seen.get(changed[0])) for seen in (before, after))
        raise CineloraError(
            f"{film} changed while it was read: {len(changed)} file(s), such as"
            f" {format_name(changed[0])} ({was} before, {now} now).\n"
            "  What was read may be of both. When it is copied whole, run snakemake again."
        )


def _format_size(identity: tuple[int, ...] | None) -> str:
    return f"{identity[0]} bytes" if identity else "not there"


def list_shots(boundaries: list[Boundary], times_s: np.ndarray, fades: np.ndarray) -> pd.DataFrame:
    """One row per shot, from where the shots begin; `times_s` and `fades` of every frame."""
    firsts = np.array([boundary.frame_no for boundary in boundaries])
    ends = np.append(firsts[1:], len(times_s))
    step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    end_times_s = np.append(times_s[firsts[1:]], times_s[-1] + step_s)
    return pd.DataFrame(
        {
            "shot_id": range(len(firsts)),
            "start_s": times_s[firsts],
            "end_s": end_times_s,
            "first_frame_no": firsts,
            "end_frame_no": ends,
            "transition": [name_transition(boundary, fades) for boundary in boundaries],
        }
    )


def name_transition(boundary: Boundary, fades: np.ndarray) -> str:
    """A shot that begins after black begins with a fade only if something faded there."""
    around = fades[max(0, boundary.frame_no - 1) : boundary.frame_no + 1]
    return "cut" if boundary.transition == "fade" and not around.any() else boundary.transition


def name_frames(
    rows: pd.DataFrame, shots: pd.DataFrame, fades: np.ndarray, dissolves: np.ndarray
) -> pd.DataFrame:
    """Add what depends on the shots: shot_id, frame_id, fade, dissolve; held_of becomes an id."""
    numbers = rows["frame_no"].to_numpy()
    shot_ids = np.searchsorted(shots["first_frame_no"].to_numpy(), numbers, side="right") - 1
    ids = [f"s{shot:04d}_f{number:06d}" for shot, number in zip(shot_ids, numbers, strict=True)]
    by_number = dict(zip(numbers, ids, strict=True)) | {-1: ""}
    return rows.assign(
        frame_id=ids,
        shot_id=shot_ids,
        fade=fades[numbers],
        dissolve=dissolves[numbers],
        held_of=rows["held_of"].map(by_number),
    )


def check_readable(rows: pd.DataFrame, problems: list[Problem], film: str, most: float) -> None:
    """Stop when too large a share of the sampled frames gave no image."""
    unreadable = int((rows["reason"] == "unreadable").sum())
    if unreadable > most * len(rows):
        examples = "\n".join(f"  {p.file} at {p.time_s:.2f} s: {p.problem}" for p in problems[:5])
        raise CineloraError(
            f"{film}: {unreadable} of {len(rows)} sampled frames cannot be read:\n{examples}\n"
            f"  More than extract_frames.max_unreadable ({most:.0%}). Copy the film again, or\n"
            "  raise that option to go on with the rest."
        )


def report_problems(problems: list[Problem]) -> None:
    """Log each kind of problem once, with its first time; problems.parquet has all of them."""
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        # what is of no frame stands for many files already
        own = problem.file if math.isnan(problem.time_s) else ""
        kinds.setdefault(f"{own} {problem.problem}", []).append(problem)
    for alike in sorted(kinds.values(), key=len, reverse=True)[:MAX_LOGGED]:
        first = alike[0]
        times = f" ({len(alike)} times)" if len(alike) > 1 else ""
        when = "" if math.isnan(first.time_s) else f", {first.time_s:.2f} s"
        log.warning("%s%s: %s%s", first.file, when, first.problem, times)
    if len(kinds) > MAX_LOGGED:
        log.warning("and %d more; problems.parquet lists them", len(kinds) - MAX_LOGGED)


def main(
    film: str,
    frames: str,
    shots: str,
    problems: str,
    images: str,
    *,
    sampling: dict,
    max_unreadable: float,
) -> Counts:
    keep_freed_memory()
    cv2.setNumThreads(1)  # decoding and writing have threads of their own
    before = identify(Path(film))
    footage = read_footage(Path(film), Path(images), Sampling(**sampling))
    check_unchanged(Path(film), before, identify(Path(film)))
    report_problems(footage.problems)
    report_problems(footage.notes)
    check_readable(footage.rows, footage.problems, film, max_unreadable)
    shot_rows = list_shots(footage.boundaries, footage.times_s, footage.fades)
    rows = name_frames(footage.rows, shot_rows, footage.fades, footage.dissolves)
    said = [*footage.problems, *footage.notes]
    problem_rows = pd.DataFrame(map(asdict, said), columns=PROBLEMS.names)
    write_manifest(problem_rows, problems, PROBLEMS)
    write_manifest(shot_rows, shots, SHOTS)
    write_manifest(rows, frames, FRAMES)
    unreadable = int((rows["reason"] == "unreadable").sum())
    return Counts.of("frames", rows["reason"], unreadable, shots=len(shot_rows))


if __name__ == "__main__":
    run_phase(main, snakemake)
