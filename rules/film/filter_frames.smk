"""filter_frames: decide which frames later phases may use, by thresholds alone.

needs    measures of the frames, groups of near-duplicates, texts
leaves   decisions.parquet: one reason per sampled frame, "" for those kept
"""


rule filter_frames:
    """Give every frame that is blurred, dark, a copy, ... the first reason against it."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        groups="results/{film}/dedup_frames/groups.parquet",
        text="results/{film}/select_text/text.parquet",
    output:
        decisions="results/{film}/filter_frames/decisions.parquet",
    log:
        "logs/{film}/filter_frames.log",
    benchmark:
        "benchmarks/{film}/filter_frames.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
    params:
        code=hash_code("film.filter_frames"),
        limits=config["filter_frames"],
    script:
        "../../workflow_scripts/film/filter_frames.py"
