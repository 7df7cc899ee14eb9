"""A declaration's images, and the stack that they become."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from baseops.areas.images import stack as images
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.locking import advanced
from baseops.contract.lock import Lock, LockedBase
from baseops.contract.refs import Refs
from baseops.declaration import Declaration, load
from baseops.sandbox.account import Account, open_account
from baseops.snapshots.files import Snapshot
from baseops.snapshots.opening import open_image
from baseops.workflow.load import SPECS

FOLDER = Path(__file__).parent
TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\nregions: [us-east-1]\n'
WEB = """network: {build_subnet: subnet-0a1b2c3d}
images:
  web:
    base: {parameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}
    components: [update, harden]
    schedule: {cron: "0 3 ? * SUN *"}
    promise: {max_age: 8d, max_base_age: 35d}
    vpc: vpc-0a1b2c3d
    regions: [eu-west-1, us-east-1]
    launch_permission: {accounts: ["222222222222"]}
    publish: /acme/images/web
    retire: {deprecate_after: 60d, delete_after: 90d, retain_at_least: 2, not_launched_for: 30d}
    used_by: {tags: {Role: web}, versions_behind: 2}
    checks: [{file: /usr/sbin/nginx}, {absent: /root/.ssh/authorized_keys}, {run: nginx -t}]
"""
BASE = LockedBase(
    "ami-0123456789abcdef0",
    "al2023-ami-2023.6.20260105.0-kernel-6.1-x86_64",
    "2023.6.20260105",
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
)

Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture
def web() -> str:
    """An image called web, after a valid top."""
    return WEB


@pytest.fixture
def declared() -> Callable[..., Declaration]:
    """A declaration from the text after a valid top, which names us-east-1 as a further region."""
    return lambda text=WEB: load(TOP + text, SPECS)


@pytest.fixture
def full() -> Declaration:
    """Every key of images."""
    return load(FOLDER / "full.yaml", SPECS)


@pytest.fixture
def refs() -> Callable[[Declaration], Refs]:
    """What the images are told: every base is locked to the same AMI, every component has a version."""

    def told(declaration: Declaration, lock: Lock | None = None) -> Refs:
        section = declaration.sections["images"]
        known = lock or Lock(bases=dict.fromkeys(section.managed, BASE))
        return Refs(declaration.site, advanced(known, [images.needs(section, declaration.site)]))

    return told


@pytest.fixture
def compiled(refs) -> Callable[..., Resources]:
    """The resources of the images stack."""

    def resources(declaration: Declaration, lock: Lock | None = None) -> Resources:
        built = StackBuilder("images", declaration.site)
        images.build(declaration.sections["images"], built, refs(declaration, lock))
        (template,), _ = built.build(Lock())
        return template.body["Resources"]

    return resources


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account(start=datetime(2026, 11, 2, 9, tzinfo=UTC)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    """What will be the root of an image's file system."""
    made = tmp_path / "root"
    (made / "etc").mkdir(parents=True)
    return made


@pytest.fixture
def opened(tmp_path, folder):
    """An ext4 file system with what lies in the folder by now, opened."""
    program = shutil.which("mke2fs", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip("mke2fs is not installed")
    with ExitStack() as closing:

        def after(size: str = "64M") -> Snapshot:
            image = tmp_path / "root.img"
            subprocess.run([program, "-q", "-t", "ext4", "-d", folder, image, size], check=True)
            return closing.enter_context(open_image(image))

        yield after
