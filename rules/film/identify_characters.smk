"""identify_characters: who is who.

needs    people, their vectors, those of the references, and where people corrected it:
         config/reviews/{film}/identities.csv (id, character)
leaves   identities.parquet: one row per instance
"""


rule identify_characters:
    """Cluster tracks, name them by reference images, let people's corrections win."""
    input:
        instances=expand("results/{{film}}/segment_instances/{shard}.parquet", shard=SHARDS),
        embeddings=expand("results/{{film}}/embed_images/{shard}.parquet", shard=SHARDS),
        references="results/{film}/embed_references/references.parquet",
        review=review("identities"),
    output:
        identities="results/{film}/identify_characters/identities.parquet",
    log:
        "logs/{film}/identify_characters.log",
    benchmark:
        "benchmarks/{film}/identify_characters.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("film.identify_characters"),
        characters=of_film(CHARACTERS),
        block=config["identify_characters"],
    script:
        "../../workflow_scripts/film/identify_characters.py"
