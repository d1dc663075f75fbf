"""What a dataset's images are cut from: frames and clean plates, as they were written.

A file that is something else by now is refused: what trains on it would learn that.
"""

from collections.abc import Collection, Sequence

import pandas as pd

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.renewal import find_output, format_renewal
from workflow_scripts.lib.written_files import Written, iter_written

SHOWN = 5  # files named in one message


def read_sources(
    kind: Kind,
    rows: pd.DataFrame,
    frames: str,
    images: str,
    backgrounds: Sequence[str],
    plates: Sequence[str],
) -> dict[str, Written]:
    """By frame_id the file that its images are cut from; an error where one was changed.

    `rows` has frame_id, frame_file, plate; `images` and `plates` are the folders beside the tables.
    """
    shows_plate = (kind.shows == "plate") & (rows["plate"] != "")
    tables = [(frames, images, rows.loc[~shows_plate, ["frame_file", "frame_id"]])]
    shown = rows.loc[shows_plate, ["plate", "frame_id"]]
    tables += [(table, folder, shown) for table, folder in zip(backgrounds, plates, strict=True)]
    found = {}
    for table, folder, part in tables:
        ids = dict(part.itertuples(index=False))
        files = (file for file in iter_written(table, folder) if file.path.name in ids)
        found |= {ids[file.path.name]: file for file in files}
    check_sources(found.values())
    return found


def check_sources(sources: Collection[Written]) -> None:
    """Raise CineloraError where a file is not what was written, with the command that renews it."""
    changes = {file.path: change for file in sources if (change := file.find_change())}
    if not changes:
        return
    lines = [f"  {path} {change}" for path, change in list(changes.items())[:SHOWN]]
    lines += [f"  and {len(changes) - SHOWN} more"] if len(changes) > SHOWN else []
    targets = " ".join(dict.fromkeys(find_output(path) for path in changes))
    raise CineloraError(
        f"{len(changes)} of {len(sources)} images that this dataset is cut from are not what was"
        " written:\n" + "\n".join(lines) + f"\n  {format_renewal(targets)}"
    )
