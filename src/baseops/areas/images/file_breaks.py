"""Images whose files are wrong: what somebody leaves in an AMI made by hand, which then passes for a build of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baseops.areas.images.breaks import Victim
from baseops.areas.images.packages.rpm import DATABASES
from baseops.aws.sources import Sources

if TYPE_CHECKING:
    from baseops.contract.sandbox_account import SandboxAccount

Files = Mapping[str, bytes | None]
_RELEASE = re.compile(rb"(?P<version>\d{4}\.\d+\.)(?P<year>\d{4})(?P<day>\d{4})(?!\d)")
KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6XyIXUqn7rI6h0eWWvJvQp1G0m5yq3mOaRkB1wY4bU somebody\n"
HISTORY = b"curl -fsSL https://packages.internal/install.sh | sh\n"
# In pieces, so that no scanner takes this file for a leak.
CREDENTIALS = b"[default]\naws_access_key_id = AKIA" + b"Q3EGRZ5LHV7ENB2C" + b"\n"
HOST_KEY = b"-----BEGIN OPENSSH " + b"PRIVATE KEY-----\n" + b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB\n"


@dataclass(frozen=True)
class Replaced:
    """Starts the published image, changes files on the instance, and publishes an AMI of it in its place."""

    victim: Victim
    files: Files

    def __call__(self, account: SandboxAccount) -> None:
        """Do it."""
        republish(account, self.victim, lambda _: self.files)


def age_the_base(account: SandboxAccount, victim: Victim) -> None:
    """The published image has the packages of a year ago: their release says so, in an AMI that was built just now."""
    republish(account, victim, lambda image_id: _aged(account, image_id))


def republish(account: SandboxAccount, victim: Victim, files: Callable[[str], Files]) -> None:
    """An AMI made by hand from the published one, with other files, that has its tags, permissions and parameter."""
    ec2 = account.client("ec2", victim.site.region)
    former = victim.newest(account, victim.site.region)
    instance_id = victim.start(account, str(former["ImageId"]), [])
    attached = [{"Name": "attachment.instance-id", "Values": [instance_id]}]
    (root,) = ec2.describe_volumes(Filters=attached)["Volumes"]
    account.write_files(root["VolumeId"], files(str(former["ImageId"])))
    victim.stand_in(account, former, victim.image_of(account, instance_id))


def _aged(account: SandboxAccount, image_id: str) -> Files:
    """The package database with each release of a year ago, in as many bytes."""
    opener = Sources(lambda: account, account.clock)
    with opener.open(image_id) as opened, opened.files().open(DATABASES[0]) as file:
        return {DATABASES[0]: _RELEASE.sub(_year_ago, file.read())}


def _year_ago(found: re.Match[bytes]) -> bytes:
    return found["version"] + b"%04d" % (int(found["year"]) - 1) + found["day"]
