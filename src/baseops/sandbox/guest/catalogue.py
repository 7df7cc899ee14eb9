"""The packages that the sandbox's Amazon Linux knows: a small part of the real repository, with stand-ins of programs.

The files lie in `packages/<name>/` as they would below `/`. A program there is a shell script that says what it stands
in for. `@RELEASE@` in a text is the release of the system.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("packages")
RELEASE = re.compile(r"2023\.\d+\.(\d{8})")
AMZN = "amzn2023"


@dataclass(frozen=True)
class Package:
    """A package of the repository. `folders` are empty ones, `links` symbolic links, `modes` those that differ."""

    name: str
    version: str
    release: str
    architecture: str = ""
    summary: str = ""
    folders: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    enables: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


PACKAGES = {
    each.name: each
    for each in (
        Package(
            "system-release", "", f"0.{AMZN}", "noarch", "Amazon Linux release files",
            links={"/etc/os-release": "../usr/lib/os-release", "/etc/system-release": "amazon-linux-release"},
        ),
        Package("filesystem", "3.14", f"5.{AMZN}.0.3", "", "The basic directory layout for a Linux system"),
        Package(
            "setup", "2.13.7", f"3.{AMZN}.0.2", "noarch", "A set of system configuration and setup files",
            modes={"/etc/shadow": 0o000},
        ),
        Package("glibc", "2.34", f"117.{AMZN}.0.1", "", "The GNU libc libraries"),
        Package("bash", "5.2.15", f"1.{AMZN}.0.2", "", "The GNU Bourne Again shell"),
        Package("coreutils-single", "8.32", f"30.{AMZN}.0.3", "", "coreutils multicall binary"),
        Package("rpm", "4.16.1.3", f"29.{AMZN}.0.6", "", "The RPM package management system"),
        Package("dnf", "4.14.0", f"1.{AMZN}.0.5", "noarch", "Package manager"),
        Package("systemd", "252.23", f"2.{AMZN}", "", "System and Service Manager"),
        Package("kernel", "6.1.119", f"129.201.{AMZN}", "", "The Linux kernel"),
        Package("sudo", "1.9.15", f"1.p5.{AMZN}.0.1", modes={"/etc/sudoers": 0o440}),
        Package(
            "openssh-server", "8.7p1", f"8.{AMZN}.0.14", "", "An open source SSH server daemon",
            folders=("/etc/ssh/sshd_config.d",), modes={"/etc/ssh/sshd_config": 0o600}, enables=("sshd",),
        ),
        Package("cloud-init", "22.2.2", f"1.{AMZN}.1.13", "noarch", "Cloud instance init scripts",
                folders=("/etc/cloud/cloud.cfg.d", "/var/lib/cloud")),
        Package("chrony", "4.3", f"1.{AMZN}.0.4", "", "An NTP client/server", folders=("/var/lib/chrony",),
                enables=("chronyd",)),
        Package(
            "audit", "3.0.6", f"1.{AMZN}.0.2", "", "User space tools for kernel auditing",
            folders=("/etc/audit/rules.d", "/var/log/audit"), enables=("auditd",),
        ),
        Package(
            "amazon-ssm-agent", "3.3.1611.0", "1", "", "Manage EC2 instances using SSM APIs",
            folders=("/var/lib/amazon/ssm", "/var/log/amazon/ssm"), enables=("amazon-ssm-agent",),
        ),
        Package("nginx", "1.26.2", f"1.{AMZN}.0.1", "", "A high performance web server and reverse proxy server",
                folders=("/etc/nginx/conf.d", "/usr/share/nginx/modules", "/var/lib/nginx", "/var/log/nginx")),
        Package(
            "amazon-cloudwatch-agent", "1.300051.0", "1", "", "Amazon CloudWatch Agent",
            folders=("/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d",
                     "/opt/aws/amazon-cloudwatch-agent/logs", "/opt/aws/amazon-cloudwatch-agent/var"),
        ),
    )
}  # fmt: skip
MINIMAL = tuple(
    name for name in PACKAGES if name not in ("amazon-ssm-agent", "audit", "nginx", "amazon-cloudwatch-agent")
)
"""https://docs.aws.amazon.com/linux/al2023/ug/AMI-minimal-and-standard-differences.html."""
STANDARD = (*MINIMAL, "audit", "amazon-ssm-agent")


def released(release: str) -> datetime | None:
    """The day of a release such as 2023.6.20251230; None for what is none."""
    found = RELEASE.fullmatch(release)
    try:
        return datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def built(package: Package, release: str) -> datetime:
    """When a package of a release was built: a few days before, the release's own on its day."""
    day = released(release) or datetime(2023, 3, 1, tzinfo=UTC)
    before = timedelta(days=0 if package.name == "system-release" else 3 + len(package.name) % 9)
    return day - before


@cache
def texts_of(name: str) -> Mapping[str, tuple[str, int]]:
    """The files of a package by path, with their text and mode."""
    folder = _FOLDER / name
    found = {}
    for place in _files(folder):
        text = place.read_text(encoding="utf-8")
        path = "/" + place.relative_to(folder).as_posix()
        found[path] = (text, PACKAGES[name].modes.get(path, 0o755 if text.startswith("#!") else 0o644))
    return found


def _files(folder: Path) -> Iterable[Path]:
    return sorted(place for place in folder.rglob("*") if place.is_file())
