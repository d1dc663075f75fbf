"""classify_poses: what each body does, from which side and in which framing it is seen.

needs    people, their keypoints and faces, the times of the frames
leaves   poses.parquet: one row per instance with action, view, occlusion and shot type
"""


rule classify_poses:
    """Name action, view and framing by rules on the keypoints and their movement."""
    input:
        instances=expand("results/{{film}}/segment_instances/{shard}.parquet", shard=SHARDS),
        keypoints=expand("results/{{film}}/estimate_poses/{shard}.parquet", shard=SHARDS),
        faces=expand("results/{{film}}/crop_faces/{shard}.parquet", shard=SHARDS),
        frames="results/{film}/extract_frames/frames.parquet",
    output:
        labels="results/{film}/classify_poses/poses.parquet",
    log:
        "logs/{film}/classify_poses.log",
    benchmark:
        "benchmarks/{film}/classify_poses.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("film.classify_poses"),
        rules=config["classify_poses"],
    script:
        "../../workflow_scripts/film/classify_poses.py"
