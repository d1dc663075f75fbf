"""What goes wrong while weights are fetched, each with the command that a user types.

Homes and proxies are on this machine; nothing here asks any other.
"""

import hashlib
import sys
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.factories.hub_on_loopback import Place, open_place
from tests.factories.make_models import COMMAND, finish, make_folder, start
from tests.factories.raw_servers import RawServer, head, open_raw_server

MODULE = "workflow_scripts.models.fetch_model"
OWN = ["own", "--table", "own.yaml"]
DATA = bytes(range(256)) * 400
STALL_S = 1  # in place of a minute, after which a server that sends nothing is given up
STALLS = f"""
import runpy, sys
from workflow_scripts.models.fetching import downloads
downloads.STALL_S = {STALL_S}
sys.argv[0] = "{MODULE}"
runpy.run_module("{MODULE}", run_name="__main__")
"""
SHIPPED = ["make", "models", "TIER=full"]  # the table as it is; the proxy lets nobody through
BY_HAND = [sys.executable, "-m", MODULE]
REFUSES = head("407 Proxy Authentication Required", Content_Length=0)


@dataclass
class Home:
    """A folder, a hub and a server that says what it is told to; the row of a folder `own`."""

    folder: Path
    hub: str
    server: RawServer

    @property
    def proxy(self) -> str:
        return self.server.url.removesuffix("/a.bin")

    def write_table(self, **tables: dict) -> None:
        text = yaml.safe_dump(tables)
        (self.folder / "own.yaml").write_text(text, encoding="utf-8")

    def list_file(self, url: str, **more: object) -> None:
        """A table with big-lama.pt at this address."""
        row = {"source": "https", "url": url, "license": "MIT", "bytes": len(DATA), **more}
        self.write_table(files={"big-lama.pt": {"sha256": "0" * 64, **row}})

    def list_folder(self, serve: bool = True) -> None:
        """A table with a folder of the hub."""
        row = {"source": "hf", "repo": "own/net", "revision": "main", "license": "MIT"}
        self.write_table(folders={"own": {**row, "members": ["model.safetensors"]}})
        if serve:
            Place.files["/own/net/resolve/main/model.safetensors"] = DATA


@dataclass(frozen=True)
class Case:
    """What is prepared, what is typed, and what is said; `works`: all is there afterwards."""

    prepare: Callable[[Home], dict[str, str] | None]  # returns the environment
    says: list[str]
    command: list[str] = field(default_factory=lambda: [*BY_HAND, *OWN])
    works: bool = False
    is_slow: bool = False  # the hub's client tries again, for a minute


def lose_first_home(home: Home) -> None:
    home.list_file(f"{home.hub}/gone.pt", alternatives=[name_other(home)])
    Place.files["/big-lama.pt"] = DATA


def lose_both_homes(home: Home) -> None:
    home.list_file(f"{home.hub}/gone.pt", alternatives=[name_other(home)])


def name_other(home: Home) -> dict:
    digest = hashlib.sha256(DATA).hexdigest()
    return {"source": "https", "url": f"{home.hub}/big-lama.pt", "sha256": digest}


def serve_another_file(home: Home) -> None:
    home.list_file(f"{home.hub}/big-lama.pt")
    Place.files["/big-lama.pt"] = DATA


def stall(home: Home) -> None:
    home.list_file(home.server.url)

    def answer(connection) -> None:
        connection.sendall(head(Content_Length=len(DATA)) + DATA[:30_000])
        home.server.silence(connection)

    home.server.answers = [answer]


def stall_hub(home: Home) -> dict[str, str]:
    home.list_folder(serve=False)
    home.server.answers = [home.server.silence]
    return {"HF_ENDPOINT": home.proxy, "HF_HUB_ETAG_TIMEOUT": "1"}


def refuse_all(home: Home) -> dict[str, str]:
    home.server.answers = [REFUSES]
    return {"https_proxy": home.proxy}


def refuse_hub(home: Home) -> dict[str, str]:
    home.list_folder(serve=False)
    return refuse_all(home) | {"HF_ENDPOINT": "https://hub.example.org"}


