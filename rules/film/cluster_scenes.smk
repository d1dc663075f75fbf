"""cluster_scenes: which place each shot shows, which backgrounds are one view, which are no good.

needs    measures and vectors of the backgrounds, texts (title cards are no place), and where people
         named places: config/reviews/{film}/locations.csv (frame_id, location)
leaves   locations.parquet: one row per image
"""


rule cluster_scenes:
    """Group shots into places and backgrounds into views; judge the backgrounds."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        text="results/{film}/select_text/text.parquet",
        backgrounds=expand("results/{{film}}/inpaint_backgrounds/{shard}.parquet", shard=SHARDS),
        embeddings=expand("results/{{film}}/embed_images/{shard}.parquet", shard=SHARDS),
        review=review("locations"),
    output:
        locations="results/{film}/cluster_scenes/locations.parquet",
    log:
        "logs/{film}/cluster_scenes.log",
    benchmark:
        "benchmarks/{film}/cluster_scenes.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("film.cluster_scenes"),
        block=config["cluster_scenes"],
    script:
        "../../workflow_scripts/film/cluster_scenes.py"
