"""score_expressions: what the models make of each face; names nothing.

needs    crop_faces, the models of the roles expression and face_mesh
leaves   per shard a table: seven log-probabilities per face, and what eyes, mouth and brows do
"""


rule score_expressions:
    """Show each face to the models, to that of expressions at several sizes, and mirrored."""
    input:
        faces="results/{film}/crop_faces/{shard}.parquet",
        crops="results/{film}/crop_faces/{shard}_images",
        weights=WEIGHTS["expression"],
        mesh_weights=WEIGHTS["face_mesh"],
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
        code=hash_code(
            "film.score_expressions",
            LOADERS["expression"],
            LOADERS["face_mesh"],
        ),
        model=MODELS["expression"],
        mesh_model=MODELS["face_mesh"],
    script:
        "../../workflow_scripts/film/score_expressions.py"
