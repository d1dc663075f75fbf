"""embed_images: numbers that are near for images that look alike.

needs    frames and their images, people, their joints (where the segmenter says nothing of bodies),
         clean backgrounds, the models of the roles embed and scene
leaves   {shard}.parquet: a vector, a color description and a thumbnail per frame, instance, background
"""


rule embed_images:
    """Embed frames, cut-out instances and clean backgrounds; one load of the model per shard."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        instances="results/{film}/segment_instances/{shard}.parquet",
        keypoints=joints,
        backgrounds="results/{film}/inpaint_backgrounds/{shard}.parquet",
        background_images="results/{film}/inpaint_backgrounds/{shard}_images",
        weights=WEIGHTS["embed"],
        scene_weights=WEIGHTS["scene"],
    output:
        embeddings="results/{film}/embed_images/{shard}.parquet",
    log:
        "logs/{film}/embed_images.{shard}.log",
    benchmark:
        "benchmarks/{film}/embed_images.{shard}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: count_readers(MODELS["embed"], MODELS["scene"])
    resources:
        gpu=1,
        mem_mb=grow(max(2500, add_ram(MODELS["embed"], MODELS["scene"]))),
    params:
        code=hash_code(
            "film.embed_images",
            LOADERS["embed"],
            LOADERS["scene"],
        ),
        shard="{shard}",
        model=MODELS["embed"],
        scene_model=MODELS["scene"],
        block=config["embed_images"],
    script:
        "../../workflow_scripts/film/embed_images.py"
