"""measure_accuracy: compare every table of a film with its exact ground truth.

needs    datasets (and through them all tables), every file of the film's folder of truth
leaves   results/{film}/accuracy.json
"""


rule measure_accuracy:
    """Measure every phase against exact ground truth."""
    input:
        tables=of_film(TABLES),
        truth=truth_files,
    output:
        accuracy="results/{film}/accuracy.json",
    log:
        "logs/{film}/measure_accuracy.log",
    benchmark:
        "benchmarks/{film}/measure_accuracy.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
    params:
        code=hash_code("report.measure_accuracy"),
    script:
        "../../workflow_scripts/report/measure_accuracy.py"
