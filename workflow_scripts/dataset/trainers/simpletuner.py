"""SimpleTuner: multidatabackend.json, a backend per folder, and where what it computes is kept.

It trains on the whole image: it finds masks only under the whole name of their image, x.jpg.
"""

import json

from workflow_scripts.dataset.trainers.layout import CACHE, Layout, Part, count_part

CACHES = CACHE + "/simpletuner/{model_family}"  # SimpleTuner fills in the model


def format_backends(layout: Layout) -> str:
    """One backend a line, as JSON; held-out images are of type eval."""
    backends = [_backend(layout, part) for part in layout.parts]
    texts = {
        "id": f"{layout.name} captions",
        "type": "local",
        "dataset_type": "text_embeds",
        "default": True,
        "cache_dir": layout.locate(f"{CACHES}/captions"),
    }
    lines = [json.dumps(backend, ensure_ascii=False) for backend in [*backends, texts]]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _backend(layout: Layout, part: Part) -> dict:
    return {
        "id": count_part(layout, part),
        "type": "local",
        "dataset_type": "image" if part.split == "train" else "eval",
        "instance_data_dir": layout.locate(part.path),
        "cache_dir_vae": layout.locate(f"{CACHES}/{part.split}_{part.repeats}"),
        "caption_strategy": "textfile",
        "metadata_backend": "discovery",
        "resolution": round(layout.resolution**2 / 1e6, 6),  # megapixels
        "resolution_type": "area",
        "minimum_image_size": 0,  # else an option of its own drops small images
        "crop": False,
        "repeats": part.repeats - 1,  # times that an image is shown again
    }
