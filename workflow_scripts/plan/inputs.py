"""Which tables the captions, the datasets and the balance of each kind are made of.

A kind names no more than it uses: correcting an expression repeats nothing of the backgrounds.
"""

from collections.abc import Sequence
from pathlib import Path

TABLES = {  # below results/{film}/
    "instances": "segment_instances/{shard}.parquet",
    "identities": "identify_characters/identities.parquet",
    "poses": "classify_poses/poses.parquet",
    "keypoints": "estimate_poses/{shard}.parquet",
    "faces": "crop_faces/{shard}.parquet",
    "expressions": "classify_expressions/expressions.parquet",
    "locations": "cluster_scenes/locations.parquet",
    "lighting": "classify_lighting/lighting.parquet",
    "backgrounds": "inpaint_backgrounds/{shard}.parquet",
    "plates": "inpaint_backgrounds/{shard}_images",
}
CAPTION_TABLES = {
    "character": ["instances", "identities", "poses", "locations", "lighting"],
    "background": ["backgrounds", "plates", "locations", "lighting"],
    "pose": ["instances", "identities", "poses", "keypoints"],
    "expression": ["instances", "identities", "poses", "faces", "expressions"],
    "style": ["instances", "identities", "locations", "lighting"],
    "lighting": ["instances", "identities", "locations", "lighting"],
}
PACK_TABLES = CAPTION_TABLES | {
    "character": [*CAPTION_TABLES["character"], "keypoints"],
    "style": ["locations", "lighting"],
    "lighting": ["locations", "lighting"],
}
BALANCE_TABLES = {
    "character": ["instances", "keypoints", "poses"],
    "background": [],
    "pose": ["instances", "keypoints", "poses"],
    "expression": ["instances", "keypoints", "poses"],
    "style": ["instances"],
    "lighting": ["instances"],
}


def caption_inputs(film: str, kind: str, shard: str) -> dict[str, str]:
    """Tables of one shard for the captions of a kind, and people's corrections if there are any."""
    paths = {name: _locate(film, name, [shard])[0] for name in CAPTION_TABLES[kind]}
    review = Path("config/reviews") / film / "captions.csv"
    return paths | ({"review": str(review)} if review.exists() else {})


def pack_inputs(film: str, dataset: str, shards: Sequence[str]) -> dict[str, list[str]]:
    """Tables that decide a dataset, and all shards of its captions."""
    kind = dataset.partition("-")[0]
    captions = [f"results/{film}/caption_images/{kind}/{shard}.parquet" for shard in shards]
    return {name: _locate(film, name, shards) for name in PACK_TABLES[kind]} | {
        "captions": captions
    }


def balance_inputs(film: str, dataset: str, shards: Sequence[str]) -> dict[str, list[str]]:
    """Tables that tell where people are in a dataset's images."""
    names = BALANCE_TABLES[dataset.partition("-")[0]]
    return {name: _locate(film, name, shards) for name in names}


def _locate(film: str, name: str, shards: Sequence[str]) -> list[str]:
    """Paths of a table: one, or one per shard."""
    path = f"results/{film}/{TABLES[name]}"
    return list(dict.fromkeys(path.format(shard=shard) for shard in shards))


def find_reviews(film: str, name: str = "*") -> list[str]:
    """Files of people's corrections of a film: that of this name, or all; perhaps none."""
    return sorted(str(path) for path in Path("config/reviews", film).glob(f"{name}.csv"))
