# classify_expressions: the emotion of each face and how strong it is
# needs  crop_faces, segment_instances (tracks), the model of the role expression, and where people
#        corrected it config/reviews/{film}/expressions.csv (id, emotion, intensity)
# leaves expressions.parquet: one row per face

from glob import glob


rule classify_expressions:
    """Read each face, agree along its track, let people's corrections win."""
    input:
        instances=expand("results/{{film}}/segment_instances/{shard}.parquet", shard=SHARDS),
        faces=expand("results/{{film}}/crop_faces/{shard}.parquet", shard=SHARDS),
        crops=expand("results/{{film}}/crop_faces/{shard}_images", shard=SHARDS),
        weights=WEIGHTS["expression"],
        review=lambda wildcards: glob(f"config/reviews/{wildcards.film}/expressions.csv"),
    output:
        expressions="results/{film}/classify_expressions/expressions.parquet",
    log:
        "logs/{film}/classify_expressions.log",
    benchmark:
        "benchmarks/{film}/classify_expressions.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 2
    resources:
        gpu=int(MODELS["expression"]["device"] == "cuda"),
        mem_mb=grow(1500),
    params:
        code=hash_code("film.classify_expressions", LOADERS["expression"]),
        model=MODELS["expression"],
        block=config["classify_expressions"],
    script:
        "../../workflow_scripts/film/classify_expressions.py"
