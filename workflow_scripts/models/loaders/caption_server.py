"""Role caption by a server: questions through an address that speaks OpenAI's protocol.

CINELORA_CAPTION_URL is the address, such as http://node7:8000/v1 of a vLLM server;
CINELORA_CAPTION_KEY its key where it wants one. Neither is written anywhere, and a redirect is not
followed: it would carry the key to another machine.
"""

import base64
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPMessage
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log

ADDRESS, KEY = "CINELORA_CAPTION_URL", "CINELORA_CAPTION_KEY"
TRIES = 4
PAUSE_S = 2.0  # before the second try; each later one waits twice as long
MAX_PAUSE_S = 120.0  # a server that asks for more is not waited for
Ask = Callable[..., list[str]]  # ask(images, questions, system="") -> answers, in order


def load_caption(
    files: dict[str, Path],
    *,
    device: str,
    model: str,
    response_format: str,
    parallel: int,
    max_new_tokens: int,
    max_side_px: int,
    timeout_s: float,
) -> Ask:
    """Return ask(images, questions) -> answers; `parallel` questions are under way at once.

    Images are RGB uint8 (H, W, 3); `system`, the same for all, says who answers and how. With the
    `response_format` json_object an answer is one JSON object, with text whatever comes. Needs no
    `files`; `device` is the server's affair.
    """
    address, headers = read_address(), write_headers()
    asked = {"model": model, "max_tokens": max_new_tokens, "temperature": 0}
    asked["response_format"] = {"type": response_format}

    def ask(images: Sequence[np.ndarray], questions: Sequence[str], system: str = "") -> list[str]:
        def answer(image: np.ndarray, question: str) -> str:
            turns = write_turns(encode_image(image, max_side_px), question, system)
            body = {**asked, "messages": turns}
            return post(f"{address}/chat/completions", body, headers, timeout_s)

        with ThreadPoolExecutor(parallel) as pool:
            return list(pool.map(answer, images, questions))

    return ask


def read_address() -> str:
    """The server's address, as it is exported; one that is none of the web is refused."""
    address = os.environ.get(ADDRESS, "").rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise CineloraError(
            f"{ADDRESS} is not set to an address of http or https.\n"
            f"  Export it (export {ADDRESS}=http://host:8000/v1), and {KEY} if it wants one."
        )
    return address


def write_turns(image: str, question: str, system: str) -> list[dict]:
    """The messages of one question about one image (a data address)."""
    words = [
        {"type": "image_url", "image_url": {"url": image}},
        {"type": "text", "text": question},
    ]
    turns = [{"role": "user", "content": words}]
    return [{"role": "system", "content": system}, *turns] if system else turns


def encode_image(image: np.ndarray, max_side_px: int) -> str:
    """The image as a data address, JPEG, no side longer than so many pixels."""
    small, buffer = Image.fromarray(image), BytesIO()
    small.thumbnail((max_side_px, max_side_px))
    small.save(buffer, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def write_headers() -> dict[str, str]:
    """Headers with the key, if there is one; a damaged key is refused before anything prints it."""
    headers = {"Content-Type": "application/json"}
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise CineloraError(
            f"{KEY} holds a line end or a letter outside ASCII, which no key has.\n"
            "  Export it again; it is not shown here."
        )
    return headers | ({"Authorization": f"Bearer {key}"} if key else {})


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other, and no success."""

    def redirect_request(self, *_) -> None:
        return None


def post(address: str, body: dict, headers: dict[str, str], timeout_s: float) -> str:
    """The text of the first choice; "" where the answer is not of that shape.

    A server that cannot be reached is an error after some tries; messages name no address, which
    may hold a password.
    """
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(NoRedirect)
    for tried in range(TRIES):
        pause = PAUSE_S * 2**tried
        try:
            with opener.open(request, timeout=timeout_s) as reply:
                return read_reply(reply.read())
        except urllib.error.HTTPError as error:
            problem = f"answered {error.code} {error.reason}"
            pause = max(pause, read_pause(error.headers))
            if error.code < 500 and error.code not in (408, 429):
                break
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            cause = cause if isinstance(cause, Exception) else error
            problem = f"could not be reached ({type(cause).__name__})"
        if pause > MAX_PAUSE_S:
            problem += f", to be asked again in {pause:.0f} s"
            break
        if tried + 1 < TRIES:
            log.info("the caption server %s; once more in %.0f s", problem, pause)
            time.sleep(pause)
    raise CineloraError(
        f"the caption server of {ADDRESS} {problem}.\n"
        "  Start it, or check address, key and model; what it has answered is kept."
    )


def read_pause(headers: HTTPMessage) -> float:
    """Seconds that Retry-After asks for, given as a number or as a date; 0 without one."""
    wanted = headers.get("Retry-After", "").strip()
    if wanted.isdigit():
        return float(wanted)
    try:
        until = parsedate_to_datetime(wanted)
    except ValueError:
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def read_reply(data: bytes) -> str:
    """The model's words in a reply; "" where the reply holds none."""
    try:
        return str(json.loads(data)["choices"][0]["message"]["content"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
