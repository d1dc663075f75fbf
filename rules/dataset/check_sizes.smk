"""check_sizes: whether the film is large enough for its options, before any heavy work.

needs    frames (their sizes), the limits of filter_frames and select_images
leaves   sizes.parquet: the largest sides of the images; stops where no kind can have an image
"""


rule check_sizes:
    """Compare the film's size with what the options ask for."""
    input:
        frames="results/{film}/extract_frames/frames.parquet",
    output:
        sizes="results/{film}/check_sizes/sizes.parquet",
    log:
        "logs/{film}/check_sizes.log",
    benchmark:
        "benchmarks/{film}/check_sizes.tsv"
    priority: 20
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
    params:
        code=hash_code("dataset.check_sizes"),
        limits=size_limits,
    script:
        "../../workflow_scripts/dataset/check_sizes.py"
