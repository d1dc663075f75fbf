"""diffusion-pipe: a dataset config of what to train on, and one of what is held out."""

from workflow_scripts.dataset.trainers.layout import Layout, Part, make_header, quote

RATIOS = 7  # buckets between the narrowest and the widest image, as many as in its example


def format_toml(layout: Layout, split: str) -> str:
    """Its `dataset`, or for "validation" what one of its `eval_datasets` names as `config`."""
    low, high = layout.ratios
    lines = make_header(layout)
    lines += [
        "",
        f"resolutions = [{layout.resolution}]",
        "enable_ar_bucket = true",
        f"min_ar = {low:.4f}",
        f"max_ar = {high:.4f}",
        f"num_ar_buckets = {RATIOS}",
    ]
    for part in layout.select(split):
        lines += ["", *_directory(layout, part)]
    return "\n".join(lines) + "\n"


def _directory(layout: Layout, part: Part) -> list[str]:
    lines = ["[[directory]]", f"path = {quote(layout.locate(part.path))}"]
    if part.is_masked:
        lines.append(f"mask_path = {quote(layout.locate_masks(part.split))}")
    return [*lines, f"num_repeats = {part.repeats}"]
