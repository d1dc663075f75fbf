"""A caption model behind a server: questions about images in, answers out; what goes wrong."""

import http.server
import json
import threading
import time

import pytest

from tests.factories.raw_servers import head, open_raw_server
from workflow_scripts.dataset.describe_images import AT_ONCE
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.loaders import caption_server
from workflow_scripts.models.registry import choose_model

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.role_models import noise  # noqa: E402

SERVER = {"parallel": 1, "max_new_tokens": 9, "max_side_px": 64, "timeout_s": 5.0}
SERVER["response_format"] = "json_object"


ECHO = "the question"


class Speaker(http.server.BaseHTTPRequestHandler):
    """A caption server; `replies` are (status, body) in turn, the last one for ever."""

    replies: list[tuple] = []
    together = threading.Barrier(1)  # how many must be asked at once before any is answered
    asked: list[tuple[str, dict]] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.headers.get("Authorization", ""), body))
        status, text, *more = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if text == ECHO:
            self.together.wait(5)
            text = reply(body["messages"][-1]["content"][1]["text"])[1]
        if status == 0:  # say nothing until the other side has gone
            self.rfile.read(1)
            return
        self.send_response(status)
        for name, value in more:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        pass


@pytest.fixture
def server(monkeypatch):
    """ask(replies) -> ask() of a server that gives them."""
    Speaker.asked = []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Speaker)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    monkeypatch.setenv("CINELORA_CAPTION_URL", f"http://127.0.0.1:{running.server_port}/v1")
    monkeypatch.setenv("CINELORA_CAPTION_KEY", "secret-key")
    monkeypatch.setattr(caption_server, "PAUSE_S", 0.0)

    def start(*replies, **more):
        Speaker.replies = list(replies)
        options = SERVER | more
        return caption_server.load_caption({}, device="cpu", model="m", **options)

    yield start
    running.shutdown()
    thread.join()
    running.server_close()


def reply(text: str) -> tuple[int, str]:
    return 200, json.dumps({"choices": [{"message": {"content": text}}]})


