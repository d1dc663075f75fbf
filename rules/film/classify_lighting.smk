"""classify_lighting: time of day, weather, indoors or outdoors, agreed over each shot.

needs    frames, the places (cluster_scenes), what measure_lighting measured, the model of light
leaves   lighting.parquet: one row per image
"""


rule classify_lighting:
    """Turn measured light into words, by a small model and thresholds."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
        locations="results/{film}/cluster_scenes/locations.parquet",
        measures=expand("results/{{film}}/measure_lighting/{shard}.parquet", shard=SHARDS),
        model="resources/light_models/lighting.json",
    output:
        lighting="results/{film}/classify_lighting/lighting.parquet",
    log:
        "logs/{film}/classify_lighting.log",
    benchmark:
        "benchmarks/{film}/classify_lighting.tsv"
    priority: 10
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
    params:
        code=hash_code("film.classify_lighting"),
        min_indoor_probability=config["classify_lighting"]["min_indoor_probability"],
        thresholds=config["classify_lighting"]["thresholds"],
    script:
        "../../workflow_scripts/film/classify_lighting.py"
