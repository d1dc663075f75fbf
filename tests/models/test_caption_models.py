"""Captions by a vision-language model: questions, answers, the local model, a server."""

import http.server
import json
import threading
from pathlib import Path

import pytest
import yaml
from workflow_scripts.models.loaders.facts import describe

from workflow_scripts.dataset import vlm
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.loaders import caption_server

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories import models_in_code as build  # noqa: E402
from tests.factories.full_tier_in_code import OPTIONS, PROMPTS  # noqa: E402
from tests.factories.role_models import FOLDER, noise  # noqa: E402

WORDS = yaml.safe_load(Path("resources/vocabularies/captions.yaml").read_text())
ASKED = yaml.safe_load(Path(PROMPTS).read_text())
FACTS = {"subject": "nella woman", "action": "walk", "view": "front", "shot_type": "medium"}
GOOD = '{"clauses": ["holding a lantern", "hand on a gate, open"], "checks": {"action": "sit"}}'


def test_a_question_holds_the_facts_and_the_values_to_choose_from():
    (tags,) = describe("character", [FACTS], [None], WORDS)
    question = vlm.write_question("character", FACTS, tags, WORDS, ASKED)
    assert all(tag.text in question for tag in tags)
    assert '"action": ' in question and "sit" in question
    assert not any(place in question for place in ("{facts}", "{checks}", "{count}"))


