"""``goodinit play``: the page, served to this machine alone."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import files as installed
from importlib.metadata import version
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import goodinit

PAGE = Path(goodinit.__file__).parent / "pages" / "play.html"
START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # in the background
    "from goodinit.__main__ import main; main()"
)
WORDS = [sys.executable, "-c", START, "play", "--no-browser", "--port"]


@pytest.fixture
def serving() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command while it serves, and the address that it printed."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*WORDS, "0"], stdout=pipe, stderr=pipe, text=True) as command:  # noqa: S603  # our own
        assert command.stdout is not None
        yield command, command.stdout.readline().split()[0]
        command.kill()


def test_the_page_is_served_and_nothing_else(
    serving: tuple[subprocess.Popen[str], str],
) -> None:
    _, address = serving
    for path in ("", "play.html", "?from=mail"):
        with urlopen(address + path) as answer:  # noqa: S310  # our own address
            assert answer.read() == PAGE.read_bytes()
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    with urlopen(Request(address, method="HEAD")) as answer:  # noqa: S310
        assert (answer.status, answer.read()) == (200, b"")
    for path in ("cli/app.py", "../pages/play.html", "%2e%2e/pyproject.toml"):
        with pytest.raises(HTTPError, match="404"):
            urlopen(address + path)  # noqa: S310


def test_it_is_served_on_loopback_alone(serving: tuple[subprocess.Popen[str], str]) -> None:
    _, address = serving
    assert address.startswith("http://127.0.0.1:")
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.socket() as other:  # every other address of this machine is still free
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.2", port))


def test_ctrl_c_ends_it_in_one_line(serving: tuple[subprocess.Popen[str], str]) -> None:
    command, address = serving
    with urlopen(address):  # noqa: S310
        command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=60)
    assert said == "goodinit: interrupted: the page is no longer served\n"
    assert command.returncode == 130


def test_a_port_in_use_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run([*WORDS, port], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 1
    assert done.stdout == ""
    assert (
        done.stderr == f"goodinit: port {port}: Address already in use; give another with --port\n"
    )


@pytest.mark.parametrize("port", ["-1", "65536", "many"])
def test_a_port_that_is_none_is_one_line(port: str) -> None:
    done = subprocess.run([*WORDS, port], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--port" in done.stderr


def test_the_page_is_part_of_what_is_installed() -> None:
    names = {str(path) for path in installed("goodinit") or ()}
    if "goodinit/cli/app.py" not in names:
        pytest.skip(f"goodinit {version('goodinit')} is installed editable: nothing was packed")
    assert "goodinit/pages/play.html" in names
