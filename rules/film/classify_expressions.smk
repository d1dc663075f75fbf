"""classify_expressions: the emotion of each face, how strong it is, what eyes, mouth and brows do.

needs    what score_expressions measured, the faces (where they look), the tracks, and where people
         corrected it: config/reviews/{film}/expressions.csv (id, emotion, intensity)
leaves   expressions.parquet: one row per face
"""


rule classify_expressions:
    """Agree along the track, weigh, name; let people's corrections win."""
    input:
        instances=expand("results/{{film}}/segment_instances/{shard}.parquet", shard=SHARDS),
        faces=expand("results/{{film}}/crop_faces/{shard}.parquet", shard=SHARDS),
        scores=expand("results/{{film}}/score_expressions/{shard}.parquet", shard=SHARDS),
        review=review("expressions"),
    output:
        expressions="results/{film}/classify_expressions/expressions.parquet",
    log:
        "logs/{film}/classify_expressions.log",
    benchmark:
        "benchmarks/{film}/classify_expressions.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
    params:
        code=hash_code("film.classify_expressions"),
        block=config["classify_expressions"],
    script:
        "../../workflow_scripts/film/classify_expressions.py"