def test_a_server_is_asked_with_image_key_and_question(server):
    ask = server(reply("one"), reply("two"))
    assert ask([noise(100, 200), noise(9, 9)], ["a?", "b?"], "be brief") == ["one", "two"]
    key, body = Speaker.asked[0]
    assert key == "Bearer secret-key"
    assert body["messages"][0] == {"role": "system", "content": "be brief"}
    image, question = body["messages"][1]["content"]
    assert image["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert question["text"] == "a?"


def test_a_server_is_asked_for_json(server):
    server(reply("{}"))([noise(8, 8)], ["?"])
    server(reply("one"), response_format="text")([noise(8, 8)], ["?"])
    asked = [body["response_format"] for _, body in Speaker.asked]
    assert asked == [{"type": "json_object"}, {"type": "text"}]


def test_a_server_is_asked_many_things_at_once_and_answers_keep_their_places(server, monkeypatch):
    monkeypatch.setattr(Speaker, "together", threading.Barrier(4))  # fewer would wait in vain
    questions = [f"{n}?" for n in range(12)]
    assert server((200, ECHO), parallel=4)([noise(8, 8)] * 12, questions) == questions


def test_a_phase_hands_a_server_as_much_as_it_takes_at_once():
    row = choose_model("caption", {"tier": "full", "caption": "caption-server"})
    assert 32 <= row["options"]["parallel"] <= min(64, AT_ONCE)


@pytest.mark.parametrize("body", ["<html>", "{}", '{"choices": []}', '{"choices": [{"text": 1}]}'])
def test_a_server_that_answers_nonsense_says_nothing(server, body):
    assert server((200, body))([noise(8, 8)], ["?"]) == [""]


def test_a_busy_server_is_asked_again(server):
    assert server((503, "wait"), (429, "wait"), reply("one"))([noise(8, 8)], ["?"]) == ["one"]


@pytest.mark.parametrize(
    ("replies", "words"),
    [([(401, "no")], "answered 401"), ([(500, "no")], "answered 500")],
    ids=["the key is wrong", "broken for good"],
)
def test_a_server_that_refuses_is_an_error_without_its_address(server, replies, words, caplog):
    with pytest.raises(CineloraError, match=words) as hit:
        server(*replies)([noise(8, 8)], ["?"])
    assert "127.0.0.1" not in str(hit.value) + caplog.text
    assert "secret" not in str(hit.value) + caplog.text


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [("7", 7), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", 0)],
    ids=["seconds", "a date gone by", "no time"],
)
def test_a_server_is_waited_for_as_long_as_it_asks(server, monkeypatch, wait, seconds):
    slept = []
    monkeypatch.setattr(caption_server.time, "sleep", slept.append)
    ask = server((429, "wait", ("Retry-After", wait)), reply("one"))
    assert ask([noise(8, 8)], ["?"]) == ["one"]
    assert slept == [seconds]


def test_a_server_that_asks_for_an_hour_is_not_waited_for(server):
    with pytest.raises(CineloraError, match="answered 429 .*, to be asked again in 3600 s"):
        server((429, "wait", ("Retry-After", "3600")))([noise(8, 8)], ["?"])


def test_a_server_that_never_answers_is_an_error(server):
    with pytest.raises(CineloraError, match=r"could not be reached \(TimeoutError\)"):
        server((0, ""), timeout_s=0.05)([noise(8, 8)], ["?"])


def test_the_key_does_not_follow_a_redirect(server):
    address = caption_server.os.environ["CINELORA_CAPTION_URL"]
    with pytest.raises(CineloraError, match="answered 302"):
        server((302, "", ("Location", f"{address}/elsewhere")))([noise(8, 8)], ["?"])
    assert len(Speaker.asked) == 1


@pytest.mark.parametrize("key", ["secret\r\nX-More: 1", "sécret"])
def test_a_damaged_key_is_not_shown(server, monkeypatch, key):
    monkeypatch.setenv("CINELORA_CAPTION_KEY", key)
    with pytest.raises(CineloraError, match="CINELORA_CAPTION_KEY holds a line end") as hit:
        server(reply("one"))
    assert "cret" not in str(hit.value)


def test_a_line_end_after_the_key_is_no_part_of_it(server, monkeypatch):
    monkeypatch.setenv("CINELORA_CAPTION_KEY", "secret-key\r\n")
    server(reply("one"))([noise(8, 8)], ["?"])
    assert Speaker.asked[0][0] == "Bearer secret-key"


def test_a_server_that_is_down_is_an_error(monkeypatch):
    monkeypatch.setenv("CINELORA_CAPTION_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setattr(caption_server, "PAUSE_S", 0.0)
    ask = caption_server.load_caption({}, device="cpu", model="m", **SERVER)
    with pytest.raises(CineloraError, match="could not be reached .*\n.*has answered is kept"):
        ask([noise(8, 8)], ["?"])


@pytest.mark.parametrize("address", ["", "node7:8000", "file:///etc"])
def test_an_address_must_be_one_of_the_web(monkeypatch, address):
    monkeypatch.setenv("CINELORA_CAPTION_URL", address)
    with pytest.raises(CineloraError, match="CINELORA_CAPTION_URL is not set to an address"):
        caption_server.load_caption({}, device="cpu", model="m", **SERVER)


RAW = {"model": "m", **SERVER, "timeout_s": 0.2}
LONG = head(Content_Length=1 << 40)


def without_end(first: bytes, again: bytes):
    def answer(connection):
        connection.sendall(first)
        for _ in range(1 << 20):
            connection.sendall(again)

    return answer


def drop_by_drop(connection):
    connection.sendall(head(Content_Length=1000))
    for _ in range(60):  # each byte in time for a timeout that begins anew
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (without_end(LONG, b"x" * 65536), "it sends more than 4194304 bytes"),
        (
            without_end(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 60000 + b"\r\n"),
            "it sends more than",
        ),
        (drop_by_drop, "TimeoutError"),
        (b"\xff\x00 what\r\n\r\n", "BadStatusLine"),
        (head("302 Found", Location="file:///etc/passwd", Content_Length=0), "answered 302"),
        (head("302 Found", Location="http://example.org", Content_Length=0), "answered 302"),
        (head("500 \x1b[31mOh", Content_Length=0), r"answered 500 \?\[31mOh"),
        (head("503 Busy", Retry_After="9" * 400, Content_Length=0), "to be asked again in 9999"),
        (head("503 Busy", Retry_After="²", Content_Length=0), "answered 503 Busy"),
    ],
    ids=["body without end", "head without end", "drops", "garbage", "to a file", "to others"]
    + ["escapes", "much later", "odd later"],
)
def test_a_server_is_bounded_in_bytes_and_time(monkeypatch, answer, words):
    monkeypatch.setattr(caption_server, "PAUSE_S", 0.0)
    monkeypatch.setattr(caption_server, "TRIES", 1)
    with open_raw_server() as server:
        monkeypatch.setenv("CINELORA_CAPTION_URL", server.url.removesuffix("/a.bin"))
        server.answers = [answer]
        ask = caption_server.load_caption({}, device="cpu", **RAW)
        started = time.monotonic()
        with pytest.raises(CineloraError, match=words):
            ask([noise(8, 8)], ["?"])
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"choices": [{"message": {"content": null}}]}', ""),
        ('{"choices": [{"message": {"content": ["a"]}}]}', ""),
        ('{"choices": {"0": 1}}', ""),
        ("[" * 100_000, ""),
        ('{"choices": [{"message": {"content": "a \\ud83d cat"}}]}', "a ? cat"),
    ],
    ids=["null", "a list", "no list", "brackets without end", "half of a pair"],
)
def test_odd_content_is_no_caption(server, body, text):
    said = server((200, body))([noise(8, 8)], ["?"])
    assert said == [text]
    assert said[0].encode("utf-8") == text.encode()


def test_answers_of_no_chat_are_told(server, caplog):
    server((200, "<html>"))([noise(8, 8)] * 3, ["?"] * 3)
    assert "3 of 3 answers of the caption server are none" in caplog.text


@pytest.mark.parametrize(
    "address",
    ["http://[::1", "http://a:port/v1", "http://", "http://a b/v1", "http://ä/v1", "a:80"],
)
def test_an_address_that_is_none_is_refused_before_anything_is_asked(monkeypatch, address):
    monkeypatch.setenv("CINELORA_CAPTION_URL", address)
    with pytest.raises(CineloraError, match="is not set to an address of http or https"):
        caption_server.load_caption({}, device="cpu", **RAW)
