"""estimate_poses: where the joints of each person are.

needs    people, frames and their images, the model of the role pose
leaves   {shard}.parquet: COCO-17 keypoints of each instance, in pixels and normalized
"""


rule estimate_poses:
    """Measure 17 joints of each instance; judge none."""
    input:
        instances="results/{film}/segment_instances/{shard}.parquet",
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        weights=WEIGHTS["pose"],
    output:
        poses="results/{film}/estimate_poses/{shard}.parquet",
    log:
        "logs/{film}/estimate_poses.{shard}.log",
    benchmark:
        "benchmarks/{film}/estimate_poses.{shard}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: count_readers(MODELS["pose"])
    resources:
        gpu=1,
        mem_mb=grow(1500),
    params:
        code=hash_code("film.estimate_poses", LOADERS["pose"]),
        model=MODELS["pose"],
    script:
        "../../workflow_scripts/film/estimate_poses.py"
