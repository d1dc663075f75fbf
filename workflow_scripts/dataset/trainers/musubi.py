"""musubi-tuner: musubi.toml, a block per folder. It knows neither masks nor held-out images."""

from workflow_scripts.dataset.trainers.layout import CACHE, Layout, Part, make_header, quote


def format_toml(layout: Layout) -> str:
    lines = make_header(layout)
    lines += ["# It trains on the whole image, and not on what is held out."]
    lines += [
        "",
        "[general]",
        f"resolution = [{layout.resolution}, {layout.resolution}]",
        'caption_extension = ".txt"',
        "batch_size = 1",
        "enable_bucket = true",
        "bucket_no_upscale = true",
    ]
    for part in layout.select("train"):
        lines += ["", *_block(layout, part)]
    return "\n".join(lines) + "\n"


def _block(layout: Layout, part: Part) -> list[str]:
    # Its files end in .safetensors: beside the images, diffusion-pipe would take them for some.
    cache = layout.locate(f"{CACHE}/musubi/{part.repeats}")
    return [
        "[[datasets]]",
        f"image_directory = {quote(layout.locate(part.path))}",
        f"cache_directory = {quote(cache)}",
        f"num_repeats = {part.repeats}",
    ]
