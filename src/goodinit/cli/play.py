"""``goodinit play``: the page on which initializations race, served to this machine alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goodinit.cli.ending import INTERRUPTED, complain

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

LOOPBACK = "127.0.0.1"
PAGE = Path(__file__).parents[1] / "pages" / "play.html"
PATHS = ("/", "/play.html")


def play(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where it is served; 0 takes a free one.")
    ] = 8642,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Let initializations of one network race in the browser, many seeds each.

    The page is served to this machine alone, until Ctrl-C. It needs no network.
    """
    from http.server import ThreadingHTTPServer

    try:
        server = ThreadingHTTPServer((LOOPBACK, port), _handler(PAGE.read_bytes()))
    except OSError as error:
        said = f"port {port}: {error.strerror or error}; give another with --port"
        raise typer.Exit(complain(said, 1)) from None
    with server:
        address = f"http://{LOOPBACK}:{server.server_port}/"
        typer.echo(f"{address}  (Ctrl-C ends it)")
        if browser:
            _open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            said = "interrupted: the page is no longer served"
            raise typer.Exit(complain(said, INTERRUPTED)) from None


def _open(address: str) -> None:
    """Open a browser, without waiting for it: some stay in the foreground."""
    import webbrowser
    from threading import Thread

    Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _handler(page: bytes) -> "type[BaseHTTPRequestHandler]":
    from http.server import BaseHTTPRequestHandler

    class Handler(BaseHTTPRequestHandler):
        """Answers with the page, and with nothing else."""

        def do_GET(self) -> None:
            """Send the page."""
            self._answer(page)

        def do_HEAD(self) -> None:
            """Send what the page would be sent with."""
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            if self.path.partition("?")[0] not in PATHS:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    return Handler
