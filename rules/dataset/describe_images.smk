"""describe_images: what a vision-language model says of the images of a dataset and of its reserve.

needs    which images are chosen, their pixels, the facts that stand in the questions, the prompts
leaves   {dataset}.parquet: clauses and checks of each image; answers/: every answer, kept by what
         was asked, undeclared, so that it survives a failure and a changed selection

Only where the model of the role caption looks at images (see Snakefile).
"""

from workflow_scripts.plan.inputs import describe_inputs
from workflow_scripts.plan.models import identify_model


rule describe_images:
    """Ask about every chosen image; what was asked before is not asked again."""
    input:
        unpack(tables_of(describe_inputs)),
        selection="results/{film}/select_images/{dataset}.parquet",
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        texts="results/{film}/select_text/text.parquet",
        vocabulary="resources/vocabularies/captions.yaml",
        prompts="resources/prompts/captions.yaml",
        weights=WEIGHTS["caption"],
    output:
        descriptions="results/{film}/describe_images/{dataset}.parquet",
    log:
        "logs/{film}/describe_images.{dataset}.log",
    benchmark:
        "benchmarks/{film}/describe_images.{dataset}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=grow(max(3000, MODELS["caption"].get("ram_mb", 0))),
    params:
        code=hash_code("dataset.describe_images", LOADERS["caption"]),
        dataset="{dataset}",
        model=MODELS["caption"],
        identity=identify_model(MODELS["caption"], config["models"].get("table")),
        class_words=class_words,
        style_words=style_words,
        overlay_text=config["select_images"]["overlay_text"],
    script:
        "../../workflow_scripts/dataset/describe_images.py"
