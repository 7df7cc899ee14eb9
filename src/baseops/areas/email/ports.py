"""The drill of port 25: it leaves instances where that is declared and nowhere else, and the port for SES is open.

What security groups and network ACLs let through is evaluated. Routes are not looked at, and whether AWS has lifted
its own limit on port 25 no API says.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-resource-limits.html#port-25-throttle
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from baseops.areas.email.identities import Identity
from baseops.areas.email.naming import target_of
from baseops.areas.email.networks import Interface, interfaces, private_endpoints
from baseops.contract.drill import DrillContext, Evidence, inconclusive, proven, refuted
from baseops.errors import InconclusiveError
from baseops.semantics.egress import PUBLIC
from baseops.semantics.mail import ses

SMTP = 25
SHOWN = 3


def with_instances(found: Sequence[Identity]) -> list[Identity]:
    """The identities that say of which instances port 25 is promised."""
    return [each for each in found if each.entry.port25 and each.entry.port25.instances]


def look_at_ports(found: Sequence[Identity], ctx: DrillContext) -> Iterator[Evidence]:
    """Each identity's instances. AWS calls: see `interfaces` and `private_endpoints`."""
    for identity in with_instances(found):
        declared, target = identity.entry.port25, target_of(identity, ctx)
        if declared is None or not declared.instances:
            continue
        there = interfaces(ctx.clients, declared.instances)
        if not there:
            tags = ", ".join(f"{key}={value}" for key, value in sorted(declared.instances.items()))
            yield inconclusive(f"{target}/port25", f"no running instance has the tags {tags}", method="evaluated")
            continue
        ctx.steps.add(f"looked at {len(there)} network interfaces")
        yield _port25(f"{target}/port25", there, needed=declared.needed)
        if declared.submission:
            yield _submission(f"{target}/submission", there, declared.submission, ctx)


def _port25(place: str, there: Sequence[Interface], *, needed: bool) -> Evidence:
    open_ = [each for each in there if each.lets_out(SMTP) & PUBLIC]
    closed = [each for each in there if each not in open_]
    measures = {"interfaces": float(len(there)), "open": float(len(open_))}
    if needed and closed:
        reason = f"groups and ACLs keep port 25 of {_named(closed)} from the internet"
        return refuted(place, reason, method="evaluated", measures=measures)
    if not needed and open_:
        reason = f"port 25 leaves {_named(open_)} for the internet"
        return refuted(place, reason, method="evaluated", measures=measures)
    said = "let port 25 out; whether AWS does no API says" if needed else "let no port 25 out"
    return proven(place, f"groups and ACLs {said}", method="evaluated", measures=measures)


def _submission(place: str, there: Sequence[Interface], port: int, ctx: DrillContext) -> Evidence:
    """Whether the port is open to every address that SES's SMTP endpoint has now, as DNS knows it."""
    name = ses.smtp_endpoint(ctx.site.region)
    own = private_endpoints(ctx.clients, ses.smtp_service(ctx.site.region))
    inside = [each for each in there if each.vpc in own]
    if inside:
        reason = f"{_named(inside)} reach {name} by an endpoint of the VPC's own, whose groups are not evaluated"
        return inconclusive(place, reason, method="evaluated")
    try:
        addresses = ctx.resolver.resolve(name, "A")
    except InconclusiveError as error:
        return inconclusive(place, f"nobody answered for {name}: {error.why or error.what}", method="evaluated")
    if not addresses:
        return inconclusive(place, f"DNS has no address of {name}", method="evaluated")
    shut = [each for each in there if not all(one in each.lets_out(port) for one in addresses)]
    measures: Mapping[str, float] = {"interfaces": float(len(there)), "addresses": float(len(addresses))}
    if shut:
        reason = f"groups or ACLs keep port {port} of {_named(shut)} from {name}"
        return refuted(place, reason, method="evaluated", measures=measures)
    return proven(place, f"groups and ACLs let port {port} out to {name}", method="evaluated", measures=measures)


def _named(there: Sequence[Interface]) -> str:
    """Instances with their security groups."""
    named = list(dict.fromkeys(f"{each.instance} ({', '.join(each.groups)})" for each in there))
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return f"{', '.join(named[:SHOWN])}{more}"
