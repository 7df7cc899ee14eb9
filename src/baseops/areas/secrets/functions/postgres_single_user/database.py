"""A PostgreSQL server as a rotation sees it: log in, set a password, ask for one row; always over verified TLS.

The server never sees a new password: it is sent as the verifier that the server would have made of it, so that
no log of statements can hold it. Errors name the server's code and never a value.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection, identifier, literal

CA_FILE = Path(__file__).with_name("ca.pem")
SECONDS = 5.0
_ITERATIONS = 4096
# https://www.postgresql.org/docs/current/errcodes-appendix.html: class 28, invalid authorization specification
_REFUSED = ("28P01", "28000")


class RotationError(Exception):
    """The rotation cannot go on; the message says why and holds no value."""


class PostgreSQL:
    """A session as the user that a secret's value names. Any: values are JSON of the owner's making."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        """Log in; raises `pg8000`'s `DatabaseError` when the server refuses, `RotationError` when it is not reached."""
        self._host = str(value["host"])
        user, context = str(value["username"]), tls()
        try:
            self._connection = Connection(
                user,
                password=str(value["password"]),
                host=self._host,
                port=int(value.get("port", 5432)),
                database=str(value.get("dbname", "postgres")),
                ssl_context=context,
                timeout=SECONDS,
                application_name="baseops rotation",
            )
        except DatabaseError as error:
            if code_of(error) in _REFUSED:
                raise
            raise RotationError(f"the server {self._host} refuses a session: {code_of(error)}") from None
        except (InterfaceError, OSError) as error:
            raise RotationError(f"the server {self._host} is not reached: {_reason(error)}") from None

    def __enter__(self) -> Self:
        """The open session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._connection.close()

    def ask(self) -> None:
        """Ask for one row."""
        self._run("SELECT 1")

    def set_password(self, user: str, password: str) -> None:
        """Change the user's password, in the form in which the server keeps passwords."""
        form = self._run("SHOW password_encryption")[0][0]
        kept = scram_verifier(password) if form == "scram-sha-256" else md5_verifier(user, password)
        self._run(f"ALTER ROLE {identifier(user)} WITH PASSWORD {literal(kept)}")

    def _run(self, statement: str) -> list[list[Any]]:
        try:
            return list(self._connection.run(statement) or [])
        except DatabaseError as error:
            verb = statement.split(" ", 1)[0]
            raise RotationError(f"the server {self._host} refuses {verb}: {code_of(error)}") from None


def can_log_in(value: Mapping[str, Any]) -> bool:
    """Whether the server takes the user and password; other troubles than a refusal are raised."""
    try:
        with PostgreSQL(value):
            return True
    except DatabaseError:
        return False


def tls() -> ssl.SSLContext:
    """TLS with the server's name and certificate checked, by our own authorities where the package holds some."""
    context = ssl.create_default_context()
    if CA_FILE.exists():
        context.load_verify_locations(CA_FILE)
    return context


def code_of(error: DatabaseError) -> str:
    """The server's SQLSTATE."""
    fields = error.args[0] if error.args else None
    return str(fields.get("C", "?")) if isinstance(fields, dict) else "?"


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}"


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """The password as the server keeps it for SCRAM-SHA-256 (RFC 5803); a generated password needs no SASLprep."""
    chosen = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), chosen, _ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored, server = hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (chosen, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"


def md5_verifier(user: str, password: str) -> str:
    """The password as older servers keep it."""
    return "md5" + hashlib.md5(f"{password}{user}".encode(), usedforsecurity=False).hexdigest()
