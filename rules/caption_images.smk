"""caption_images: a caption for every image of a kind, from measured facts; trigger word first.

needs    frames and their pictures, the fact tables that the kind speaks of, the vocabulary,
         where people wrote better ones: config/reviews/{film}/captions.csv (kind, image_id, caption)
leaves   captions of at most 75 CLIP tokens, with the source of every clause
"""

CAPTION_FACTS = {
    "character": ["instances", "identities", "poses", "locations", "lighting"],
    "background": ["backgrounds", "plates", "locations", "lighting"],
    "pose": ["instances", "identities", "poses", "keypoints"],
    "expression": ["instances", "identities", "poses", "faces", "expressions"],
    "style": ["instances", "identities", "locations", "lighting"],
    "lighting": ["instances", "identities", "locations", "lighting"],
}
CAPTION_TABLES = {
    "instances": "results/{film}/segment_instances/{shard}.parquet",
    "identities": "results/{film}/identify_characters/identities.parquet",
    "poses": "results/{film}/classify_poses/poses.parquet",
    "keypoints": "results/{film}/estimate_poses/{shard}.parquet",
    "faces": "results/{film}/crop_faces/{shard}.parquet",
    "expressions": "results/{film}/classify_expressions/expressions.parquet",
    "locations": "results/{film}/cluster_scenes/locations.parquet",
    "lighting": "results/{film}/classify_lighting/lighting.parquet",
    "backgrounds": "results/{film}/inpaint_backgrounds/{shard}.parquet",
    "plates": "results/{film}/inpaint_backgrounds/{shard}_images",
}


def caption_tables(wildcards):
    """The tables that this kind's captions are made of, and people's corrections if there are any."""
    names = CAPTION_FACTS[wildcards.kind]
    tables = {name: CAPTION_TABLES[name].format(**wildcards) for name in names}
    review = f"config/reviews/{wildcards.film}/captions.csv"
    return tables | ({"review": review} if os.path.exists(review) else {})


rule caption_images:
    """Say what is measured; say nothing else."""
    input:
        unpack(caption_tables),
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        vocabulary="resources/vocabularies/captions.yaml",
        weights=WEIGHTS["caption"],
    output:
        captions="results/{film}/caption_images/{kind}/{shard}.parquet",
    log:
        "logs/{film}/caption_images.{kind}.{shard}.log",
    benchmark:
        "benchmarks/{film}/caption_images.{kind}.{shard}.tsv"
    conda:
        "../envs/cinelora.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=2000,
    params:
        code=hash_code("caption_images", f"lib.models.{MODELS['caption']['loader']}"),
        model=MODELS["caption"],
        kind="{kind}",
        film="{film}",
        shard="{shard}",
        characters=lambda wildcards: config["films"][wildcards.film].get("characters", {}),
        style=lambda wildcards: config["films"][wildcards.film].get("style", {}),
        caption=config["caption_images"],
    script:
        "../workflow_scripts/caption_images.py"
