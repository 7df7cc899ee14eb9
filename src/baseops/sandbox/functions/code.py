"""A function's code on disk, and the few packages that Lambda's Python runtime has; nothing is run here."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import zipfile
from io import BytesIO
from pathlib import Path

# What the managed runtime has besides the standard library: boto3 and what boto3 needs.
# https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-searchpath
RUNTIME_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


def unpacked(content: bytes, folder: Path) -> Path:
    """The folder with the files of a deployment package; made once for each content."""
    target = folder / "functions" / hashlib.sha256(content).hexdigest()[:32]
    if not target.exists():
        part = target.with_name(f"{target.name}.{os.getpid()}")
        with zipfile.ZipFile(BytesIO(content)) as archive:
            archive.extractall(part)  # zipfile keeps every member below the folder
        part.rename(target)
    return target


def runtime(folder: Path) -> Path:
    """A folder with links to the runtime's packages alone: a function sees nothing else that is installed here."""
    target = folder / "functions" / "runtime"
    if not target.exists():
        target.mkdir(parents=True)
        for name in RUNTIME_PACKAGES:
            found = importlib.util.find_spec(name)
            if found is not None and found.origin is not None:
                source = Path(found.origin)
                source = source.parent if source.name == "__init__.py" else source
                (target / source.name).symlink_to(source)
    return target
