"""evaluate_adapter: what an adapter does, beside the base and control adapters with the same seeds.

needs    the adapter, its settings and its dataset, the base model, the model of the role embed;
         its control adapters, and of a character the reference images of all
leaves   scores.parquet: score, adapter, strength, value and interval; values.parquet: each value behind
         a score; drawings.parquet and images/: each drawn image; grid.png: all of them on one page;
         settings.yaml: how it was measured; {film}-{dataset}.preview.png beside the adapter, which
         A1111 and Forge show. `update` and {variant}: as in train_adapter; controls are not judged
"""


rule evaluate_adapter:
    """Judge one adapter beside its controls: held-out loss, similarity, retrieval, drift, copies."""
    input:
        dataset="results/{film}/datasets/{dataset}",
        adapter="results/{film}/adapters/{dataset}{variant}/{film}-{dataset}{variant}.safetensors",
        settings="results/{film}/adapters/{dataset}{variant}/settings.yaml",
        control_adapters=of_controls("adapter"),
        control_settings=of_controls("settings"),
        references=reference_vectors,
        base=f"resources/models/{MODELS['base']['name']}",
        embed_weights=WEIGHTS["embed"],
    output:
        scores=update("results/{film}/evaluate_adapter/{dataset}{variant}/scores.parquet"),
        values=update("results/{film}/evaluate_adapter/{dataset}{variant}/values.parquet"),
        drawings=update("results/{film}/evaluate_adapter/{dataset}{variant}/drawings.parquet"),
        images=update(directory("results/{film}/evaluate_adapter/{dataset}{variant}/images")),
        grid=update("results/{film}/evaluate_adapter/{dataset}{variant}/grid.png"),
        preview=update(
            "results/{film}/adapters/{dataset}{variant}/{film}-{dataset}{variant}.preview.png"
        ),
        how_measured=update("results/{film}/evaluate_adapter/{dataset}{variant}/settings.yaml"),
    log:
        "logs/{film}/evaluate_adapter.{dataset}{variant}.log",
    benchmark:
        "benchmarks/{film}/evaluate_adapter.{dataset}{variant}.tsv"
    wildcard_constraints:
        variant=admit_variants(config["adapter"]),
    conda:
        "../../envs/cinelora.yaml"
    threads: 1  # as in train_adapter
    resources:
        gpu=1,
        mem_mb=grow(max(3000, MODELS["base"].get("ram_mb", 0))),
    params:
        code=hash_code(
            "adapter.evaluate_adapter",
            LOADERS["base"],
            LOADERS["embed"],
        ),
        title=adapter_title,
        character=character_name,
        controls=control_names,
        options=resolve_evaluation_settings(config, BASE_TIER),
        model=MODELS["base"],
        embed=MODELS["embed"],
        seed=config["seed"],
    script:
        "../../workflow_scripts/adapter/evaluate_adapter.py"
