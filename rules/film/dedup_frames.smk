"""dedup_frames: group frames that show (nearly) the same image.

needs    hashes, sharpness and small copies of the frames
leaves   groups.parquet: the group of every sampled frame, and which frame of it to keep
"""


rule dedup_frames:
    """Leader clustering by perceptual hash and small copy; the sharpest frame of a group keeps it."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
    output:
        groups="results/{film}/dedup_frames/groups.parquet",
    log:
        "logs/{film}/dedup_frames.log",
    benchmark:
        "benchmarks/{film}/dedup_frames.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("film.dedup_frames"),
        block=config["dedup_frames"],
    script:
        "../../workflow_scripts/film/dedup_frames.py"
