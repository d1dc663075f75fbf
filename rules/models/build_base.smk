"""build_base: the light tier's base model, made by the workflow itself.

needs    nothing but its seed
leaves   resources/models/tiny-random-sd: a folder in diffusers' layout
"""


rule build_base:
    """Build the light tier's base: Stable Diffusion's shape, tiny, with random weights."""
    output:
        base=directory("resources/models/tiny-random-sd"),
    log:
        "logs/shared/build_base.log",
    benchmark:
        "benchmarks/shared/build_base.tsv"
    conda:
        "../../envs/cinelora.yaml"
    threads: 1
    resources:
        mem_mb=grow(1500),
    params:
        code=hash_code("models.build_base"),
        seed=config["seed"],
    script:
        "../../workflow_scripts/models/build_base.py"
