"""select_images: which images a dataset holds, in which split, how often; and a reserve.

needs    every table that the kind's decisions rest on; no image is opened
leaves   {dataset}.parquet: every candidate, with the reason why it is not in
"""

from workflow_scripts.plan.inputs import select_inputs


rule select_images:
    """Give reasons, choose what differs within quotas, split, balance."""
    input:
        "results/{film}/check_sizes/sizes.parquet",  # or the film is too small: stop at once
        unpack(tables_of(select_inputs)),
        frames="results/{film}/extract_frames/frames.parquet",
        texts="results/{film}/select_text/text.parquet",
        decisions="results/{film}/filter_frames/decisions.parquet",
        groups="results/{film}/dedup_frames/groups.parquet",
    output:
        selection="results/{film}/select_images/{dataset}.parquet",
    log:
        "logs/{film}/select_images.{dataset}.log",
    benchmark:
        "benchmarks/{film}/select_images.{dataset}.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("dataset.select_images"),
        dataset="{dataset}",
        limits=selection_limits,
        seed=config["seed"],
    script:
        "../../workflow_scripts/dataset/select_images.py"
