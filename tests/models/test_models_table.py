"""A table of models of one's own, and the pins: what is wrong is said, with its place."""

import hashlib
import re
from pathlib import Path

import pytest
import yaml

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.fetching import pins
from workflow_scripts.models.loaders import telea
from workflow_scripts.models.registry import choose_model, list_sources, load_model, read_registry

SUM = "a" * 64
FILE = {"source": "https", "url": "https://example.org/a", "license": "MIT"}
FOLDER = {"source": "file", "path": "/x", "license": "MIT", "members": ["a.json"]}
MODEL = {"role": "inpaint", "tier": "full", "loader": "telea", "files": []}


def refused(tmp_path: Path, text: str) -> str:
    """What is said of a table."""
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CineloraError, match=r"^models\.table: .*own\.yaml") as error:
        read_registry(tmp_path / "own.yaml")
    return str(error.value)


@pytest.mark.parametrize("name", ["../a", "/etc/a", ".a", "a/b", "a\nb", "{a}", "a b", "ä"])
@pytest.mark.parametrize("section", ["files", "folders"])
def test_a_file_is_no_path_to_elsewhere(tmp_path, section, name):
    row = FILE if section == "files" else FOLDER
    said = refused(tmp_path, yaml.safe_dump({section: {name: row}}))
    assert "is named with letters, digits" in said


@pytest.mark.parametrize("member", ["../b", "/etc/passwd", ".b", "b/../../c", "", "b/", "b\\c", 1])
def test_members_lie_in_their_folder(tmp_path, member):
    text = yaml.safe_dump({"folders": {"a": {**FOLDER, "members": ["a.json", member]}}})
    assert re.search("members is .*expected a list of files, none outside", refused(tmp_path, text))


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("files", "bytes", "many", "a whole number above 0"),
        ("files", "bytes", -5, "a whole number above 0"),
        ("files", "bytes", True, "a whole number above 0"),
        ("files", "bytes", 1.5, "a whole number above 0"),
        ("files", "approx_mb", 0, "a number above 0"),
        ("files", "sha256", "abc", "64 hexadecimal digits"),
        ("files", "sha256", SUM.upper(), "64 hexadecimal digits"),
        ("files", "sha265", SUM, "did you mean 'sha256'"),
        ("files", "source", "ftp", "one of pypi, https, hf, file"),
        ("files", "source", ["https"], "one of pypi, https, hf, file"),
        ("files", "url", ["https://a"], "text in one line"),
        ("files", "url", "https://a\nb", "text in one line"),
        ("files", "license", None, "text in one line"),
        ("files", "commercial", "no", "true or false"),
        ("files", "alternatives", [{"url": "https://a"}], "alternatives 1 lacks source"),
        ("files", "alternatives", [{**FILE, "sha256": 7}], "alternatives 1.sha256 is '7'"),
        ("files", "alternatives", [{**FOLDER, "sha256": SUM}], "only a single file has"),
        ("folders", "alternatives", [{**FILE, "sha256": SUM}], "only a single file has"),
        ("folders", "members", "a.json", "a list of files"),
        ("folders", "sums", {"b.json": {"sha256": SUM}}, "b.json is no member of that folder"),
        ("folders", "sums", {"a.json": SUM}, "a.json lacks sha256"),
        ("models", "role", "inpant", "'inpant', expected one of"),
        ("models", "role", {"a": 1}, "a word, or a list of them"),
        ("models", "role", [], "a word, or a list of them"),
        ("models", "tier", "ful", "'ful', expected one of light, full, on request"),
        ("models", "tier", 3, "a word, or a list of them"),
        ("models", "loader", ["telea"], "text in one line"),
        ("models", "loader", "../telea", "there is no loader"),
        ("models", "files", ["nowhere.bin"], "names nowhere.bin, which is no row under files"),
        ("models", "files", "abc", "a list of names"),
        ("models", "folders", 3, "a list of names"),
        ("models", "options", [1], "a block of names and values"),
        ("models", "vram_gb", "much", "a number above 0"),
        ("models", "regions", "no", "true or false"),
        ("models", "sure_score", "0.6", "a number above 0"),
        ("models", "limit", ["no animals"], "text in one line"),
        ("models", "optoins", {}, "did you mean 'options'"),
    ],
)
def test_a_value_of_another_kind_is_named(tmp_path, section, key, value, words):
    row = {"files": FILE, "folders": FOLDER, "models": MODEL}[section]
    assert words in refused(tmp_path, yaml.safe_dump({section: {"a": {**row, key: value}}}))


