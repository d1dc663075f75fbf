"""segment_instances: find the people of each frame, cut them out, follow them through the shot.

needs    frames and every image, the models of the roles detect and segment
leaves   {shard}.parquet: one row per person and frame with mask, box and track
"""


rule segment_instances:
    """Detect, cut out and follow people; one job per shard of whole shots."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        detect_weights=WEIGHTS["detect"],
        segment_weights=WEIGHTS["segment"],
    output:
        instances="results/{film}/segment_instances/{shard}.parquet",
    log:
        "logs/{film}/segment_instances.{shard}.log",
    benchmark:
        "benchmarks/{film}/segment_instances.{shard}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=grow(max(2000, add_ram(MODELS["detect"], MODELS["segment"]))),
    params:
        code=hash_code(
            "film.segment_instances",
            LOADERS["detect"],
            LOADERS["segment"],
        ),
        shard="{shard}",
        detect=MODELS["detect"],
        segment=MODELS["segment"],
        block=config["segment_instances"],
    script:
        "../../workflow_scripts/film/segment_instances.py"
