"""rank_trials: what a search found.

needs    files and scores of all trials of a search; those of the adapter with the chosen settings
leaves   front.parquet: every trial, what it reached, whether it is on the front and why not; best.yaml:
         the best settings as a variant, a page of the config; front.svg
"""


rule rank_trials:
    """Sum up the trials of a search: the front, and the best settings on it."""
    input:
        unpack(search_inputs),
    output:
        front="results/{film}/search_adapter/{dataset}/front.parquet",
        best="results/{film}/search_adapter/{dataset}/best.yaml",
        chart="results/{film}/search_adapter/{dataset}/front.svg",
    log:
        "logs/{film}/rank_trials.{dataset}.log",
    benchmark:
        "benchmarks/{film}/rank_trials.{dataset}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
    params:
        code=hash_code("adapter.rank_trials"),
        purposes=[each.purpose for each in list_rounds(SEARCH) for _ in range(SEARCH["round"])],
        options=search_options,
    script:
        "../../workflow_scripts/adapter/rank_trials.py"
