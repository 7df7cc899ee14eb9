"""A served sandbox and the real command line against it: what the flow tests share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from baseops.aws.session import Session
from baseops.sandbox.name_server import NameServer
from baseops.sandbox.server import serve as serve_account

BASEOPS = str(Path(sys.executable).with_name("baseops"))
DECLARATION = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
notify: [{email: ops@acme.example}]
logs:
  web:
    group: {name: /acme/web/nginx, retention_days: 90}
    heartbeat: {silent_for: 15m}
    metrics: {Http5xx: {pattern: '{ $.status >= 500 }'}}
    alarms:
      too-many-errors: {metric: Http5xx, threshold: 20, treat_missing_data: notBreaching}
"""


@dataclass(frozen=True)
class Sandbox:
    """A served account and how commands reach it."""

    url: str
    environment: dict[str, str]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [BASEOPS, *arguments],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=self.environment,
        )
        if check and done.returncode:
            raise AssertionError(
                f"baseops {' '.join(arguments)} exited with {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BASEOPS, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
            env=self.environment,
        )


@contextmanager
def serve(*options: str) -> Iterator[Sandbox]:
    """`baseops sandbox up` on a free port, ended by its own process id."""
    command = [BASEOPS, "sandbox", "up", "--port", "0", "-o", "json", *options]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        announced = _announced(server)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= announced["environment"]
        yield Sandbox(announced["endpoint"], environment)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=20)


def _announced(server: subprocess.Popen[str]) -> dict:
    lines: list[str] = []
    stream: Sequence[str] = server.stdout or []
    for line in stream:
        lines.append(line)
        if line.startswith("}"):
            return json.loads("".join(lines))
    raise AssertionError(f"the sandbox did not start: {''.join(lines)}")


@pytest.fixture
def served():
    """A context manager that serves a sandbox with the options given."""
    return serve


@pytest.fixture
def declaration(tmp_path):
    """The path of a small declaration of one source of logs."""
    path = tmp_path / "baseops.yaml"
    path.write_text(DECLARATION)
    return str(path)


@dataclass(frozen=True)
class ServedAcme(Sandbox):
    """A copy of the applied example, served; its time moves only when a command waits, or `advance` is called."""

    def command(self, *arguments: str, state: Path, **environment: str) -> subprocess.Popen[str]:
        clock = str(Path(__file__).with_name("served_clock.py"))
        return subprocess.Popen(
            [sys.executable, clock, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**self.environment, "XDG_STATE_HOME": str(state), **environment},
        )

    @cached_property
    def session(self) -> Session:
        """Clients of the operator."""
        return Session(
            region="eu-west-1",
            endpoint_url=self.url,
            credentials={"aws_access_key_id": "AKIA111111111111OPER", "aws_secret_access_key": "sandbox"},
        )

    def post(self, what: str, **content: object) -> None:
        request = urllib.request.Request(f"{self.url}/_baseops/{what}", json.dumps(content).encode())
        urllib.request.urlopen(request).close()


@pytest.fixture
def served_acme(applied_acme, tmp_path):
    """A context manager: a fresh copy of the applied example, served by a process of its own until its end."""
    _, _, account = applied_acme

    @contextmanager
    def serving(prepare=lambda _: None) -> Iterator[ServedAcme]:
        reading, writing = os.pipe()

        def serve_it() -> None:
            prepare(account)
            with NameServer(account) as names:
                serve_account(account, ready=lambda url: os.write(writing, f"{url} {names.address}\n".encode()))

        copy = account.start_copy(serve_it)
        os.close(writing)
        try:
            with os.fdopen(reading) as answers:
                told = answers.readline().split()
            if not told:
                copy.result()
            url, names = told
            environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
            keys = {"AWS_ACCESS_KEY_ID": "AKIA111111111111OPER", "AWS_SECRET_ACCESS_KEY": "sandbox"}
            places = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "eu-west-1", "BASEOPS_DNS": names}
            yield ServedAcme(url, {**environment, **keys, **places})
        finally:
            copy.kill()

    return serving
