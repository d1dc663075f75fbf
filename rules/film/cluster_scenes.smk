# cluster_scenes: which place each shot shows, which backgrounds are one view, which are no good
# needs  inpaint_backgrounds (measures), embed_images (vectors of backgrounds), detect_text (title
#        cards are no place), and where people named places config/reviews/{film}/locations.csv
# leaves locations.parquet: one row per image

from glob import glob


rule cluster_scenes:
    """Group shots into places and backgrounds into views; judge the backgrounds."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        text="results/{film}/detect_text/text.parquet",
        backgrounds=expand("results/{{film}}/inpaint_backgrounds/{shard}.parquet", shard=SHARDS),
        embeddings=expand("results/{{film}}/embed_images/{shard}.parquet", shard=SHARDS),
        review=lambda wildcards: glob(f"config/reviews/{wildcards.film}/locations.csv"),
    output:
        locations="results/{film}/cluster_scenes/locations.parquet",
    log:
        "logs/{film}/cluster_scenes.log",
    benchmark:
        "benchmarks/{film}/cluster_scenes.tsv"
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
