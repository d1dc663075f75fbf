"""measure_suite: the drawings of a suite, measured by the models of the film's own phases.

needs    the drawings, the models of the roles detect, segment, pose, face, expression, face_mesh, embed
leaves   people.parquet: per person mask, joints, face and look; measures.parquet: per drawing its light,
         edges and a vector
"""


rule measure_suite:
    """Find and measure people, faces and light in every drawing; name nothing."""
    input:
        drawings="results/{film}/draw_suite/{dataset}/drawings.parquet",
        images="results/{film}/draw_suite/{dataset}/images",
        detect_weights=WEIGHTS["detect"],
        segment_weights=WEIGHTS["segment"],
        pose_weights=WEIGHTS["pose"],
        face_weights=WEIGHTS["face"],
        expression_weights=WEIGHTS["expression"],
        face_mesh_weights=WEIGHTS["face_mesh"],
        embed_weights=WEIGHTS["embed"],
    output:
        people="results/{film}/measure_suite/{dataset}/people.parquet",
        measures="results/{film}/measure_suite/{dataset}/measures.parquet",
    log:
        "logs/{film}/measure_suite.{dataset}.log",
    benchmark:
        "benchmarks/{film}/measure_suite.{dataset}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=grow(max(3000, add_ram(*(MODELS[role] for role in SEEING)))),
    params:
        code=hash_code("adapter.measure_suite", *(LOADERS[role] for role in SEEING)),
        models={role: MODELS[role] for role in SEEING},
        options={
            "tiling_interval": config["segment_instances"]["tiling_interval"],
            "max_gap_s": config["segment_instances"]["max_gap_s"],
            "face_margin": config["crop_faces"]["margin"],
            "padding": config["embed_images"]["padding"],
            "look_px": config["measure_suite"]["look_px"],
        },
    script:
        "../../workflow_scripts/adapter/measure_suite.py"
