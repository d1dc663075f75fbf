"""write_captions: a caption for every image that a dataset can have; trigger word first.

needs    frames, the film's texts, the fact tables that the kind speaks of, the vocabulary; what a
         vision-language model said, where one was asked; where people wrote better captions:
         config/reviews/{film}/captions.csv (kind, image_id, caption)
leaves   {dataset}.parquet: captions of at most 75 CLIP tokens, with the source of every clause
"""

from workflow_scripts.plan.inputs import caption_inputs


rule write_captions:
    """Say what is measured and what was seen; say nothing else."""
    input:
        unpack(tables_of(caption_inputs, describes=DESCRIBES)),
        frames="results/{film}/extract_frames/frames.parquet",
        texts="results/{film}/select_text/text.parquet",
        vocabulary="resources/vocabularies/captions.yaml",
    output:
        captions="results/{film}/write_captions/{dataset}.parquet",
    log:
        "logs/{film}/write_captions.{dataset}.log",
    benchmark:
        "benchmarks/{film}/write_captions.{dataset}.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("dataset.write_captions"),
        dataset="{dataset}",
        film="{film}",
        characters=film_option("characters", {}),
        style=film_option("style", {}),
        triggers=config["write_captions"]["triggers"],
        overlay_text=config["select_images"]["overlay_text"],
    script:
        "../../workflow_scripts/dataset/write_captions.py"
