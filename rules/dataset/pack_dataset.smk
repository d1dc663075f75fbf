"""pack_dataset: the images of one dataset, cropped, named and captioned, as trainers read them.

needs    which images are chosen, their captions, the images, the tables that know their sums and
         the masks
leaves   results/{film}/datasets/{dataset}/: train/, validation/, the files of each trainer,
         dataset.parquet, counts.json
"""

from workflow_scripts.plan.inputs import pack_inputs


rule pack_dataset:
    """Crop, mask, name; write folders and files as trainers take them."""
    input:
        unpack(tables_of(pack_inputs)),
        selection="results/{film}/select_images/{dataset}.parquet",
        captions="results/{film}/write_captions/{dataset}.parquet",
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
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
        characters=film_option("characters", {}),
        style=film_option("style", {}),
        triggers=config["write_captions"]["triggers"],
        options=config["pack_dataset"],
        seed=config["seed"],
    script:
        "../../workflow_scripts/dataset/pack_dataset.py"
