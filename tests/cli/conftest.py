"""What the tests of commands share: a declaration in a folder, the command in it, an account that is served."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from baseops.sandbox.account import Account, open_account
from baseops.sandbox.server import Server

BASEOPS = str(Path(sys.executable).with_name("baseops"))
TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'


@pytest.fixture
def declare(tmp_path: Path) -> Callable[[str], Path]:
    """Writes `baseops.yaml`: the usual top, then the text given."""

    def write(text: str) -> Path:
        path = tmp_path / "baseops.yaml"
        path.write_text(TOP + text)
        return path

    return write


@pytest.fixture
def baseops(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the real command in the test's folder, with no credentials or settings but those given."""

    def run(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BASEOPS_"))}
        given = {**clean, "XDG_STATE_HOME": str(tmp_path / "state"), **(environment or {})}
        return subprocess.run(
            [BASEOPS, *arguments],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=tmp_path,
            env={name: value for name, value in given.items() if value},
        )

    return run


@pytest.fixture(scope="module")
def announced() -> Iterator[dict[str, Any]]:
    """What `baseops sandbox up` says of the account that it serves: its endpoint, and the environment to reach it."""
    command = [BASEOPS, "sandbox", "up", "--port", "0", "-o", "json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines: list[str] = []
    for line in server.stdout or ():
        lines.append(line)
        if line.startswith("}"):
            break
    yield json.loads("".join(lines))
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=20)


@pytest.fixture
def served_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account of this process, served; commands that run in this process reach it by the environment."""
    with open_account(speed=1) as account, Server(account) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
        yield account
