"""Packs a function with what it imports into a zip that is the same bytes on every compile and machine.

What is packed comes from the installed distributions, checked against their own records; their versions are
written into the package. Nothing is fetched, compressed or dated.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from pathlib import Path

from baseops.cloudformation.packages import zipped
from baseops.errors import CompileError

HANDLER = "baseops.areas.secrets.functions.postgres_single_user.handler.handle"
# boto3 is in the Lambda runtime; python-dateutil and six are too, but only as its private parts.
DISTRIBUTIONS = ("asn1crypto", "pg8000", "python-dateutil", "scramp", "six")

_FUNCTION = "baseops/areas/secrets/functions/postgres_single_user"
_KEPT_METADATA = ("METADATA", "LICENSE", "LICENSE.txt", "COPYING")


@dataclass(frozen=True)
class Package:
    """A deployment package and the versions of the distributions in it."""

    content: bytes
    versions: Mapping[str, str]

    @property
    def description(self) -> str:
        """The versions in one line."""
        return ", ".join(f"{name} {version}" for name, version in sorted(self.versions.items()))


@lru_cache(maxsize=8)
def postgres_single_user(ca_certificates: bytes = b"") -> Package:
    """The package of the PostgreSQL rotation, with further certificate authorities where there are some.

    Raises `CompileError` when pg8000 is not installed, or an installed file is not what its distribution says.
    """
    installed = [_installed(name) for name in DISTRIBUTIONS]
    files = dict(_own_files())
    for each in installed:
        files.update(_files_of(each))
    if ca_certificates:
        files[f"{_FUNCTION}/ca.pem"] = ca_certificates
    versions = {each.metadata["Name"]: each.version for each in installed}
    files["VERSIONS"] = "".join(f"{name}=={version}\n" for name, version in sorted(versions.items())).encode()
    return Package(zipped(files), versions)


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise CompileError(
            "cannot build the rotation function postgres-single-user",
            f"it is packed with {name}, which is not installed",
            "Run: pip install 'baseops-aws[rotation]'",
        ) from error


def _own_files() -> Iterator[tuple[str, bytes]]:
    folder = Path(__file__).parent / "functions" / "postgres_single_user"
    for path in sorted(folder.glob("*.py")):
        yield f"{_FUNCTION}/{path.name}", path.read_bytes()


def _files_of(installed: Distribution) -> Iterator[tuple[str, bytes]]:
    for path in installed.files or []:
        if _is_packed(path):
            yield path.as_posix(), _checked(installed, path)


def _is_packed(path: PackagePath) -> bool:
    if path.parts[0] == ".." or "__pycache__" in path.parts:
        return False
    if path.parts[0].endswith(".dist-info"):
        return path.name in _KEPT_METADATA
    return path.suffix != ".pyc"


def _checked(installed: Distribution, path: PackagePath) -> bytes:
    content = Path(str(path.locate())).read_bytes()
    recorded = path.hash
    if recorded is not None and recorded.mode == "sha256":
        found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        if found != recorded.value:
            raise CompileError(
                "cannot build the rotation function postgres-single-user",
                f"{path} is not the file that {installed.metadata['Name']} {installed.version} was installed with",
                "Run: pip install --force-reinstall 'baseops-aws[rotation]'",
            )
    return content