@pytest.mark.parametrize(
    "text",
    ["", "a girl walks", "[1, 2]", '{"clauses": []}', '{"clauses": "one"}', '{"a": 1', "{" * 9999],
    ids=["nothing", "prose", "a list", "no clause", "no list", "cut off", "braces"],
)
def test_an_answer_of_another_shape_is_none(text):
    assert vlm.read_answer(text) is None


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{GOOD}\n```",
        f"Here it is: {GOOD} I left {{names}} out.",
        f"As {{asked}}, in the form {{'clauses': []}}:\n{GOOD}",
        f"{GOOD}\n{GOOD}",
        GOOD.replace('"sit"', '"sit", "view": null, "indoor": true, "place": ["a"]'),
    ],
    ids=["a fence", "braces after it", "braces before it", "twice", "checks that are no words"],
)
def test_json_is_found_between_other_words(text):
    answer = vlm.read_answer(text)
    assert answer["clauses"][0] == "holding a lantern"
    against = vlm.find_contradictions("character", FACTS, answer["checks"], WORDS)
    assert against == ["action: measured walk, seen sit"]


def test_an_answer_may_leave_its_checks_out():
    assert (
        vlm.describe_one("pose", {}, [], {"clauses": ["one"], "checks": None}, WORDS).reason == ""
    )


def say(*answers: list[str]) -> tuple[vlm.Ask, list]:
    """An ask() that gives these answers, call by call, and the list of what it was asked."""
    waiting, asked = list(answers), []

    def ask(images, questions):
        asked.append(list(questions))
        return waiting.pop(0)

    return ask, asked


def test_an_unreadable_answer_is_asked_for_once_more_and_then_the_facts_stand():
    ask, asked = say([GOOD, "no", "no"], [GOOD, "still no"])
    describe_images = vlm.make_describe(ask, describe, ASKED, several=3)
    made = list(describe_images("character", [FACTS] * 3, [lambda: noise(8, 8)] * 3, WORDS))
    assert [len(questions) for questions in asked] == [3, 2]
    assert all("was not the JSON object" in question for question in asked[1])
    assert [one.reason for one in made] == ["", "", vlm.UNPARSABLE]
    assert [tag.source for tag in made[0].tags][-2:] == ["vlm", "vlm"]
    assert made[0].tags[-1].text == "hand on a gate open"  # a comma would split it
    assert made[0].contradictions == ["action: measured walk, seen sit"]
    assert made[2].tags == describe("character", [FACTS], [None], WORDS)[0]


@pytest.fixture(scope="module")
def qwen():
    """ask() of a Qwen2.5-VL of two random layers with the real tokenizer and image processor."""
    if not (build.SHARED / "tokenizers/qwen2_5_vl").is_dir():
        pytest.skip("the shared test weights are not there: tokenizers/qwen2_5_vl")
    from workflow_scripts.models.loaders.qwen_vl import open_qwen

    folder = build.build_with_seed(build.build_qwen, Path(FOLDER.name) / "qwen")
    options = OPTIONS["caption"] | {"batch_size": 3, "max_new_tokens": 5}
    return open_qwen(folder, "cpu", ASKED["system"], **options)


def test_qwen_answers_each_image_alike_whatever_its_batch(qwen):
    images = [noise(60, 90), noise(111, 50, 1), noise(64, 64, 2), noise(30, 200, 3)]
    questions = ["What is this?", "And this, in many more words?", "?", "Describe it."]
    together = qwen(images, questions)
    alone = [qwen([i], [q])[0] for i, q in zip(images, questions, strict=True)]
    assert together == alone
    assert qwen([], []) == []


def test_qwen_refuses_another_model(tmp_path):
    from workflow_scripts.models.loaders.qwen_vl import load_caption

    folder = build.build_dinov2(tmp_path / "net")
    (folder / "tokenizer_config.json").write_text("{}")
    files = {"captions.yaml": Path(PROMPTS), "net": folder}
    with pytest.raises(CineloraError, match="model of type 'dinov2'"):
        load_caption(files, device="cpu", **OPTIONS["caption"])


def test_four_bits_need_a_gpu(tmp_path):
    import torch

    from workflow_scripts.models.loaders.qwen_vl import open_net

    with pytest.raises(CineloraError, match="four_bit needs a GPU"):
        open_net(tmp_path, torch.device("cpu"), four_bit=True)


class Speaker(http.server.BaseHTTPRequestHandler):
    """A caption server; `replies` are (status, body) in turn, the last one for ever."""

    replies: list[tuple] = []
    asked: list[tuple[str, dict]] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.headers.get("Authorization", ""), body))
        status, text, *more = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
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

    def start(*replies, timeout_s=5.0):
        Speaker.replies = list(replies)
        asked = {"model": "m", "max_tokens": 9}
        return caption_server.open_server(asked, "be brief", 1, 64, timeout_s)

    yield start
    running.shutdown()
    thread.join()
    running.server_close()


def reply(text: str) -> tuple[int, str]:
    return 200, json.dumps({"choices": [{"message": {"content": text}}]})


def test_a_server_is_asked_with_image_key_and_question(server):
    ask = server(reply("one"), reply("two"))
    assert ask([noise(100, 200), noise(9, 9)], ["a?", "b?"]) == ["one", "two"]
    key, body = Speaker.asked[0]
    assert key == "Bearer secret-key"
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    image, question = body["messages"][1]["content"]
    assert image["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert question["text"] == "a?"


@pytest.mark.parametrize("body", ["<html>", "{}", '{"choices": []}', '{"choices": [{"text": 1}]}'])
def test_a_server_that_answers_nonsense_leaves_the_facts(server, body):
    describe_images = vlm.make_describe(server((200, body)), describe, ASKED, several=1)
    made = list(describe_images("character", [FACTS], [lambda: noise(8, 8)], WORDS))
    assert made[0].reason == vlm.UNPARSABLE
    assert len(Speaker.asked) == 2


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
    ask = caption_server.open_server({"model": "m"}, "be brief", 1, 64, 5.0)
    with pytest.raises(CineloraError, match="could not be reached .*\n.*finished shards are kept"):
        ask([noise(8, 8)], ["?"])


@pytest.mark.parametrize("address", ["", "node7:8000", "file:///etc"])
def test_an_address_must_be_one_of_the_web(monkeypatch, address):
    monkeypatch.setenv("CINELORA_CAPTION_URL", address)
    with pytest.raises(CineloraError, match="CINELORA_CAPTION_URL is not set to an address"):
        caption_server.open_server({"model": "m"}, "be brief", 1, 64, 5.0)
