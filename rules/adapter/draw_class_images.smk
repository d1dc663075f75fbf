"""draw_class_images: what the base draws of the class of a subject, which a training may keep.

needs    the packed dataset, whose captions name the class, and the base model
leaves   images with their captions. It runs where an adapter has a prior_loss_weight, and no folder
         of class images of its own
"""


rule draw_class_images:
    """Let the base draw images of a subject's class, before any adapter is trained."""
    input:
        dataset="results/{film}/datasets/{dataset}",
        base=f"resources/models/{MODELS['base']['name']}",
    output:
        images=directory("results/{film}/draw_class_images/{dataset}"),
    log:
        "logs/{film}/draw_class_images.{dataset}.log",
    benchmark:
        "benchmarks/{film}/draw_class_images.{dataset}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1  # as in train_adapter
    resources:
        gpu=1,
        mem_mb=grow(max(3000, MODELS["base"].get("ram_mb", 0))),
    params:
        code=hash_code("adapter.draw_class_images", LOADERS["base"]),
        options=config["draw_class_images"],
        class_word=class_word,
        model=MODELS["base"],
        seed=config["seed"],
    script:
        "../../workflow_scripts/adapter/draw_class_images.py"
