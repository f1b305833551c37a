"""Optuna's dashboard of a study, even while a search is writing it: read-only, and on this machine only.

    python -m nas.watchers.dashboard [STORAGE] [--port PORT]

Optuna's dashboard can rename and delete studies. Here requests that would change something are refused, so neither a slip
of the hand nor a page in the same browser that knows the port does harm. Requests for another host are refused too, or else
a page whose name is made to resolve to this machine could read the study.
"""

from __future__ import annotations

import ipaddress
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urlsplit
from wsgiref.simple_server import WSGIServer, make_server

from nas.errors import NasError, StudyError
from nas.study.storage import open_storage
from nas.values.local_path import local_path
from nas.values.redaction import redact_word, shown_url
from nas.watchers.console import tell
from nas.watchers.signals import ending_signals

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

HOST = "127.0.0.1"
STORAGE = "sqlite:///runs/quickstart/study.db"

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Parser(ArgumentParser):
    """A parser whose errors do not show the password of a mistyped storage."""

    def error(self, message: str) -> NoReturn:
        super().error(redact_word(message))


def dashboard(storage: BaseStorage) -> WsgiApp:
    """The dashboard as a read-only web application.

    Raises:
        StudyError: The package optuna-dashboard is not installed.
    """
    try:
        from optuna_dashboard import wsgi
    except ImportError as error:
        raise StudyError(f"optuna-dashboard is not installed ({error}): pip install 'shufflenas[dashboard]'") from error
    changing: WsgiApp = wsgi(storage)

    def reading(request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if not is_loopback(request.get("HTTP_HOST", "")):
            start("403 Forbidden", [("Content-Type", "application/json")])
            return [b'{"reason": "this dashboard answers at 127.0.0.1 and localhost alone"}']
        if request["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Type", "application/json")])
            return [b'{"reason": "this dashboard only reads"}']
        return changing(request, start)

    return reading


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine as its own localhost, at any port, since the port may be that of a tunnel."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def existing_storage(url: str) -> BaseStorage:
    """Opens the storage of a study that has begun. A file that is missing is not made.

    Raises:
        StudyError: The file is missing, or the storage cannot be read.
    """
    kind, _, path = url.partition(":")
    file = local_path(unquote(path.removeprefix("///").partition("?")[0]) if kind == "sqlite" else path)
    if kind in ("sqlite", "journal") and not file.is_file():
        raise StudyError(f"there is no study at {shown_url(url)}; begin a search, or name another storage")
    return open_storage(url)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = _Parser(
        prog="python -m nas.watchers.dashboard", description="Optuna's dashboard of a search; it only reads."
    )
    parser.add_argument("storage", nargs="?", default=STORAGE, help="As --search.storage. Default: %(default)s.")
    parser.add_argument("--port", type=int, default=8080, help="Port on 127.0.0.1. Default: %(default)s.")
    given = parser.parse_args(argv)
    try:
        app = dashboard(existing_storage(given.storage))
        with ending_signals(), make_server(HOST, given.port, app, server_class=_Server) as server:
            tell(f"{shown_url(given.storage)}: http://{HOST}:{server.server_port}/ (Ctrl-C ends it)")
            server.serve_forever()
    except KeyboardInterrupt:
        return 0
    except NasError as error:
        tell(f"error: {error}")
        return 2
    except (OSError, OverflowError) as error:
        tell(f"error: --port {given.port}: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
