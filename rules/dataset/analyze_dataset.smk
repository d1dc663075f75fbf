"""analyze_dataset: what a dataset holds, measured from pixels, beside the recommended ranges.

needs    the packed dataset, who stands where in its frames
leaves   {dataset}.parquet: one row of measures per image; {dataset}.json: shares and verdicts
"""

from workflow_scripts.plan.inputs import balance_inputs


rule analyze_dataset:
    """Measure shot types, people, occlusion and backgrounds."""
    input:
        unpack(tables_of(balance_inputs)),
        dataset="results/{film}/datasets/{dataset}",
        vocabulary="resources/vocabularies/captions.yaml",
    output:
        balance="results/{film}/analyze_dataset/{dataset}.parquet",
        summary="results/{film}/analyze_dataset/{dataset}.json",
    log:
        "logs/{film}/analyze_dataset.{dataset}.log",
    benchmark:
        "benchmarks/{film}/analyze_dataset.{dataset}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("dataset.analyze_dataset"),
        name="{dataset}",
        rules=config["analyze_dataset"],
    script:
        "../../workflow_scripts/dataset/analyze_dataset.py"
