"""The deployment package of the rotation: whole, the same bytes each time, only what was installed."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import pytest

pytest.importorskip("pg8000", reason="the extra `rotation` is not installed: pip install 'baseops-aws[rotation]'")

from baseops.areas.secrets import package

FUNCTION = "baseops/areas/secrets/functions/postgres_single_user"


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_the_bytes_are_the_same_in_another_process():
    script = (
        "import hashlib; from baseops.areas.secrets import package; "
        "print(hashlib.sha256(package.postgres_single_user().content).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(seen) == 1


def test_it_holds_the_function_its_driver_and_their_licences():
    found = names(package.postgres_single_user().content)
    assert {f"{FUNCTION}/handler.py", f"{FUNCTION}/database.py", "pg8000/native.py", "scramp/core.py"} <= set(found)
    assert [name for name in found if name.startswith("pg8000-") and "LICENSE" in name]
    assert not [name for name in found if name.endswith(".pyc") or "__pycache__" in name or name.startswith("../")]
    assert [name for name in found if name.startswith("baseops/") and not name.startswith(FUNCTION)] == []


def test_authorities_are_packed_where_the_function_looks():
    content = package.postgres_single_user(b"-----BEGIN CERTIFICATE-----").content
    assert zipfile.ZipFile(io.BytesIO(content)).read(f"{FUNCTION}/ca.pem") == b"-----BEGIN CERTIFICATE-----"
    assert f"{FUNCTION}/ca.pem" not in names(package.postgres_single_user().content)


def test_the_versions_are_recorded_in_it():
    built = package.postgres_single_user()
    text = zipfile.ZipFile(io.BytesIO(built.content)).read("VERSIONS").decode()
    assert text == "".join(f"{name}=={version}\n" for name, version in sorted(built.versions.items()))
    assert sorted(built.versions) == ["asn1crypto", "pg8000", "python-dateutil", "scramp", "six"]


def test_it_needs_no_distribution_that_is_not_packed():
    from importlib.metadata import requires

    needed = {
        requirement.split(";")[0].split(">")[0].split("=")[0].split("<")[0].strip()
        for name in package.DISTRIBUTIONS
        for requirement in requires(name) or ()
        if "extra ==" not in requirement
    }
    assert needed <= set(package.DISTRIBUTIONS)


def test_it_imports_with_the_standard_library_and_boto3_alone(tmp_path):
    from baseops.sandbox.functions import code

    folder = code.unpacked(package.postgres_single_user().content, tmp_path)
    places = [str(folder), str(code.runtime(tmp_path))]
    script = f"import sys; sys.path[:0] = {places!r}; import {package.HANDLER.rpartition('.')[0]}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
