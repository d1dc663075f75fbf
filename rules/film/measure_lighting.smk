"""measure_lighting: tones, warmth, haze, sky, green and specks of every image, people left out.

needs    extract_frames (every image), segment_instances (people are masked out)
leaves   per shard a table: one row per image
"""


rule measure_lighting:
    """Measure the light of every image; name nothing."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        instances="results/{film}/segment_instances/{shard}.parquet",
    output:
        measures="results/{film}/measure_lighting/{shard}.parquet",
    log:
        "logs/{film}/measure_lighting.{shard}.log",
    benchmark:
        "benchmarks/{film}/measure_lighting.{shard}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1500),
    params:
        code=hash_code("film.measure_lighting"),
        shard="{shard}",
    script:
        "../../workflow_scripts/film/measure_lighting.py"