def test_options_that_the_loader_does_not_have_are_named(tmp_path):
    own = {"models": {"mine": {**MODEL, "options": {"radius": 3}}}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    asked = {"tier": "full", "table": str(tmp_path / "own.yaml"), "inpaint": "mine"}
    with pytest.raises(
        CineloraError, match=r"(?s)model mine: its options .* loader telea .*radius"
    ):
        load_model(choose_model("inpaint", asked), [])


@pytest.mark.parametrize("loader", ["folders", "__init__", "mobilenet"])
def test_a_loader_of_another_role_is_named(loader):
    model = choose_model("inpaint", {"tier": "light"}) | {"loader": loader}
    with pytest.raises(CineloraError, match=f"loader {loader} opens no model of the role inpaint"):
        load_model(model, [])


def test_sums_of_all_sources_and_of_members_are_those_of_the_model(tmp_path):
    other = {**FILE, "url": "https://example.net/a", "sha256": "b" * 64}
    own = {
        "files": {"a": {**FILE, "sha256": SUM, "alternatives": [other]}},
        "folders": {"f": {**FOLDER, "sums": {"a.json": {"sha256": "c" * 64, "bytes": 2}}}},
        "models": {"mine": {**MODEL, "files": ["a"], "folders": ["f"]}},
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    asked = {"tier": "full", "table": str(tmp_path / "own.yaml"), "inpaint": "mine"}
    model = choose_model("inpaint", asked)
    assert model["sums"] == {"a": [SUM, "b" * 64], "f/a.json": "c" * 64}
    sources = list_sources(read_registry(asked["table"])["files"]["a"])
    assert [source["url"] for source in sources] == [FILE["url"], other["url"]]


@pytest.mark.parametrize(
    ("own_sum", "taken"),
    [({}, ["pinned", "other"]), ({"sha256": hashlib.sha256(b"own").hexdigest()}, ["own", "other"])],
    ids=["the row has no sum", "the row has its own"],
)
def test_a_file_of_any_of_its_sources_is_taken(tmp_path, monkeypatch, own_sum, taken):
    monkeypatch.setattr(pins, "LOCK", tmp_path / "models.lock.yaml")
    path, sums = tmp_path / "a.bin", {}
    for data in ("own", "other", "pinned"):  # the last is the pin's
        path.write_text(data, encoding="utf-8")
        sums[data] = hashlib.sha256(data.encode()).hexdigest()
    pins.pin("a.bin", FILE, path)
    other = {**FILE, "url": "https://example.net/a", "sha256": sums["other"]}
    files = {"a.bin": {**FILE, **own_sum, "alternatives": [other]}}
    own = {"files": files, "models": {"mine": {**MODEL, "files": ["a.bin"]}}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    asked = {"tier": "full", "table": str(tmp_path / "own.yaml"), "inpaint": "mine"}
    model, passed = choose_model("inpaint", asked), []
    monkeypatch.setattr(telea, "load_inpaint", lambda files, device: passed.append(files))
    for data in sums:
        path.write_text(data, encoding="utf-8")
        if data in taken:
            load_model(model, [path])
        else:
            with pytest.raises(CineloraError, match="is not what the table of models names"):
                load_model(model, [path])
    assert len(passed) == 2


PIN = f"a.bin: {{source: s, sha256: '{SUM}', bytes: 3}}\n".encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"[1]", "a list"),
        (b"a.bin: [1]", "a.bin must hold"),
        (b"a.bin: {sha256: abc}", "a.bin has a sha256 that is not 64"),
        (PIN.replace(b"3", b"many"), "a.bin has bytes that are no number"),
        (PIN.replace(b"source: s", b"source: [s]"), "a.bin has a source or a revision"),
        (PIN + PIN, "line 2: a.bin stands in line 1 already"),
        (PIN.decode().encode("utf-16"), "not UTF-8"),
        (b"a.bin: \xe9", "not UTF-8"),
        (PIN[:40], "line 1"),
    ],
)
def test_damaged_pins_are_said_to_be(tmp_path, monkeypatch, data, words):
    monkeypatch.setattr(pins, "LOCK", tmp_path / "models.lock.yaml")
    pins.LOCK.write_bytes(data)
    with pytest.raises(CineloraError, match=rf"(?s)lock\.yaml is damaged .*{words}.*take it from"):
        pins.read_lock()


@pytest.mark.parametrize(
    ("what", "words"),
    [("a folder", "cannot be read"), ("a link to itself", "is a link that leads nowhere")],
    ids=["a folder", "a link to itself"],
)
def test_pins_that_are_no_file_are_not_taken_for_none(tmp_path, monkeypatch, what, words):
    monkeypatch.setattr(pins, "LOCK", tmp_path / "models.lock.yaml")
    if what == "a folder":
        pins.LOCK.mkdir()
    else:
        pins.LOCK.symlink_to(pins.LOCK)
    with pytest.raises(CineloraError, match=words):
        pins.read_lock()


def test_pins_that_are_whole_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pins, "LOCK", tmp_path / "models.lock.yaml")
    assert pins.read_pinned_sums() == {}
    (tmp_path / "a.bin").write_bytes(b"abc")
    pins.pin("a.bin", {**FILE}, tmp_path / "a.bin")
    assert pins.read_pinned_sums() == {"a.bin": hashlib.sha256(b"abc").hexdigest()}
    pins.LOCK.write_bytes(b"\xef\xbb\xbf" + pins.LOCK.read_bytes())  # as some editors save it
    assert len(pins.read_pinned_sums()) == 1
