"""caption_images: a caption for every image of a kind, from measured facts; trigger word first.

needs    frames, their images and texts, the fact tables that the kind speaks of, the vocabulary,
         where people wrote better ones: config/reviews/{film}/captions.csv (kind, image_id, caption)
leaves   captions of at most 75 CLIP tokens, with the source of every clause
"""

from workflow_scripts.plan.inputs import caption_inputs


rule caption_images:
    """Say what is measured; say nothing else."""
    input:
        unpack(lambda wildcards: caption_inputs(**wildcards)),
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        texts="results/{film}/detect_text/text.parquet",
        vocabulary="resources/vocabularies/captions.yaml",
        weights=WEIGHTS["caption"],
    output:
        captions="results/{film}/caption_images/{kind}/{shard}.parquet",
    log:
        "logs/{film}/caption_images.{kind}.{shard}.log",
    benchmark:
        "benchmarks/{film}/caption_images.{kind}.{shard}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=grow(max(2000, MODELS["caption"].get("ram_mb", 0))),
    params:
        code=hash_code("dataset.caption_images", LOADERS["caption"]),
        model=MODELS["caption"],
        kind="{kind}",
        film="{film}",
        shard="{shard}",
        characters=lambda wildcards: config["films"][wildcards.film].get("characters", {}),
        style=lambda wildcards: config["films"][wildcards.film].get("style", {}),
        caption=config["caption_images"],
    script:
        "../../workflow_scripts/dataset/caption_images.py"
