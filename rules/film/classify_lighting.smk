"""classify_lighting: time of day, weather, indoors or outdoors, agreed over each shot.

needs    frames and their images, the people in them (they are masked out), the places
leaves   lighting.parquet: one row per image
"""


rule classify_lighting:
    """Measure the light of every image; name that of every shot."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        instances=expand("results/{{film}}/segment_instances/{shard}.parquet", shard=SHARDS),
        locations="results/{film}/cluster_scenes/locations.parquet",
    output:
        lighting="results/{film}/classify_lighting/lighting.parquet",
    log:
        "logs/{film}/classify_lighting.log",
    benchmark:
        "benchmarks/{film}/classify_lighting.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
    params:
        code=hash_code("film.classify_lighting"),
        thresholds=config["classify_lighting"]["thresholds"],
    script:
        "../../workflow_scripts/film/classify_lighting.py"
