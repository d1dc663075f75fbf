"""read_text: read titles, credits, subtitles, watermarks and text in the scene; select nothing.

needs    extract_frames (every image), the three nets of RapidOCR
leaves   readings.parquet: every reading, however unsure; followed.parquet: where each was found
         again in its shot, and how well it fits; grays.parquet: a coarse gray of images with text
"""


rule read_text:
    """Read some images of each shot; follow what was read through the others."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        weights=WEIGHTS["text"],
    output:
        readings="results/{film}/read_text/readings.parquet",
        followed="results/{film}/read_text/followed.parquet",
        grays="results/{film}/read_text/grays.parquet",
    log:
        "logs/{film}/read_text.log",
    benchmark:
        "benchmarks/{film}/read_text.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 2
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("film.read_text", LOADERS["text"]),
        model=MODELS["text"],
        block=config["read_text"],
    script:
        "../../workflow_scripts/film/read_text.py"
