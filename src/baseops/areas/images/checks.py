"""What the models cannot say alone: AWS's limits across fields, promises no schedule keeps, names that clash.

It tells the story; rules on components and on sharing lie beside it. Paths begin with the area, as in the declaration.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from baseops.areas.images.component_checks import component_findings
from baseops.areas.images.exemptions import has_expired
from baseops.areas.images.sharing import sharing_findings
from baseops.areas.images.timing import duration, oldest, shortest_gap
from baseops.areas.images.wording import Findings, Path, days_up, error, note, spoken, warning
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.fields import print_duration
from baseops.semantics.schedules import ScheduleError, parse_cron

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Retire, Section, Volume

MADE = (
    "base", "components", "schedule", "subnet", "vpc", "security_groups", "volumes", "launch_permission", "copies_to",
    "protect", "retire", "watermarks", "tags",
)  # fmt: skip
"""Keys that make something, and so say nothing of an image that somebody else makes."""

MAX_TAGS, MAX_RESOURCE_TAGS, OWN_TAGS = 50, 30, 7
RESERVED = ("/aws", "/ssm")
SHORTEST_TESTS, LONGEST_TESTS = timedelta(minutes=60), timedelta(minutes=1440)
LONGEST_AGE = timedelta(days=3650)
LONGEST_SINCE_LAUNCH = timedelta(days=365)
_FAST = {"gp3": (3000, 64000), "io1": (100, 64000), "io2": (100, 64000)}
"""https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html"""


def check(section: Section, site: Site, today: date) -> list[Finding]:
    """Everything that is wrong with or worth saying about the section on a day; asks AWS nothing."""
    found: list[Finding] = []
    for name, entry in section.entries.items():
        path: Path = ("images", name)
        found += _managed(path, entry, site) if entry.managed else _unmanaged(path, entry)
        found += _regions(path, entry, site)
        found += _publish(path, entry)
        found += _promise(path, entry)
        found += _used_by(path, entry, today)
    found += _published_twice(section)
    found += component_findings(section, site)
    found += _allowed(section)
    return found


def _managed(path: Path, entry: Entry, site: Site) -> Findings:
    if entry.base is None:
        yield error("base", path, "the key 'base' is missing", f"Write: base: {{parameter: {_EXAMPLE}}}")
    if entry.schedule is None:
        yield error("schedule", path, "the key 'schedule' is missing", 'Write: schedule: {cron: "0 3 ? * SUN *"}')
    yield from _schedule(path, entry)
    yield from _tests(path, entry)
    yield from _network(path, entry, site)
    yield from _volumes(path, entry)
    yield from sharing_findings(path, entry, site)
    yield from _retire(path, entry)
    yield from _tags(path, entry, site)
    if not entry.enabled:
        yield warning(
            "disabled",
            (*path, "enabled"),
            "a disabled pipeline builds nothing; the promise is not kept and nothing tells of it",
            "Delete `enabled: false` when images should be built again",
        )


_EXAMPLE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def _unmanaged(path: Path, entry: Entry) -> Findings:
    for key in MADE:
        if key in entry.model_fields_set:
            yield error(
                "unmanaged",
                (*path, key),
                f"`managed: false` says that somebody else builds the image, so `{key}` would change nothing",
                f"Delete `{key}`, or let baseops build the image: delete `managed: false`",
            )
    if entry.publish is None:
        yield error(
            "unmanaged",
            path,
            "nothing says where the image is found that somebody else builds",
            "Write: publish: /acme/images/web, the parameter that holds its id",
        )


def _schedule(path: Path, entry: Entry) -> Findings:
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


def _tests(path: Path, entry: Entry) -> Findings:
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


def _network(path: Path, entry: Entry, site: Site) -> Findings:
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


def _volumes(path: Path, entry: Entry) -> Findings:
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


def _tags(path: Path, entry: Entry, site: Site) -> Findings:
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


def _regions(path: Path, entry: Entry, site: Site) -> Findings:
    declared = (site.region, *site.regions)
    for number, region in enumerate(entry.regions or ()):
        if region not in declared:
            yield error(
                "region",
                (*path, "regions", number),
                f"{region} is no region of this declaration, so there would be no key for its AMIs",
                f"Add it at the top: regions: [{', '.join((*site.regions, region))}]",
            )
        if region in (entry.regions or ())[:number]:
            yield error("region", (*path, "regions", number), f"{region} stands twice", "Delete one of them")
    if entry.regions and site.region not in entry.regions and entry.managed:
        yield error(
            "region",
            (*path, "regions"),
            f"images are built in {site.region}, which has to be one of their regions",
            f"Write: regions: [{', '.join((site.region, *entry.regions))}]",
        )


def _publish(path: Path, entry: Entry) -> Findings:
    if entry.publish is None:
        if entry.managed:
            yield note(
                "not-published",
                path,
                "no parameter names the newest image, so launch templates have to be edited after each build",
                "Write: publish: /acme/images/web",
            )
        if entry.protect:
            yield error("protect", (*path, "protect"), "`protect` needs `publish`", "Write: publish: /acme/images/web")
        return
    first = "/" + entry.publish.split("/")[1].lower()
    if first in RESERVED or first.startswith(RESERVED):
        yield error(
            "publish",
            (*path, "publish"),
            f"Parameter Store takes no name that begins with {first}",
            "Write another name such as /acme/images/web",
        )


def _published_twice(section: Section) -> Findings:
    seen: dict[str, str] = {}
    for name, entry in section.entries.items():
        former = seen.setdefault(entry.publish, name) if entry.publish else name
        if former != name:
            yield error(
                "publish",
                ("images", name, "publish"),
                f"the image {former!r} is published as {entry.publish} too, and each build would replace the other's",
                "Write another name",
            )


def _promise(path: Path, entry: Entry) -> Findings:
    place = (*path, "promise")
    promise, least = entry.promise, oldest(entry)
    if least and promise.max_age < least and entry.managed:
        yield error(
            "promise-cannot-be-kept",
            (*place, "max_age"),
            f"builds start up to {spoken(least - duration(entry))} apart and one may take {spoken(duration(entry))}, "
            f"so the newest image is at times {spoken(least)} old",
            f"Write: max_age: {days_up(least)}, or build more often",
        )
    if promise.max_base_age is None:
        yield warning(
            "base-without-promise",
            place,
            "nothing promises how old the base may be, and a rebuild on an old base installs the old packages again",
            "Write: max_base_age: 35d",
        )
    elif promise.max_base_age < promise.max_age:
        yield error(
            "promise-cannot-be-kept",
            (*place, "max_base_age"),
            f"an image of {print_duration(promise.max_age)} has a base that is at least as old",
            f"Write: max_base_age: {print_duration(promise.max_age * 4)}",
        )


def _retire(path: Path, entry: Entry) -> Findings:
    retire = entry.retire
    if retire is None:
        yield note(
            "never-retired",
            path,
            "old AMIs and their snapshots stay and are paid for",
            "Write: retire: {deprecate_after: 60d, delete_after: 90d, retain_at_least: 2, not_launched_for: 30d}",
        )
        return
    place = (*path, "retire")
    yield from _order(place, retire)
    yield from _long(place, retire)
    for key in ("deprecate_after", "disable_after", "delete_after"):
        age = getattr(retire, key)
        if age is not None and age <= entry.promise.max_age:
            yield error(
                "retired-too-early",
                (*place, key),
                f"an image may be {print_duration(entry.promise.max_age)} old and still be the newest",
                f"Write a longer time, such as {key}: {print_duration(entry.promise.max_age * 4)}",
            )
    if retire.delete_after and not retire.not_launched_for:
        yield warning(
            "deleted-in-use",
            place,
            "a launch template or Auto Scaling group may still pin an image of that age",
            "Write: not_launched_for: 30d, which leaves alone what was launched lately",
        )
    if entry.protect and retire.delete_after:
        yield note(
            "protected",
            (*path, "protect"),
            "Image Builder cannot delete an AMI while it is protected; apply moves the protection to the newest one",
            "Run baseops apply after builds",
        )


def _order(place: Path, retire: Retire) -> Findings:
    steps = [(key, getattr(retire, key)) for key in ("deprecate_after", "disable_after", "delete_after")]
    given = [(key, age) for key, age in steps if age is not None]
    for (former, before), (key, after) in pairwise(given):
        if after <= before:
            yield error(
                "retire-order",
                (*place, key),
                f"`{key}` has to come after `{former}`, which is {print_duration(before)}",
                f"Write: {key}: {print_duration(before + timedelta(days=30))}",
            )


def _long(place: Path, retire: Retire) -> Findings:
    for key in ("deprecate_after", "disable_after", "delete_after"):
        age = getattr(retire, key)
        if age is not None and age > LONGEST_AGE:
            yield error("retire-age", (*place, key), "EC2 deprecates at most ten years ahead", f"Write: {key}: 365d")
    if retire.not_launched_for and retire.not_launched_for > LONGEST_SINCE_LAUNCH:
        yield error(
            "retire-age",
            (*place, "not_launched_for"),
            "Image Builder looks back over 365 days at most",
            "Write: not_launched_for: 365d",
        )


def _used_by(path: Path, entry: Entry, today: date) -> Findings:
    if entry.exempt and entry.used_by is None:
        yield error(
            "exempt",
            (*path, "exempt"),
            "`used_by` does not say which instances should run the image, so nothing is exempt from it",
            "Write: used_by: {tags: {Role: web}}",
        )
    for number, exemption in enumerate(entry.exempt):
        if entry.used_by and exemption.tags and exemption.tags == entry.used_by.tags:
            yield error(
                "exempt",
                (*path, "exempt", number, "tags"),
                "that exempts every instance that `used_by` selects",
                "Write narrower tags, or delete `used_by`",
            )
        if has_expired(exemption, today):
            yield warning(
                "exemption-expired",
                (*path, "exempt", number, "expires"),
                f"this exemption ended on {exemption.expires}, so drills hold whom it named to `used_by` again",
                "Roll them onto the image and delete it, or write a later date",
            )


def _allowed(section: Section) -> Findings:
    claim = section.account.allowed_amis
    if claim is None:
        return
    place: Path = ("account", "images", "allowed_amis")
    if "none" in claim.providers and len(claim.providers) > 1:
        yield error(
            "allowed-amis",
            (*place, "providers"),
            "`none` allows the AMIs of nobody else, and the others allow some",
            "Write providers: [none] alone, or leave it out",
        )
    needs_amazon = [
        name
        for name, entry in section.managed.items()
        if entry.base and entry.base.parameter and entry.base.parameter.startswith("/aws/service/ami-amazon-linux")
    ]
    if needs_amazon and "amazon" not in claim.providers:
        yield error(
            "allowed-amis",
            (*place, "providers"),
            f"the base of {needs_amazon[0]!r} is an AMI of Amazon's, which builds could not launch any more",
            "Add amazon",
        )
