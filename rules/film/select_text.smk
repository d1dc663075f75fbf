"""select_text: which readings are text, where each line stands, and what kind of text it is.

needs    extract_frames (frames), read_text
leaves   text.parquet: one row per image and line of text, with its kind
"""


rule select_text:
    """Take the sure readings, replay how they were followed, name their kinds."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        readings="results/{film}/read_text/readings.parquet",
        followed="results/{film}/read_text/followed.parquet",
        grays="results/{film}/read_text/grays.parquet",
    output:
        text="results/{film}/select_text/text.parquet",
    log:
        "logs/{film}/select_text.log",
    benchmark:
        "benchmarks/{film}/select_text.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
    params:
        code=hash_code("film.select_text"),
        block=config["select_text"],
    script:
        "../../workflow_scripts/film/select_text.py"
