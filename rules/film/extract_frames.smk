"""extract_frames: sample a film in one decode; find its shots; measure what was sampled.

needs    a video, or a folder of images (Snakemake sees files that come or go, not ones replaced)
leaves   frames.parquet: one row per sampled frame; shots.parquet: one per shot; problems.parquet:
         what could not be read, was not used, or is no image; images/: a JPEG of each frame that
         shows something new
"""


rule extract_frames:
    """Decode once: sample, crop bars, find shots, hash, measure, recognize held drawings."""
    input:
        film=film_option("path"),
    output:
        frames="results/{film}/extract_frames/frames.parquet",
        shots="results/{film}/extract_frames/shots.parquet",
        problems="results/{film}/extract_frames/problems.parquet",
        images=directory("results/{film}/extract_frames/images"),
    log:
        "logs/{film}/extract_frames.log",
    benchmark:
        "benchmarks/{film}/extract_frames.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 4
    resources:
        mem_mb=grow_with_film(2000, config["extract_frames"]["sampling"]["frames_per_shot"]),
    params:
        code=hash_code("film.extract_frames"),
        sampling=config["extract_frames"]["sampling"],
        max_unreadable=config["extract_frames"]["max_unreadable"],
    script:
        "../../workflow_scripts/film/extract_frames.py"
