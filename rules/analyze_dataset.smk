"""analyze_dataset: what a dataset holds, measured from pixels, beside the recommended ranges.

needs    the packed dataset, who stands where in its frames
leaves   {dataset}.parquet: one row of measures per image; {dataset}.json: shares and verdicts
"""

ANALYSIS_FACTS = {
    "character": ["instances", "keypoints", "poses"],
    "background": [],
    "pose": ["instances", "keypoints", "poses"],
    "expression": ["instances", "keypoints", "poses"],
    "style": ["instances"],
    "lighting": ["instances"],
}


def analysis_tables(wildcards):
    """The tables that tell where people are in this kind's pictures."""
    values = {"film": wildcards.film, "shard": SHARDS}
    names = ANALYSIS_FACTS[wildcards.dataset.partition("-")[0]]
    return {name: sorted(set(expand(CAPTION_TABLES[name], **values))) for name in names}


rule analyze_dataset:
    """Measure shot types, people, occlusion and backgrounds."""
    input:
        unpack(analysis_tables),
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
        "../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        code=hash_code("analyze_dataset"),
        name="{dataset}",
        rules=config["analyze_dataset"],
    script:
        "../workflow_scripts/analyze_dataset.py"
