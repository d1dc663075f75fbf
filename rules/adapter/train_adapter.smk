"""train_adapter: LoRA on the attention of the base model, one adapter per dataset.

needs    the packed dataset (kohya's layout), the base model as a diffusers folder; what was
         measured of the images, where a stage draws them by it; of a trial of a search its parameters;
         class images, where it keeps them
leaves   {film}-{dataset}.safetensors and .json, the same weights under peft's names (.peft.safetensors),
         settings.yaml, metrics.parquet, and in kept/ what `kept_checkpoints` asks for; checkpoints/ is
         undeclared, so that it survives a failure, and goes when the training is done; so are samples/
         and tensorboard/, which stay.
         `update`: what was trained from the very same images stays, and is not trained again.
         {variant} is "" of the chosen one; of others a dot and the name of a variant, or that of a
         control: an adapter that is trained to be compared with
"""


rule train_adapter:
    """Train one adapter; an interrupted training goes on from its checkpoint."""
    input:
        dataset="results/{film}/datasets/{dataset}",
        base=f"resources/models/{MODELS['base']['name']}",
        measures=sampling_measures,
        trial=trial_parameters,
        class_images=class_images,
    output:
        adapter=update(
            "results/{film}/adapters/{dataset}{variant}/{film}-{dataset}{variant}.safetensors"
        ),
        peft=update(
            "results/{film}/adapters/{dataset}{variant}/{film}-{dataset}{variant}.peft.safetensors"
        ),
        card=update("results/{film}/adapters/{dataset}{variant}/{film}-{dataset}{variant}.json"),
        kept=update(directory("results/{film}/adapters/{dataset}{variant}/kept")),
        settings=update("results/{film}/adapters/{dataset}{variant}/settings.yaml"),
        metrics=update("results/{film}/adapters/{dataset}{variant}/metrics.parquet"),
    log:
        "logs/{film}/train_adapter.{dataset}{variant}.log",
    benchmark:
        "benchmarks/{film}/train_adapter.{dataset}{variant}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: training_processes  # 1: layers of the light base are too small, adapters share the cores
    resources:
        gpu=training_processes,
        mem_mb=training_memory,
    params:
        code=hash_code("adapter.train_adapter", LOADERS["base"]),
        title=adapter_title,
        control=control_name,
        options=training_settings,
        model=MODELS["base"],
        seed=config["seed"],
        cache=training_cache,
        class_word=class_word,
    script:
        "../../workflow_scripts/adapter/train_adapter.py"
