"""score_expressions: what the model makes of each face; names nothing.

needs    crop_faces, the model of the role expression
leaves   per shard a table: seven log-probabilities per face
"""


rule score_expressions:
    """Show each face to the model at several sizes, and mirrored."""
    input:
        faces="results/{film}/crop_faces/{shard}.parquet",
        crops="results/{film}/crop_faces/{shard}_images",
        weights=WEIGHTS["expression"],
    output:
        scores="results/{film}/score_expressions/{shard}.parquet",
    log:
        "logs/{film}/score_expressions.{shard}.log",
    benchmark:
        "benchmarks/{film}/score_expressions.{shard}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 2
    resources:
        gpu=int(MODELS["expression"]["device"] == "cuda"),
        mem_mb=grow(1500),
    params:
        code=hash_code("film.score_expressions", LOADERS["expression"]),
        model=MODELS["expression"],
    script:
        "../../workflow_scripts/film/score_expressions.py"
