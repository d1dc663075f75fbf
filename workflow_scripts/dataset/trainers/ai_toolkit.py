"""ai-toolkit: ai_toolkit.yaml, a whole job that trains an adapter, with a dataset per folder."""

from workflow_scripts.dataset.trainers.layout import STARTING, Layout, Part, make_header, quote

EVERY = 250  # steps between two samples, states saved, losses of what is held out
PROMPTS = 3  # captions that samples are drawn of
BASE = ("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd1")


def format_job(layout: Layout) -> str:
    """Samples are drawn of held-out captions, where there are some."""
    held_out = layout.select("validation")
    captions = [text for part in held_out or layout.parts for text in part.rows["caption"]]
    return "\n".join(
        [
            *make_header(layout),
            "# Another base is another name_or_path and arch, at the end.",
            "job: extension",
            "config:",
            f"  name: {_quote(layout.name)}",
            "  process:",
            "    - type: sd_trainer",
            "      training_folder: output",
            "      device: cuda",
            "      network:",
            "        type: lora",
            f"        linear: {STARTING['rank']}",
            f"        linear_alpha: {STARTING['alpha']}",
            "      save:",
            f"        save_every: {EVERY}",
            "      datasets:",
            *(line for part in layout.select("train") for line in _dataset(layout, part)),
            "      train:",
            f"        steps: {STARTING['steps']}",
            f"        lr: {STARTING['learning_rate']}",
            "        dtype: bf16",
            *(_validation(layout, held_out) if held_out else []),
            "      sample:",
            f"        sample_every: {EVERY}",
            f"        width: {layout.resolution}",
            f"        height: {layout.resolution}",
            "        prompts:",
            *(f"          - {_quote(caption)}" for caption in captions[:PROMPTS]),
            "      model:",
            f"        name_or_path: {_quote(BASE[0])}",
            f"        arch: {BASE[1]}",
            "",
        ]
    )


def _dataset(layout: Layout, part: Part) -> list[str]:
    lines = [
        f"        - folder_path: {_quote(layout.locate(part.path))}",
        "          caption_ext: txt",
        f"          resolution: {layout.resolution}",
        f"          num_repeats: {part.repeats}",
    ]
    masks = f"          mask_path: {_quote(layout.locate_masks(part.split))}"
    return [*lines, masks] if part.is_masked else lines


def _validation(layout: Layout, parts: list[Part]) -> list[str]:
    images = [row for part in parts for row in part.rows.itertuples()]
    lines = [
        "        validation_config:",
        f"          resolution: {layout.resolution}",
        f"          validate_every_n_steps: {EVERY}",
        "          validation_items:",
    ]
    for row in images:
        lines.append(f"            - image_path: {_quote(layout.locate(row.file))}")
        lines.append(f"              prompt: {_quote(row.caption)}")
    return lines


def _quote(text: str) -> str:
    """ai-toolkit fills in ${...} from the environment before it reads the YAML: not here."""
    return quote(text).replace("${", r"\x24{")
