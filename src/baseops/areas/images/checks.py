"""What the models cannot say alone: AWS's limits across fields, promises no schedule keeps, names that clash.

It tells the story; rules on components, builds, sharing and retirement lie beside it. Paths begin with the area, as
in the declaration.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from baseops.areas.images.build_checks import (
    network_findings,
    schedule_findings,
    tag_findings,
    tests_findings,
    volume_findings,
)
from baseops.areas.images.component_checks import component_findings
from baseops.areas.images.exemptions import has_expired
from baseops.areas.images.retirement_checks import retirement_findings
from baseops.areas.images.sharing import sharing_findings
from baseops.areas.images.timing import duration, oldest
from baseops.areas.images.wording import Findings, Path, days_up, error, note, spoken, warning
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.fields import print_duration

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section

MADE = (
    "base", "components", "schedule", "subnet", "vpc", "security_groups", "volumes", "launch_permission", "copies_to",
    "protect", "retire", "watermarks", "tags",
)  # fmt: skip
"""Keys that make something, and so say nothing of an image that somebody else makes."""

RESERVED = ("/aws", "/ssm")
_EXAMPLE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


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
    yield from schedule_findings(path, entry)
    yield from tests_findings(path, entry)
    yield from network_findings(path, entry, site)
    yield from volume_findings(path, entry)
    yield from sharing_findings(path, entry, site)
    yield from retirement_findings(path, entry)
    yield from tag_findings(path, entry, site)
    if not entry.enabled:
        yield warning(
            "disabled",
            (*path, "enabled"),
            "a disabled pipeline builds nothing; the promise is not kept and nothing tells of it",
            "Delete `enabled: false` when images should be built again",
        )


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
