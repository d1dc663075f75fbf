"""Which phases each kind of dataset needs, and which files those phases leave."""

from collections.abc import Sequence

FRAMES = ("extract_frames", "dedup_frames", "read_text", "select_text", "filter_frames")
LIGHT = ("measure_lighting", "classify_lighting")
PLACES = ("inpaint_backgrounds", "embed_images", "cluster_scenes", *LIGHT)
WHO = ("segment_instances", "embed_images", "embed_references", "identify_characters")
POSES = ("estimate_poses", "classify_poses")
FACES = ("crop_faces", "score_expressions", "classify_expressions")

PHASES_OF_KIND = {
    "character": (*FRAMES, *WHO, *POSES, *PLACES),
    "background": (*FRAMES, "segment_instances", *PLACES),
    "pose": (*FRAMES, *WHO, *POSES),
    "expression": (*FRAMES, *WHO, *POSES, *FACES),
    "style": (*FRAMES, *WHO, *PLACES),
    "lighting": (*FRAMES, *WHO, *PLACES),
}
FILES_OF_PHASE = {  # below results/{film}/, in the order in which the phases run
    "extract_frames": (
        "extract_frames/frames.parquet",
        "extract_frames/shots.parquet",
        "extract_frames/problems.parquet",
        "extract_frames/images",
    ),
    "dedup_frames": ("dedup_frames/groups.parquet",),
    "read_text": (
        "read_text/readings.parquet",
        "read_text/followed.parquet",
        "read_text/grays.parquet",
    ),
    "select_text": ("select_text/text.parquet",),
    "filter_frames": ("filter_frames/decisions.parquet",),
    "segment_instances": ("segment_instances/{shard}.parquet",),
    "inpaint_backgrounds": (
        "inpaint_backgrounds/{shard}.parquet",
        "inpaint_backgrounds/{shard}_images",
    ),
    "embed_images": ("embed_images/{shard}.parquet",),
    "embed_references": ("embed_references/references.parquet",),
    "identify_characters": ("identify_characters/identities.parquet",),
    "cluster_scenes": ("cluster_scenes/locations.parquet",),
    "estimate_poses": ("estimate_poses/{shard}.parquet",),
    "classify_poses": ("classify_poses/poses.parquet",),
    "crop_faces": ("crop_faces/{shard}.parquet", "crop_faces/{shard}_images"),
    "score_expressions": ("score_expressions/{shard}.parquet",),
    "classify_expressions": ("classify_expressions/expressions.parquet",),
    "measure_lighting": ("measure_lighting/{shard}.parquet",),
    "classify_lighting": ("classify_lighting/lighting.parquet",),
}


def list_phases(kinds: Sequence[str]) -> list[str]:
    """The phases that prepare these kinds, in the order in which they run."""
    needed = {phase for kind in kinds for phase in PHASES_OF_KIND[kind]}
    return [phase for phase in FILES_OF_PHASE if phase in needed]


def list_tables(
    film: str, kinds: Sequence[str], datasets: Sequence[str], shards: Sequence[str]
) -> list[str]:
    """Every file that a film's preparation leaves, up to its packed datasets."""
    patterns = [file for phase in list_phases(kinds) for file in FILES_OF_PHASE[phase]]
    patterns += [f"caption_images/{kind}/{{shard}}.parquet" for kind in kinds]
    files = [path for pattern in patterns for path in _cut(pattern, shards)]
    files += [f"datasets/{dataset}" for dataset in datasets]
    return [f"results/{film}/{file}" for file in files]


def list_proofs(film: str, datasets: Sequence[str], has_truth: bool = False) -> list[str]:
    """What is known about each packed dataset: its balance, its adapter, the adapter's scores.

    With `has_truth` also how near all phases come to it.
    """
    patterns = (
        "analyze_dataset/{dataset}.parquet",
        "analyze_dataset/{dataset}.json",
        "adapters/{dataset}/adapter.safetensors",
        "adapters/{dataset}/settings.yaml",
        "adapters/{dataset}/metrics.parquet",
        "evaluate_adapter/{dataset}/scores.parquet",
        "evaluate_adapter/{dataset}/grid.png",
    )
    files = [p.replace("{dataset}", dataset) for dataset in datasets for p in patterns]
    files += ["accuracy.json"] if has_truth else []
    return [f"results/{film}/{file}" for file in files]


def _cut(pattern: str, shards: Sequence[str]) -> list[str]:
    if "{shard}" not in pattern:
        return [pattern]
    return [pattern.replace("{shard}", shard) for shard in shards]
