"""Which addresses are asked at all, and what is said of proxies."""

import socket

import pytest

from tests.factories.raw_servers import head
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models import fetch_model
from workflow_scripts.models.fetching.hub import explain_hub
from workflow_scripts.models.loaders import caption_server
from workflow_scripts.models.web import check_address, explain_failure, wants_password

pytestmark = pytest.mark.usefixtures("no_proxies")


def test_a_redirect_from_https_to_http_is_refused_on_this_machine_too():
    here = "http://127.0.0.1/a"
    check_address("https://example.org/b", came_from="https://example.org/a")
    check_address("http://localhost/b", came_from=here)
    with pytest.raises(CineloraError, match=f"sends on to {here}, which does not begin"):
        check_address(here, came_from="https://example.org/a")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "https://",
        "https://[::1/a",
        "https://example.org:port/a",
        "https://example.org/a\r\nX: y",
        "http://127.0.0.1.example.org/a",
        "http://localhost@example.org/a",
    ],
)
def test_only_https_and_this_machine(tmp_path, url):
    row = {"source": "https", "url": url, "license": "MIT"}
    with pytest.raises(CineloraError, match="does not begin with https|is no address"):
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")


def test_a_socks_proxy_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "socks5://user:secret@127.0.0.1:1080")
    row = {"source": "https", "url": "https://example.org/a", "license": "MIT"}
    with pytest.raises(CineloraError, match="https_proxy names a SOCKS proxy") as error:
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_socks_proxy_before_a_caption_server_is_named(monkeypatch, scheme):
    monkeypatch.setenv("CINELORA_CAPTION_URL", f"{scheme}://me:hidden@node7.example.org/v1")
    monkeypatch.setenv(f"{scheme}_proxy", "socks5h://user:secret@127.0.0.1:1080")
    options = {"model": "m", "response_format": "text", "parallel": 1, "max_new_tokens": 9}
    options |= {"device": "cpu", "max_side_px": 64, "timeout_s": 1.0}
    with pytest.raises(CineloraError, match=f"^{scheme}_proxy names a SOCKS proxy") as error:
        caption_server.load_caption({}, **options)
    for word in ("secret", "hidden", "download"):
        assert word not in str(error.value)
    monkeypatch.setenv("no_proxy", "example.org")
    assert callable(caption_server.load_caption({}, **options))


def test_a_proxy_that_wants_a_password_is_explained(tmp_path, server, monkeypatch):
    server.answers = [head("407 Proxy Authentication Required", Content_Length=0)]
    monkeypatch.setenv("https_proxy", server.url.removesuffix("/a.bin"))
    row = {"source": "https", "url": "https://example.org/a", "license": "MIT"}
    with pytest.raises(CineloraError, match="407 .*the proxy wants a name and a password"):
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")
    assert server.asked[0].startswith("CONNECT example.org:443")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Tunnel connection failed: 407 Proxy Authentication Required", True),
        ("HTTP Error 407: authenticationrequired", True),
        ("407 Client Error: Proxy Authentication Required for url: https://example.org", True),
        ("Client error '407 Proxy Authentication Required' for url", True),
        ("407 bytes came, 1000 were expected", False),
        ("it broke off at 407 of 1000 bytes", False),
        ("https://example.org/nets-407.bin is not there", False),
        ("HTTP Error 404: 407.bin", False),
        ("cannot connect to 10.0.0.1:407", False),
    ],
)
def test_only_a_status_is_a_proxys_wish_for_a_password(said, expected):
    row = {"repo": "own/net-407", "member": "a.bin"}
    assert wants_password(said) is expected
    assert ("wants a name and a password" in explain_hub(OSError(said), row)) is expected
    assert ("wants a name and a password" in explain_failure(OSError(said))) is expected


def test_no_network(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    row = {"source": "https", "url": f"http://127.0.0.1:{port}/a", "license": "MIT"}
    with pytest.raises(CineloraError, match="could not be reached: .*refused"):
        fetch_model.fetch(row, tmp_path / "m" / "a.bin")
