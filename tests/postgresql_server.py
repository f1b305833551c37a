"""A PostgreSQL server of a test's own: in a temporary folder, on a free port of this machine, with one user and a password."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest

USER = "ann"
PASSWORD = "s3cr3t/{x}@%"
"""With every character that a URL, Optuna's template or alembic's config could take for its own."""


class PostgresqlServer:
    """A cluster with the database `postgres`; started."""

    def __init__(self, folder: Path, port: int, account: str | None) -> None:
        self._folder = folder
        self._account = account
        self.port = port

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        """With the password, and without the name of a driver."""
        return f"postgresql://{USER}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def make(self) -> None:
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        if self._account is not None:
            shutil.chown(self._folder, self._account)
            shutil.chown(secret, self._account)
        self._run(
            "initdb", "--username", USER, "--pwfile", str(secret), "--auth=scram-sha-256", "--no-sync", "--locale=C",
            "--encoding=UTF8", "--pgdata", str(self._data),
        )  # fmt: skip

    def start(self) -> None:
        # No socket file: its path is limited to 107 characters. No fsync: the test outlives no power cut.
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "--wait", "--pgdata", str(self._data), "--log", log, "--options", options)

    def stop(self) -> None:
        """At once, as by a power cut: connections break."""
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate", "--pgdata", str(self._data))

    def new_database(self, name: str) -> str:
        """The URL of an empty database."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        # The server inherits it: a pipe would never end.
        told = self._folder.parent / f"{self._folder.name}.out"
        with told.open("a") as out:
            done = subprocess.run(
                [_program(program), *arguments],
                user=self._account,
                group=None if self._account is None else _group(self._account),
                extra_groups=None if self._account is None else [],
                cwd=self._folder,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=120,
            )
        assert done.returncode == 0, told.read_text()


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Started; stopped and removed in the end. Skips the test where the programs or the driver are not installed."""
    if _program("initdb") == "" or _program("pg_ctl") == "":
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    if find_spec("psycopg") is None:
        pytest.skip("no PostgreSQL driver is installed: pip install 'psycopg[binary]'")
    account = _account() if os.geteuid() == 0 else None
    # Not pytest's own folder, which is closed to other accounts.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    server = PostgresqlServer(folder, _free_port(), account)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        (folder.parent / f"{folder.name}.out").unlink(missing_ok=True)


def _program(name: str) -> str:
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return shutil.which(name) or (str(versions[-1]) if versions else "")


def _account() -> str:
    """PostgreSQL refuses to run as root."""
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _group(account: str) -> int:
    import pwd

    return pwd.getpwnam(account).pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
