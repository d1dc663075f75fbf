"""inpaint_backgrounds: every frame without its people.

needs    frames and every image, masks of the people, the models of the roles inpaint, detect, segment
leaves   {shard}.parquet: covered, revealed, painted, leftover and missed people; {shard}_images/: the backgrounds
"""


rule inpaint_backgrounds:
    """Fill the holes with real pixels of the shot's other frames, and paint the rest."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        instances="results/{film}/segment_instances/{shard}.parquet",
        inpaint_weights=WEIGHTS["inpaint"],
        detect_weights=WEIGHTS["detect"],
        segment_weights=WEIGHTS["segment"],
    output:
        backgrounds="results/{film}/inpaint_backgrounds/{shard}.parquet",
        backgrounds_images=directory("results/{film}/inpaint_backgrounds/{shard}_images"),
    log:
        "logs/{film}/inpaint_backgrounds.{shard}.log",
    benchmark:
        "benchmarks/{film}/inpaint_backgrounds.{shard}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=grow(4000 + add_ram(MODELS["inpaint"], MODELS["detect"], MODELS["segment"])),
    params:
        code=hash_code(
            "film.inpaint_backgrounds",
            LOADERS["inpaint"],
            LOADERS["detect"],
            LOADERS["segment"],
        ),
        shard="{shard}",
        inpaint_model=MODELS["inpaint"],
        detect_model=MODELS["detect"],
        segment_model=MODELS["segment"],
        block=config["inpaint_backgrounds"],
    script:
        "../../workflow_scripts/film/inpaint_backgrounds.py"
