"""A finished film's people, named anew as on the full tier: by masks that say nothing of bodies.

The masks, boxes and joints are those of the run. Only where a body lies is told in another way, and
so are its colors: by its joints, or for comparison by its box alone. Vectors are of the same crops.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd

from tests.factories.role_models import opened
from workflow_scripts.film import embed_images, embed_references, identify_characters
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.tables import find
from workflow_scripts.models.detections import Detections
from workflow_scripts.plan.config import read_shipped
from workflow_scripts.report.accuracy import identity
from workflow_scripts.report.accuracy.truth import Truth

ROSTER = Path("config/rosters/demo")
CAST = ["bruno", "nella", "pip"]
OTHERS = ("extract_frames", "segment_instances")  # what the figures read beside the names
Embed = Callable[[list[np.ndarray]], np.ndarray]


def embed_nothing(images: list[np.ndarray]) -> np.ndarray:
    """Vectors that know nobody: colors alone tell who is who."""
    return np.tile(np.float32([1, 0]), (len(images), 1))


class HiddenRegions:
    """A segmenter that says nothing of regions, and a net of joints that has no more than boxes."""

    def __init__(self, joints: bool):
        self.joints = joints

    def segment(self, image: np.ndarray, found: Detections) -> Detections:
        return replace(opened("light segment")(image, found), regions=None)

    def pose(self, image: np.ndarray, boxes: np.ndarray, regions: None) -> np.ndarray:
        """Joints (N, 17, 3); none are sure where the names are to rest on boxes alone."""
        assert regions is None
        return opened("light pose")(image, boxes, regions) * self.joints


def describe_references(embed: Embed, joints: bool = True) -> pd.DataFrame:
    """The roster, cut out by a segmenter that says nothing of regions."""
    hidden = HiddenRegions(joints)
    paths = sorted(ROSTER.glob("*/*.jpg"))
    images = map(embed_references.read_reference, map(str, paths))
    seen = embed_references.detect_ahead(images, opened("light detect"))
    models = (hidden.segment, hidden.pose, embed)
    rows = [
        (path.name, path.parent.name, *embed_references.describe_reference(*pair, *models, 0.05))
        for path, pair in zip(paths, seen, strict=True)
    ]
    return pd.DataFrame(rows, columns=embed_references.REFERENCES.names)


def name_anew(results: Path, folder: Path, joints: bool) -> Path:
    """A folder like `results`, with names that rest on joints, or on boxes alone."""
    folder.mkdir(parents=True)
    for name in OTHERS:
        (folder / name).symlink_to(results / name)
    embeddings = [describe_anew(results, folder, shard.stem, joints) for shard in shards(results)]
    references = folder / "references.parquet"
    made = describe_references(opened("light embed"), joints)
    write_manifest(made, references, embed_references.REFERENCES)
    identify_characters.main(
        [str(path) for path in shards(results)],
        embeddings,
        str(references),
        [],
        str(folder / "identify_characters/identities.parquet"),
        characters=CAST,
        **read_shipped()["identify_characters"],
    )
    return folder


def shards(results: Path) -> list[Path]:
    return find("instances", results)


def describe_anew(results: Path, folder: Path, shard: str, joints: bool) -> str:
    """Path of the embeddings of a shard, with colors of bodies that lie where joints say."""
    people = pd.read_parquet(results / f"segment_instances/{shard}.parquet")
    table, nowhere = folder / f"masks/{shard}.parquet", folder / f"nowhere/{shard}.parquet"
    for path in (table, nowhere):
        path.parent.mkdir(exist_ok=True)
    people.assign(region=None).to_parquet(table)
    pd.DataFrame({"frame_id": [], "file": []}, dtype=str).to_parquet(nowhere)
    made = folder / f"embed_images/{shard}.parquet"
    with mock.patch.object(embed_images, "load_model", lambda *_: embed_nothing):
        embed_images.main(
            str(results / "extract_frames/frames.parquet"),
            str(results / "extract_frames/images"),
            str(table),
            str(results / f"estimate_poses/{shard}.parquet") if joints else [],
            str(nowhere),
            "",
            [],
            str(made),
            shard=shard,
            model={"name": "none"},
            batch_size=64,
            padding=0.05,
        )
    before = pd.read_parquet(results / f"embed_images/{shard}.parquet")
    vectors = before[before["kind"] == "instance"].set_index("image_id")["vector"]
    rows = pd.read_parquet(made).query("kind == 'instance'")
    assert set(rows["image_id"]) == set(vectors.index) == set(people["instance_id"])
    rows.assign(vector=vectors.reindex(rows["image_id"]).to_list()).to_parquet(made)
    return str(made)


def measure_names(results: Path) -> dict[str, float]:
    """How many instances have each name, how many of the names are right, who has none."""
    (path,) = find("identities", results)
    names = pd.read_parquet(path)["character"]
    figures = identity.measure(results, Truth("resources/demo_film/truth"))
    counts = {who: int((names == who).sum()) for who in CAST}
    return {
        **counts,
        "named": sum(counts.values()),
        "of": len(names),
        "right": round(figures["identity_purity"].value, 4),
        "of all true people": round(figures["identity_coverage"].value, 4),
    }
