"""crop_faces: the face of each person, if it is seen.

needs    people, frames and their images, the model of the role face
leaves   {shard}.parquet: one row per instance with a face; {shard}_images/: square crops
"""


rule crop_faces:
    """Find the best face on each instance and cut it out."""
    input:
        instances="results/{film}/segment_instances/{shard}.parquet",
        frames="results/{film}/extract_frames/frames.parquet",
        images="results/{film}/extract_frames/images",
        weights=WEIGHTS["face"],
    output:
        faces="results/{film}/crop_faces/{shard}.parquet",
        crops=directory("results/{film}/crop_faces/{shard}_images"),
    log:
        "logs/{film}/crop_faces.{shard}.log",
    benchmark:
        "benchmarks/{film}/crop_faces.{shard}.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: count_readers(MODELS["face"])
    resources:
        gpu=1,
        mem_mb=grow(1500),
    params:
        code=hash_code("film.crop_faces", LOADERS["face"]),
        model=MODELS["face"],
        margin=config["crop_faces"]["margin"],
    script:
        "../../workflow_scripts/film/crop_faces.py"
