"""A folder results/tiny whose files are all known by their sums: images, datasets, adapters."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tests.factories import tables
from tests.factories.dataset_phases import pack
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.progress_file import sum_outputs
from workflow_scripts.lib.tables import locate

SHARD = "01of01"
JUDGED = ("pose", ".longer")
DATASETS = ["pose", "style", "background"]


def make_kept(project: Path) -> Path:
    """Write results/tiny below a project; return it."""
    folder = project / "results/tiny"
    made = tables.make_film(project / "made")
    places = {name: place(folder, name) for name in ("frames", "images", "backgrounds", "plates")}
    for name, target in places.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        Path(made[name]).rename(target)
    film = made | {name: str(path) for name, path in places.items()}
    draw_faces(folder, pd.read_parquet(made["faces"]))
    for dataset in DATASETS:
        target = place(folder, "dataset", dataset)
        target.parent.mkdir(exist_ok=True)
        pack(film, target, dataset)
        place(folder, "adapter", dataset).parent.mkdir(parents=True)
        place(folder, "adapter", dataset).write_bytes(b"weights of " + dataset.encode())
    draw_images(folder)
    for leftover in (folder / "datasets").glob("*.parquet"):
        leftover.unlink()
    leave_progress(folder)
    return folder


def list_targets(folder: Path) -> list[str]:
    """The outputs that are there."""
    tables = [place(folder, name) for name in ("frames", "backgrounds", "faces")]
    many = [place(folder, name, one) for one in DATASETS for name in ("dataset", "adapter")]
    drawings = place(folder, "drawings", *JUDGED)
    return [str(path) for path in (*tables, *many, drawings)]


def place(folder: Path, name: str, dataset: str = "", variant: str = "") -> Path:
    """Where a result of lib/tables.py lies."""
    return Path(locate(name, folder, [SHARD], dataset, variant)[0])


def draw_images(folder: Path) -> None:
    """What a variant of an adapter drew, and the table of it."""
    images, files = place(folder, "drawn_images", *JUDGED), ["base_0.png", "own_1.png"]
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
    sums = [write_image(images / file, one) for file, one in zip(files, pixels, strict=True)]
    rows = pd.DataFrame(sums).assign(file=files)
    rows.to_parquet(place(folder, "drawings", *JUDGED))


def draw_faces(folder: Path, faces: pd.DataFrame) -> None:
    """Crops of the faces, and their table."""
    rows = faces.head(3)
    gray = [np.full((40, 40, 3), 100 + n, np.uint8) for n in range(len(rows))]
    crops = place(folder, "face_images")
    sums = [
        write_image(crops / name, image) for name, image in zip(rows["file"], gray, strict=True)
    ]
    table = place(folder, "faces")
    rows.assign(**pd.DataFrame(sums, rows.index)).to_parquet(table)


def leave_progress(folder: Path) -> None:
    """What jobs leave of their outputs, as paths from the project on."""
    outputs = [
        (str(file.path.relative_to(folder.parents[1])), *file[1:])
        for file in sum_outputs(list_targets(folder))
    ]
    part = {"phase": "any", "part": "", "status": "done", "started": "", "outputs": outputs}
    (folder / "progress").mkdir()
    (folder / "progress/any.json").write_text(json.dumps(part), encoding="utf-8")
