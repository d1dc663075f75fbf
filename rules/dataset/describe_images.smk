"""describe_images: what a vision-language model says of the images of all datasets, and their reserves.

needs    which images are chosen, their pixels, the facts that stand in the questions, the prompts
leaves   descriptions.parquet: clauses and checks of each image; answers/: every answer, kept by what
         was asked, undeclared, so that it survives a failure and a changed selection

Only where the model of the role caption looks at images (see Snakefile). A run of one dataset asks
about that one, and about those that were chosen before.
"""

from workflow_scripts.plan.models import identify_model


rule describe_images:
    """Open the model once; ask about every chosen image what was not asked before."""
    input:
        unpack(described_inputs),
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        texts="results/{film}/select_text/text.parquet",
        vocabulary="resources/vocabularies/captions.yaml",
        prompts="resources/prompts/captions.yaml",
        weights=WEIGHTS["caption"],
    output:
        descriptions="results/{film}/describe_images/descriptions.parquet",
    log:
        "logs/{film}/describe_images.log",
    benchmark:
        "benchmarks/{film}/describe_images.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: count_readers(MODELS["caption"])
    resources:
        gpu=1,
        mem_mb=grow(max(3000, MODELS["caption"].get("ram_mb", 0))),
    params:
        code=hash_code("dataset.describe_images", LOADERS["caption"]),
        model=MODELS["caption"],
        identity=identify_model(MODELS["caption"], config["models"].get("table")),
        class_words=class_words,
        style_words=style_words,
        overlay_text=config["select_images"]["overlay_text"],
    script:
        "../../workflow_scripts/dataset/describe_images.py"
