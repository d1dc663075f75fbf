"""embed_references: what the characters look like, by the images that people gave.

needs    config/rosters/{film}/{character}/* (or the folder films.<film>.roster), the models of the
         roles detect, segment, pose and embed
leaves   references.parquet: a vector and a color description per image, a row with a reason for
         everything else in the roster; empty without one. Snakemake does not see changes of images
         with braces, line breaks or bytes of no UTF-8 in their names
"""


rule embed_references:
    """Detect, cut out and embed the person of each reference image."""
    input:
        images=reference_images,
        detect_weights=WEIGHTS["detect"],
        segment_weights=WEIGHTS["segment"],
        pose_weights=WEIGHTS["pose"],
        embed_weights=WEIGHTS["embed"],
    output:
        references="results/{film}/embed_references/references.parquet",
    log:
        "logs/{film}/embed_references.log",
    benchmark:
        "benchmarks/{film}/embed_references.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=grow(
            max(
                2000,
                add_ram(*(MODELS[role] for role in ("detect", "segment", "pose", "embed"))),
            )
        ),
    params:
        code=hash_code(
            "film.embed_references",
            LOADERS["detect"],
            LOADERS["segment"],
            LOADERS["pose"],
            LOADERS["embed"],
        ),
        roster=of_film(ROSTERS),
        characters=of_film(CHARACTERS),
        detect=MODELS["detect"],
        segment=MODELS["segment"],
        pose=MODELS["pose"],
        embed=MODELS["embed"],
        padding=config["embed_images"]["padding"],
    script:
        "../../workflow_scripts/film/embed_references.py"