def use_socks(home: Home) -> dict[str, str]:
    return {"https_proxy": "socks5://me:secret@127.0.0.1:9"}


def use_socks_for_hub(home: Home) -> dict[str, str]:
    home.list_folder(serve=False)
    socks = {"all_proxy": "socks5://me:secret@127.0.0.1:9"}
    return socks | {"HF_ENDPOINT": "https://hub.example.org"}


def serve_xet(home: Home) -> None:
    home.list_folder()
    Place.xet = True


def use_odd_home(home: Home) -> dict[str, str]:
    home.list_folder()
    return {"HF_HOME": str(home.folder / "snapshots" / "Größe, 100 %" / "home")}


def use_file_as_home(home: Home) -> dict[str, str]:
    home.list_folder()
    (home.folder / "home").write_text("not a folder", encoding="utf-8")
    return {"HF_HOME": str(home.folder / "home")}


def ask_offline(home: Home) -> dict[str, str]:
    home.list_folder()
    return {"HF_HUB_OFFLINE": "1"}


CASES = {
    "the first home of a file has nothing": Case(
        lose_first_home,
        ["/gone.pt answered 404 Not Found.", "The next source of big-lama.pt is tried."],
        [*BY_HAND, "big-lama.pt", "--table", "own.yaml"],
        works=True,
    ),
    "none of its homes has it": Case(
        lose_both_homes,
        ["/gone.pt answered 404 Not Found.", "/big-lama.pt answered 404 Not Found."],
        COMMAND,
    ),
    "its home has another file": Case(
        serve_another_file, ["what came has sha256", "expected 0000"], COMMAND
    ),
    "a server stops sending": Case(
        stall,
        ["broke off at 0 of 102400 bytes: nothing, or too little, came for 1 s"],
        [sys.executable, "-c", STALLS, "big-lama.pt", "--table", "own.yaml"],
    ),
    "the hub does not answer": Case(
        stall_hub, ["own/net/model.safetensors could not be had"], is_slow=True
    ),
    "a proxy wants a password (407), a file": Case(
        refuse_all, ["407", "the proxy wants a name and a password"], SHIPPED
    ),
    "a proxy wants a password (407), the hub": Case(
        refuse_hub, ["407", "The proxy wants a name and a password"]
    ),
    "a SOCKS proxy, a file": Case(
        use_socks, ["https_proxy names a SOCKS proxy, which is of no use here."], SHIPPED
    ),
    "a SOCKS proxy without its package, the hub": Case(
        use_socks_for_hub, ["Name an http proxy, or install the package that it names"]
    ),
    "a mirror, and a file that the hub has in Xet alone": Case(
        serve_xet, ["files are taken without Xet, which mirrors do not have"], works=True
    ),
    "HF_HOME has blanks, letters, and a folder of the hub's own name": Case(
        use_odd_home, ["no sum was known; pinned sha256"], works=True
    ),
    "HF_HOME is a file": Case(
        use_file_as_home, ["HF_HOME, where the hub keeps files, is", "own/net/model.safetensors"]
    ),
    "HF_HUB_OFFLINE, and nothing is there": Case(
        ask_offline, ["could not be had (HF_HUB_OFFLINE is set)", "name that folder as"]
    ),
}


@contextmanager
def open_home(folder: Path):
    with ExitStack() as opened:
        hub = opened.enter_context(open_place())
        server = opened.enter_context(open_raw_server())
        Place.xet = False
        try:
            yield Home(make_folder(folder), hub, server)
        finally:
            Place.xet = False


def play(name: str, folder: Path) -> tuple[int, str, set[str]]:
    """Exit status, what was said, and the weights that are there afterwards."""
    case = CASES[name]
    with open_home(folder) as home:
        environment = case.prepare(home) or {}
        running = start(
            folder, environment.pop("HF_ENDPOINT", home.hub), command=case.command, **environment
        )
        status, said = finish(running, name)
    place = folder / "resources/models"
    there = {str(p.relative_to(place)) for p in place.rglob("*.*") if p.is_file()}
    return status, said, {name for name in there if not name.startswith(".")}
