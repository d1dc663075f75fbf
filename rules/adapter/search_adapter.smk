"""search_adapter: with which settings the trials of one round of a search are trained.

needs    files and scores of all trials of the rounds before; those of the adapter with the chosen settings
leaves   a file of parameters for each trial of the round. Rounds have numbers; full1 trains the better
         half of rounds 1 and 2 in full (`halving`); confirm1 trains the front with another seed
"""


rule search_adapter:
    """Ask for the parameters of one round of trials, whatever the order in which others ended."""
    input:
        unpack(search_inputs),
    output:
        trials=expand(
            "results/{film}/search_adapter/{dataset}/round_{round}/trial_{number}.yaml",
            number=range(1, SEARCH["round"] + 1),
            allow_missing=True,
        ),
    log:
        "logs/{film}/search_adapter.{dataset}.{round}.log",
    benchmark:
        "benchmarks/{film}/search_adapter.{dataset}.{round}.tsv"
    wildcard_constraints:
        round=any_of(each.name for each in list_rounds(SEARCH)),
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
    params:
        code=hash_code("adapter.search_adapter"),
        names=trial_names,
        purpose=lambda wildcards: find_round(SEARCH, wildcards.round).purpose,
        number=lambda wildcards: find_round(SEARCH, wildcards.round).number,
        options=search_options,
    script:
        "../../workflow_scripts/adapter/search_adapter.py"
