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
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.models.web import (
    NoRedirects,
    Patience,
    check_proxy,
    make_opener,
    plain,
    read_pause,
)

ADDRESS, KEY = "CINELORA_CAPTION_URL", "CINELORA_CAPTION_KEY"
TRIES = 4
PAUSE_S = 2.0  # before the second try; each later one waits twice as long
MAX_PAUSE_S = 120.0  # a server that asks for more is not waited for
MAX_REPLY = 4 << 20  # bytes of one answer, a few hundred words
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
    check_proxy(address)
    asked = {"model": model, "max_tokens": max_new_tokens, "temperature": 0}
    asked["response_format"] = {"type": response_format}

    def ask(images: Sequence[np.ndarray], questions: Sequence[str], system: str = "") -> list[str]:
        def answer(image: np.ndarray, question: str) -> str | None:
            turns = write_turns(encode_image(image, max_side_px), question, system)
            body = {**asked, "messages": turns}
            return post(f"{address}/chat/completions", body, headers, timeout_s)

        with ThreadPoolExecutor(parallel) as pool:
            answers = list(pool.map(answer, images, questions))
        if unread := answers.count(None):
            log.warning("%d of %d answers of the caption server are none", unread, len(answers))
            log.warning("  of a chat: does %s end with /v1, as such addresses do?", ADDRESS)
        return [said or "" for said in answers]

    return ask


def read_address() -> str:
    """The server's address, as it is exported; one that is none of the web is refused."""
    address = os.environ.get(ADDRESS, "").rstrip("/")
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:  # brackets that do not close, a port that is no number
        whole = False
    if not whole or not (address.isascii() and address.isprintable()) or " " in address:
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


def post(address: str, body: dict, headers: dict[str, str], timeout_s: float) -> str | None:
    """The text of the first choice; None where the answer is not of that shape.

    A server that cannot be reached is an error after some tries, and so is one that goes on for
    longer than `timeout_s` or MAX_REPLY; messages name no address, which may hold a password.
    """
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    opener = make_opener(Patience(timeout_s, MAX_REPLY, MAX_REPLY), NoRedirects())
    for tried in range(TRIES):
        pause = PAUSE_S * 2**tried
        try:
            with opener.open(request, timeout=timeout_s) as reply:
                return read_reply(reply.read(MAX_REPLY + 1))
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"answered {error.code} {plain(error.reason)}"
            pause = max(pause, read_pause(error.headers))
            if error.code < 500 and error.code not in (408, 429):
                break
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = f"could not be reached ({name_cause(error)})"
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


def name_cause(error: Exception) -> str:
    """What went wrong; the words of other libraries could hold the address."""
    cause = getattr(error, "reason", None)
    cause = cause if isinstance(cause, Exception) else error
    ours = type(cause) is OSError and cause.errno is None
    return plain(cause) if ours else type(cause).__name__


def read_reply(data: bytes) -> str | None:
    """The model's words in a reply, "" where it says nothing; None where it is no such reply."""
    try:
        said = json.loads(data)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    if said is None:
        return ""
    # half of a surrogate pair is no letter, and no file takes it
    return said.encode("utf-8", "replace").decode("utf-8") if isinstance(said, str) else None
