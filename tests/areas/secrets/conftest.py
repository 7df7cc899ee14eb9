"""A real PostgreSQL server over TLS on 127.0.0.1, where Debian's package is installed; a sandbox account."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from baseops.sandbox.account import Account, open_account

ABSENT = "PostgreSQL's server is not installed; on Debian: apt-get install postgresql"


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and the certificate that clients must trust."""

    port: int
    authority: Path
    programs: Path
    account: str | None
    folder: Path

    def run(self, statement: str) -> str:
        """A statement as the server's own administrator, over its socket."""
        command = [str(self.programs / "psql"), "-qAt", "-h", str(self.folder), "-p", str(self.port)]
        return run([*command, "-d", "postgres", "-c", statement], self.account).strip()

    def log(self) -> str:
        return (self.folder / "log").read_text()


def programs() -> Path | None:
    """Where the newest server's programs are; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def run(command: list[str], account: str | None) -> str:
    """Run as the server's user: the server refuses to work for root."""
    done = subprocess.run(command, user=account, capture_output=True, text=True, check=False, cwd="/", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def server_account() -> str | None:
    """The user for the server: none of its own for an ordinary user, Debian's for root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip(ABSENT)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def certificate(folder: Path) -> Path:
    """A self-signed certificate for localhost; it is its own authority."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:TRUE"]
    run([*command, *names, "-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")], None)
    (folder / "server.key").chmod(0o600)
    return folder / "server.crt"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    found, openssl = programs(), shutil.which("openssl")
    if found is None or openssl is None:
        pytest.skip(ABSENT)
    account, port = server_account(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="baseops-postgres-"))
    authority = certificate(folder)
    if account:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, account)
    data, log = folder / "data", folder / "log"
    authority_copy = Path(tempfile.mkdtemp(prefix="baseops-authority-")) / "ca.pem"
    authority_copy.write_bytes(authority.read_bytes())
    run([str(found / "initdb"), "-D", str(data), "-A", "trust", "--no-sync", "--auth-host=scram-sha-256"], account)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "ssl": "on",
        "ssl_cert_file": str(authority),
        "ssl_key_file": str(folder / "server.key"),
        "log_statement": "all",
        "fsync": "off",
    }
    options = " ".join(f"-c {key}={value}" for key, value in settings.items())
    control = [str(found / "pg_ctl"), "-D", str(data), "-w", "-l", str(log)]
    run([*control, "-o", options, "start"], account)
    try:
        yield Server(port, authority_copy, found, account, folder)
    finally:
        run([*control, "-m", "immediate", "stop"], account)
        shutil.rmtree(folder)
        shutil.rmtree(authority_copy.parent)


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        yield opened
