"""score_suite: what the drawings of a suite show, by the rules that name the film's frames.

needs    the drawings and their measures; of a character the reference images of all
leaves   scores.parquet: per scenario, adapter and score a value with its interval; shown.parquet: per
         drawing what was asked and found; sheets/: a sheet of drawings per scenario
"""


rule score_suite:
    """Say what came of what was asked, who is recognized, and whether they stay the same."""
    input:
        drawings="results/{film}/draw_suite/{dataset}/drawings.parquet",
        images="results/{film}/draw_suite/{dataset}/images",
        people="results/{film}/measure_suite/{dataset}/people.parquet",
        measures="results/{film}/measure_suite/{dataset}/measures.parquet",
        light_model="resources/light_models/lighting.json",
        references=reference_vectors,
    output:
        scores="results/{film}/score_suite/{dataset}/scores.parquet",
        shown="results/{film}/score_suite/{dataset}/shown.parquet",
        sheets=directory("results/{film}/score_suite/{dataset}/sheets"),
    log:
        "logs/{film}/score_suite.{dataset}.log",
    benchmark:
        "benchmarks/{film}/score_suite.{dataset}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("adapter.score_suite"),
        title="{film} {dataset}",
        character=character_name,
        rules={
            "poses": config["classify_poses"],
            "expressions": config["classify_expressions"],
            "lighting": config["classify_lighting"],
            "min_occlusion": config["analyze_dataset"]["min_occlusion"],
            "min_edges": config["analyze_dataset"]["min_edges"],
        },
        vector_weight=config["identify_characters"]["vector_weight"],
        bootstrap=config["score_suite"]["bootstrap"],
        seed=config["seed"],
    script:
        "../../workflow_scripts/adapter/score_suite.py"
