"""build_base: the light tier's base model, put together from the project's own weights.

needs    light-clip, light-vae and light-unet.safetensors, which the repository holds
leaves   resources/models/light-sd: a folder in diffusers' layout
"""


rule build_base:
    """Put the light tier's base together: text encoder, VAE, UNet, tokenizer, scheduler."""
    input:
        clip="resources/models/light-clip.safetensors",
        vae="resources/models/light-vae.safetensors",
        unet="resources/models/light-unet.safetensors",
    output:
        base=directory("resources/models/light-sd"),
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
    script:
        "../../workflow_scripts/models/build_base.py"
