# detect_text: find and read titles, credits, subtitles, watermarks and text in the scene
# needs  extract_frames (every image), the three nets of RapidOCR
# leaves text.parquet: one row per image and line of text, with its kind


rule detect_text:
    """Read some images of each shot; follow what was read through the others."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        weights=WEIGHTS["text"],
    output:
        text="results/{film}/detect_text/text.parquet",
    log:
        "logs/{film}/detect_text.log",
    benchmark:
        "benchmarks/{film}/detect_text.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 2
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("film.detect_text", LOADERS["text"]),
        model=MODELS["text"],
        block=config["detect_text"],
    script:
        "../../workflow_scripts/film/detect_text.py"
