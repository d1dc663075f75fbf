"""What tests of downloads and servers share."""

import pytest

from tests.factories.raw_servers import open_raw_server


@pytest.fixture
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with open_raw_server() as running:
        yield running
