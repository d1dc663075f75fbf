"""Role caption by a server: the same questions through an address that speaks OpenAI's protocol.

CINELORA_CAPTION_URL is the address, such as http://node7:8000/v1 of a vLLM server;
CINELORA_CAPTION_KEY its key where it wants one. Neither is written anywhere.
"""

import base64
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.models.facts import describe
from workflow_scripts.lib.packing.vlm import Ask, make_describe

ADDRESS, KEY = "CINELORA_CAPTION_URL", "CINELORA_CAPTION_KEY"
TRIES, PAUSE_S = 3, 2.0


def load_caption(
    files: dict[str, Path],
    *,
    device: str,
    model: str,
    parallel: int,
    max_new_tokens: int,
    max_side_px: int,
    timeout_s: float,
):
    """Return describe(kind, facts, pictures, vocabulary); `device` is the server's affair."""
    prompts = yaml.safe_load(files["captions.yaml"].read_text())
    asked = {"model": model, "max_tokens": max_new_tokens, "temperature": 0}
    ask = open_server(asked, prompts["system"], parallel, max_side_px, timeout_s)
    return make_describe(ask, describe, prompts)


def open_server(asked: dict, system: str, parallel: int, max_side_px: int, timeout_s: float) -> Ask:
    """Return ask(pictures, questions) -> answers; `parallel` questions are under way at once."""
    address = os.environ.get(ADDRESS, "").rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise CineloraError(
            f"{ADDRESS} is not set to an address of http or https.\n"
            f"  Export it (export {ADDRESS}=http://host:8000/v1), and {KEY} if it wants one."
        )

    def answer(image: np.ndarray, question: str) -> str:
        words = [
            {"type": "image_url", "image_url": {"url": encode_picture(image, max_side_px)}},
            {"type": "text", "text": question},
        ]
        turns = [{"role": "system", "content": system}, {"role": "user", "content": words}]
        return post(f"{address}/chat/completions", {**asked, "messages": turns}, timeout_s)

    def ask(images: Sequence[np.ndarray], questions: Sequence[str]) -> list[str]:
        with ThreadPoolExecutor(parallel) as pool:
            return list(pool.map(answer, images, questions))

    return ask


def encode_picture(image: np.ndarray, max_side_px: int) -> str:
    """The picture as a data address, JPEG, no side longer than so many pixels."""
    picture, buffer = Image.fromarray(image), BytesIO()
    picture.thumbnail((max_side_px, max_side_px))
    picture.save(buffer, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def post(address: str, body: dict, timeout_s: float) -> str:
    """The text of the first choice; "" where the answer is not of that shape.

    A server that cannot be reached is an error after some tries; messages name no address, which
    may hold a password.
    """
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY):
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    for left in reversed(range(TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as reply:
                return read_reply(reply.read())
        except urllib.error.HTTPError as error:
            problem = f"answered {error.code} {error.reason}"
            if error.code < 500 and error.code != 429:
                break
        except (OSError, http.client.HTTPException) as error:
            problem = f"could not be reached ({type(error).__name__})"
        if left:
            time.sleep(PAUSE_S)
    raise CineloraError(
        f"the caption server of {ADDRESS} {problem}.\n"
        "  Start it, or check address, key and model; finished shards are kept."
    )


def read_reply(data: bytes) -> str:
    """The model's words in a reply; "" where the reply holds none."""
    try:
        return str(json.loads(data)["choices"][0]["message"]["content"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
