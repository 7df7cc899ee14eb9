"""What is wrong with how an image is built: when, where, on which volumes, with how many tags."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.areas.images.timing import duration, shortest_gap
from baseops.areas.images.wording import Findings, Path, error, spoken, warning
from baseops.contract.site import Site
from baseops.fields import print_duration
from baseops.semantics.schedules import ScheduleError, parse_cron

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Volume

MAX_TAGS, MAX_RESOURCE_TAGS, OWN_TAGS = 50, 30, 7
SHORTEST_TESTS, LONGEST_TESTS = timedelta(minutes=60), timedelta(minutes=1440)
_FAST = {"gp3": (3000, 64000), "io1": (100, 64000), "io2": (100, 64000)}
"""https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html"""


def schedule_findings(path: Path, entry: Entry) -> Findings:
    """Builds must not start before the one before them has ended."""
    if entry.schedule is None:
        return
    try:
        parse_cron(entry.schedule.cron, entry.schedule.timezone)
    except (ScheduleError, ValueError):
        yield error(
            "timezone",
            (*path, "schedule", "timezone"),
            f"{entry.schedule.timezone} is not in the IANA time zone database",
            "Write: timezone: Europe/Berlin",
        )
        return
    gap = shortest_gap(entry.schedule)
    if gap and gap < duration(entry):
        yield error(
            "schedule-too-close",
            (*path, "schedule", "cron"),
            f"builds would start {spoken(gap)} apart, and one may take {spoken(duration(entry))} with its tests",
            'Write a wider schedule, such as cron: "0 3 ? * SUN *"',
        )


def tests_findings(path: Path, entry: Entry) -> Findings:
    """Image Builder bounds how long tests take."""
    timeout = entry.tests.timeout
    if not SHORTEST_TESTS <= timeout <= LONGEST_TESTS:
        yield error(
            "tests",
            (*path, "tests", "timeout"),
            f"Image Builder takes a timeout from 60m to 24h, not {print_duration(timeout)}",
            "Write: timeout: 90m",
        )
    if not entry.tests.enabled:
        yield warning(
            "untested",
            (*path, "tests", "enabled"),
            "without tests an image that does not boot is published like any other",
            "Delete `enabled: false`",
        )


def network_findings(path: Path, entry: Entry, site: Site) -> Findings:
    """Builds need a subnet, and a group without ingress."""
    subnet = entry.subnet or site.network.build_subnet
    if subnet is None and not entry.default_vpc:
        yield error(
            "subnet",
            path,
            "nothing says where the image is built, and an account may have no default VPC",
            "Write network: {build_subnet: subnet-0a1b2c3d} at the top, or default_vpc: true here",
        )
    if entry.default_vpc and (entry.subnet or entry.vpc or entry.security_groups):
        yield error(
            "subnet",
            (*path, "default_vpc"),
            "`default_vpc` leaves the choice of the network to EC2, so no subnet, VPC or security group goes with it",
            "Delete `default_vpc`, or the others",
        )
    if entry.vpc and entry.security_groups:
        yield error(
            "security-groups",
            (*path, "security_groups"),
            "`vpc` makes a security group for the builds, `security_groups` names existing ones",
            "Write one of the two",
        )
    if subnet and not (entry.vpc or entry.security_groups or entry.default_vpc):
        yield warning(
            "default-security-group",
            path,
            f"builds in {subnet} get the VPC's default security group, which may let others in",
            "Write vpc: vpc-… (a group without ingress is made) or security_groups: [sg-…]",
        )


def volume_findings(path: Path, entry: Entry) -> Findings:
    """Each device once, at a speed that its type has."""
    seen: set[str] = set()
    for number, volume in enumerate(entry.volumes or ()):
        place = (*path, "volumes", number)
        if volume.device in seen:
            yield error("volume", (*place, "device"), f"{volume.device} stands twice", "Name each device once")
        seen.add(volume.device)
        yield from _speed(place, volume)


def _speed(place: Path, volume: Volume) -> Findings:
    limits = _FAST.get(volume.type)
    if volume.iops is not None and limits is None:
        yield error("volume", (*place, "iops"), f"{volume.type} takes no `iops`", "Delete `iops`, or write type: gp3")
    elif volume.iops is not None and limits and not limits[0] <= volume.iops <= limits[1]:
        yield error(
            "volume",
            (*place, "iops"),
            f"{volume.type} takes {limits[0]} to {limits[1]} IOPS, not {volume.iops}",
            f"Write: iops: {limits[0]}",
        )
    elif volume.iops is None and volume.type in ("io1", "io2"):
        yield error("volume", place, f"{volume.type} needs `iops`", "Write: iops: 1000, or type: gp3")
    if volume.throughput is not None and volume.type != "gp3":
        yield error("volume", (*place, "throughput"), "only gp3 takes a `throughput`", "Delete it, or write type: gp3")


def tag_findings(path: Path, entry: Entry, site: Site) -> Findings:
    """Image Builder's limits; some places are for its own tags and ours."""
    if len(site.tags) + 2 > MAX_RESOURCE_TAGS:
        yield error(
            "too-many-tags",
            ("tags",),
            f"Image Builder puts at most {MAX_RESOURCE_TAGS} tags on build instances, of which two are ours",
            f"Write at most {MAX_RESOURCE_TAGS - 2} tags",
        )
    if len({**entry.tags, **site.tags}) + OWN_TAGS > MAX_TAGS:
        yield error(
            "too-many-tags",
            (*path, "tags"),
            f"an AMI has at most {MAX_TAGS} tags, of which {OWN_TAGS} are Image Builder's and ours",
            "Write fewer tags here or at the top",
        )
