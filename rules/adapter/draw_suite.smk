"""draw_suite: the prompts of a test suite, drawn with an adapter, its base and its controls.

needs    the suite of the dataset's kind, the adapter with what was kept of its training, its control
         adapters, the base model
leaves   drawings.parquet: per drawing its adapter, strength, prompt, seed and what was asked;
         images/: the drawings, as PNG
"""


rule draw_suite:
    """Draw one suite with every adapter that is compared; one load of the base for all."""
    input:
        suite=suite_file,
        vocabulary="resources/vocabularies/captions.yaml",
        adapter="results/{film}/adapters/{dataset}/{film}-{dataset}.safetensors",
        settings="results/{film}/adapters/{dataset}/settings.yaml",
        kept="results/{film}/adapters/{dataset}/kept",
        control_adapters=of_suite_controls("adapter"),
        control_settings=of_suite_controls("settings"),
        variant_adapters=of_variants("adapter"),
        variant_settings=of_variants("settings"),
        base=f"resources/models/{MODELS['base']['name']}",
    output:
        drawings="results/{film}/draw_suite/{dataset}/drawings.parquet",
        images=directory("results/{film}/draw_suite/{dataset}/images"),
    log:
        "logs/{film}/draw_suite.{dataset}.log",
    benchmark:
        "benchmarks/{film}/draw_suite.{dataset}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1  # as in train_adapter
    resources:
        gpu=1,
        mem_mb=grow(max(3000, MODELS["base"].get("ram_mb", 0))),
    params:
        code=hash_code("adapter.draw_suite", LOADERS["base"]),
        title="{film} {dataset}",
        other=other_character,
        controls=suite_controls,
        variants=[variant.removeprefix(".") for variant in COMPARED if variant],
        options=resolve_drawing_settings(config, BASE_TIER),
        model=MODELS["base"],
    script:
        "../../workflow_scripts/adapter/draw_suite.py"
