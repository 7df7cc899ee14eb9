"""What the hosts of the world have on their disks, and what their application writes every day as long as it runs.

Files as any host has them; nobody here has read which of them are declared to be read back.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from baseops.contract.sandbox_account import SandboxAccount

WRITES_EVERY = timedelta(days=1)
WRITES_FOR = timedelta(days=200)
ROWS = 400

FSTAB = """\
UUID=6f1c1a52-6f0e-4b1c-9d2e-6a1b0c9f7e11  /      xfs   defaults,noatime  1  1
UUID=0d9b7c31-2f7a-4d55-8a43-51c0f7b6e2aa  /data  ext4  defaults,nofail   0  2
"""
OS_RELEASE = """\
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PRETTY_NAME="Amazon Linux 2023"
"""
ACCOUNTS = """\
root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin
ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash
app:x:1001:1001::/data:/sbin/nologin
"""


def root_files(host_name: str) -> dict[str, bytes]:
    """An ordinary root file system, as far as it matters to anybody."""
    texts = {
        "/etc/fstab": FSTAB,
        "/etc/hostname": f"{host_name}\n",
        "/etc/hosts": f"127.0.0.1 localhost {host_name}\n",
        "/etc/os-release": OS_RELEASE,
        "/etc/passwd": ACCOUNTS,
        "/var/log/messages": "".join(f"{host_name} systemd[1]: Started unit {number}.\n" for number in range(200)),
        "/home/ec2-user/.bash_profile": "[ -f ~/.bashrc ] && . ~/.bashrc\n",
    }
    return {path: text.encode() for path, text in texts.items()}


def database(rows: int, since: datetime) -> bytes:
    """A database with so many orders, as SQLite writes it."""
    with tempfile.TemporaryDirectory(prefix="baseops-world-") as folder:
        place = Path(folder) / "app.db"
        connection = sqlite3.connect(place)
        with connection:
            connection.execute(
                "CREATE TABLE orders (id INTEGER PRIMARY KEY, placed TEXT NOT NULL, article TEXT, amount INT)"
            )
            connection.execute("CREATE INDEX by_article ON orders (article)")
            connection.executemany(
                "INSERT INTO orders (placed, article, amount) VALUES (?, ?, ?)",
                (
                    ((since + timedelta(minutes=number)).isoformat(), f"article {number % 97:04d}", number % 7 + 1)
                    for number in range(rows)
                ),
            )
        connection.close()
        return place.read_bytes()


@dataclass
class Application:
    """Keeps a database on a volume of a host, and adds to it every day while the host runs and has the volume."""

    account: SandboxAccount
    region: str
    instance_id: str
    volume_id: str
    path: str
    rows: int = ROWS

    def start(self) -> None:
        """Write for the first time, and every day from here on."""
        now = self.account.clock.now()
        self.since = now
        self.write()
        name = f"the application of {self.instance_id}"
        self.account.repeat(self.work, every=WRITES_EVERY, until=now + WRITES_FOR, name=name)

    def work(self) -> None:
        """A day's orders."""
        if self._is_running():
            self.rows += 40
            self.write()

    def write(self) -> None:
        """The database as it is now."""
        self.account.write_files(self.volume_id, {self.path: database(self.rows, self.since)})

    def _is_running(self) -> bool:
        ec2 = self.account.client("ec2", self.region)
        found = [one for group in ec2.describe_instances()["Reservations"] for one in group["Instances"]]
        mine = next((each for each in found if each["InstanceId"] == self.instance_id), None)
        return mine is not None and mine["State"]["Name"] == "running" and self.volume_id in _attached(mine)


# Any: what botocore answers.
def _attached(instance: Mapping[str, Any]) -> set[str]:
    return {each["Ebs"]["VolumeId"] for each in instance["BlockDeviceMappings"] if "Ebs" in each}
