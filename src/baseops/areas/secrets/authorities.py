"""The certificate authorities that a rotation trusts: a PEM file beside the declaration."""

from __future__ import annotations

from pathlib import Path

from baseops.errors import CompileError

_BEGIN = b"-----BEGIN CERTIFICATE-----"


def problem(folder: str, name: str) -> str:
    """What is wrong with the file; '' when it can be used."""
    try:
        content = (Path(folder) / name).read_bytes()
    except OSError as error:
        return f"the file {name} cannot be read ({error.strerror})"
    if b"PRIVATE KEY-----" in content:
        return f"the file {name} holds a private key, which would be packed with the function"
    if _BEGIN not in content:
        return f"the file {name} holds no certificate in PEM form"
    import ssl  # it takes its time, and few declarations need it

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        return f"the file {name} holds a certificate that cannot be read"
    return ""


def read(folder: str, name: str) -> bytes:
    """The file's content. Raises `CompileError` when it cannot be used."""
    wrong = problem(folder, name)
    if wrong:
        raise CompileError(
            "cannot build the rotation function", wrong, "Name a PEM file with the database's authorities."
        )
    return (Path(folder) / name).read_bytes()
