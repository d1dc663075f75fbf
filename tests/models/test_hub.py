"""The Hugging Face hub behind mirrors and proxies, and with a cache in odd places."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories.hub_on_loopback import Place, open_place
from tests.factories.raw_servers import head, open_raw_server

ROOT = Path(__file__).resolve().parents[2]
DATA = bytes(range(256)) * 400
RUN = """
import sys
from pathlib import Path
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.fetch_model import fetch
row = {"source": "hf", "repo": "own/net", "revision": "main", "members": ["sub/w.bin"]}
row |= {"license": "MIT", **eval(sys.argv[1])}
try:
    fetch(row, Path("m/net"))
except CineloraError as error:
    print(error)
    sys.exit(3)
"""
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture
def place():
    with open_place() as address:
        Place.files["/own/net/resolve/main/sub/w.bin"] = DATA
        yield address


def run(folder: Path, place: str, row: str = "{}", **more: str) -> tuple[int, str]:
    """Exit status (3: a plain message) and all that was said."""
    kept = {key: value for key, value in os.environ.items() if key not in PROXIES}
    kept.pop("HF_HUB_DISABLE_XET", None)
    own = {"HF_ENDPOINT": place, "HF_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    own |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", **more}
    done = subprocess.run(
        [sys.executable, "-c", RUN, row], cwd=folder, env=kept | own, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_a_mirror_is_asked_without_xet(tmp_path, place, monkeypatch):
    monkeypatch.setattr(Place, "xet", True, raising=False)
    status, said = run(tmp_path, place)
    assert status == 0, said[-2000:]
    assert (tmp_path / "m/net/sub/w.bin").read_bytes() == DATA
    assert [path for path, _ in Place.asked] == ["/storage/own/net/resolve/main/sub/w.bin"]


def test_a_home_below_a_folder_of_the_hubs_own_name(tmp_path, place):
    status, said = run(tmp_path, place, HF_HOME=str(tmp_path / "snapshots" / "home"))
    assert status == 0, said[-2000:]
    lock = (tmp_path / "config/models.lock.yaml").read_text(encoding="utf-8")
    assert f"revision: {'c' * 40}" in lock


def test_a_home_that_is_a_file(tmp_path, place):
    (tmp_path / "home").write_text("not a folder", encoding="utf-8")
    status, said = run(tmp_path, place)
    assert status == 3, said[-2000:]
    assert f"HF_HOME, where the hub keeps files, is {tmp_path}/home" in said


def test_a_file_that_is_longer_than_its_row(tmp_path, place):
    status, said = run(
        tmp_path, place, "{'sums': {'sub/w.bin': {'sha256': 'a' * 64, 'bytes': 99}}}"
    )
    assert status == 3, said[-2000:]
    assert "it has more than the 99 bytes that were expected" in said


def test_a_damaged_file_of_the_cache_is_not_pinned(tmp_path, place):
    assert run(tmp_path, place)[0] == 0
    (blob,) = (path for path in (tmp_path / "home").rglob("blobs/*") if path.is_file())
    blob.unlink()  # of which the fetched file is a second name
    blob.write_bytes(bytes(len(DATA)))
    subprocess.run(["rm", "-r", "m", "config"], cwd=tmp_path, check=True)
    status, said = run(tmp_path, place, HF_HUB_OFFLINE="1")
    assert status == 3, said[-2000:]
    assert f"{blob} is damaged" in said
    assert not (tmp_path / "config" / "models.lock.yaml").exists()


def test_a_proxy_that_wants_a_password(tmp_path):
    with open_raw_server() as proxy:
        proxy.answers = [head("407 Proxy Authentication Required", Content_Length=0)]
        address = proxy.url.removesuffix("/a.bin")
        status, said = run(tmp_path, "https://hub.example.org", https_proxy=address)
    assert status == 3, said[-2000:]
    assert "407" in said and "The proxy wants a name and a password" in said


def test_a_socks_proxy_without_its_package(tmp_path):
    proxy = "socks5://127.0.0.1:9"
    status, said = run(tmp_path, "https://hub.example.org", all_proxy=proxy)
    assert status == 3, said[-2000:]
    assert "Name an http proxy, or install the package" in said
