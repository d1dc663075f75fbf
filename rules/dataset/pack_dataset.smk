"""pack_dataset: the images of one dataset, selected, balanced, named, split, as trainers read them.

needs    every table that the kind's decisions rest on, its captions, the images
leaves   results/{film}/datasets/{dataset}/: train/, validation/, dataset.toml, dataset.parquet,
         counts.json
"""

from workflow_scripts.plan.inputs import pack_inputs


rule pack_dataset:
    """Select, balance, name, split; write kohya's and Hugging Face's layout."""
    input:
        unpack(lambda wildcards: pack_inputs(**wildcards, shards=SHARDS)),
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        decisions="results/{film}/filter_frames/decisions.parquet",
        groups="results/{film}/dedup_frames/groups.parquet",
        vocabulary="resources/vocabularies/captions.yaml",
    output:
        dataset=directory("results/{film}/datasets/{dataset}"),
    log:
        "logs/{film}/pack_dataset.{dataset}.log",
    benchmark:
        "benchmarks/{film}/pack_dataset.{dataset}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("dataset.pack_dataset"),
        name="{dataset}",
        film="{film}",
        characters=lambda wildcards: config["films"][wildcards.film].get("characters", {}),
        style=lambda wildcards: config["films"][wildcards.film].get("style", {}),
        triggers=config["caption_images"]["triggers"],
        limits=config["pack_dataset"],
        seed=config["seed"],
    script:
        "../../workflow_scripts/dataset/pack_dataset.py"
