"""What the models of the top cannot say alone: rules over two keys, and the site that areas are told of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Drills, EvidenceStore, Iam, Network, Notify, Site
from baseops.contract.types import Purpose
from baseops.declaration.model import Top
from baseops.declaration.names import closest_name
from baseops.declaration.regions import REGIONS, partition_of


def to_site(top: Top, folder: Path) -> Site:
    """The frozen values that areas and rooms share."""
    return Site(
        name=top.name,
        accounts=top.accounts,
        region=top.region,
        regions=top.regions,
        tags=dict(top.tags),
        iam=Iam(
            top.iam.path,
            _arn(top, top.iam.permissions_boundary) if top.iam.permissions_boundary else None,
            _arn(top, top.iam.service_role) if top.iam.service_role else None,
        ),
        network=Network(top.network.build_subnet, top.network.drill_subnet),
        notify=tuple(Notify(*one) for item in top.notify for one in item.subscribers()),
        drills=Drills(top.drills.allow, top.drills.window, top.drills.max_cost_usd, top.drills.freeze),
        evidence=EvidenceStore(top.evidence.retention_days, top.evidence.object_lock),
        keys=_keys(top),
        folder=str(folder),
    )


def check_top(top: Top) -> Iterator[Finding]:
    """Rules over several keys of the top, and names that AWS may know and we do not."""
    yield from _regions(top)
    yield from _subscribers(top)
    yield from _key_places(top)
    yield from _references(top)


def _arn(top: Top, reference: str) -> str:
    """An ARN in the declared account. Several accounts share one template: then CloudFormation fills the account in."""
    if reference.startswith("arn:"):
        return reference
    account = top.accounts[0] if len(top.accounts) == 1 else "${AWS::AccountId}"
    return f"arn:{partition_of(top.region)}:iam::{account}:{reference}"


def _keys(top: Top) -> dict[tuple[Purpose, str], str]:
    keys: dict[tuple[Purpose, str], str] = {}
    for purpose, declared in top.keys.items():
        by_region = {top.region: declared} if isinstance(declared, str) else declared
        keys.update({(purpose, region): arn for region, arn in by_region.items()})
    return keys


def _regions(top: Top) -> Iterator[Finding]:
    declared = [(("region",), top.region), *((("regions", place), name) for place, name in enumerate(top.regions))]
    for name, path in {name: path for path, name in reversed(declared)}.items():
        if name not in REGIONS:
            near = closest_name(name, REGIONS)
            remedy = f"Did you mean {near}?" if near else "Compare with: aws account list-regions"
            yield Finding(Severity.WARNING, "declaration.region", path, f"the region {name} is not known here", remedy)
    if top.region in top.regions:
        path = ("regions", top.regions.index(top.region))
        yield _error("region", path, f"{top.region} is the primary region already", "Delete it from regions")


def _subscribers(top: Top) -> Iterator[Finding]:
    for place, item in enumerate(top.notify):
        names = [name for name, _ in item.subscribers()]
        if len(names) != 1:
            message = f"expected one of email, sms, https, sqs, lambda; got {' and '.join(names) or 'nothing'}"
            yield _error("notify", ("notify", place), message, "Write one subscriber in each item of the list")
    seen: dict[tuple[str, str], int] = {}
    for place, item in enumerate(top.notify):
        for one in item.subscribers():
            if seen.setdefault(one, place) != place:
                yield _error(
                    "notify", ("notify", place), f"{one[1]} is told already, by notify[{seen[one]}]", "Delete it"
                )


def _key_places(top: Top) -> Iterator[Finding]:
    known = {top.region, *top.regions}
    for (purpose, region), arn in _keys(top).items():
        path = ("keys", purpose) if isinstance(top.keys[purpose], str) else ("keys", purpose, region)
        lives_in = arn.split(":")[3]
        if lives_in != region:
            message = f"the key lives in {lives_in} and is declared for {region}"
            yield _error(
                "key-region", path, message, f"Give the ARN of a key in {region}: keys cannot be used elsewhere"
            )
        if region not in known:
            remedy = f"Add {region} to regions, or delete the key"
            yield _error("key-region", path, f"{region} is not a region of this declaration", remedy)


def _references(top: Top) -> Iterator[Finding]:
    """ARNs whose partition is not the region's never resolve."""
    partition = partition_of(top.region)
    iam = (("permissions_boundary", top.iam.permissions_boundary), ("service_role", top.iam.service_role))
    for name, reference in iam:
        if reference and reference.startswith("arn:") and reference.split(":")[1] != partition:
            message = f"the ARN is of partition {reference.split(':')[1]}, but {top.region} is in {partition}"
            yield _error("partition", ("iam", name), message, f"Write an ARN that begins with arn:{partition}:")


def _error(rule: str, path: tuple[str | int, ...], message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, f"declaration.{rule}", path, message, remedy)
