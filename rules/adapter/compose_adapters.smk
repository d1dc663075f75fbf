"""compose_adapters: several adapters of one film at once, and what each keeps beside the others.

needs    the adapters (one of each kind, or those that the config names), their settings and datasets,
         the base model, the model of the role embed; with a character the reference images of all
leaves   scores.parquet: per adapter, score, company and weight the gain, and how much of it is kept;
         layers.parquet: cosines of the adapters' changes; grid.png; settings.yaml: how it was measured.
         Asked for by name: the report shows it where it is there. `update`: as in train_adapter
"""


rule compose_adapters:
    """Draw and measure with each adapter alone, with pairs and with all of them."""
    input:
        datasets=of_composed("dataset"),
        adapters=of_composed("adapter"),
        settings=of_composed("settings"),
        references=composed_references,
        base=f"resources/models/{MODELS['base']['name']}",
        embed_weights=WEIGHTS["embed"],
    output:
        scores=update("results/{film}/compose_adapters/scores.parquet"),
        layers=update("results/{film}/compose_adapters/layers.parquet"),
        grid=update("results/{film}/compose_adapters/grid.png"),
        how_measured=update("results/{film}/compose_adapters/settings.yaml"),
    log:
        "logs/{film}/compose_adapters.log",
    benchmark:
        "benchmarks/{film}/compose_adapters.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1  # as in train_adapter
    resources:
        gpu=1,
        mem_mb=grow(max(3000, MODELS["base"].get("ram_mb", 0))),
    params:
        code=hash_code(
            "adapter.compose_adapters",
            LOADERS["base"],
            LOADERS["embed"],
        ),
        title="{film}",
        names=composed_names,
        options=resolve_composition_settings(config, BASE_TIER),
        model=MODELS["base"],
        embed=MODELS["embed"],
        seed=config["seed"],
    script:
        "../../workflow_scripts/adapter/compose_adapters.py"
