"""The drill that starts an instance of the published image, waits until it answers, and runs the declared commands.

Whether silence is the image's fault or the network's is decided by a control: an instance of Amazon's own image in the
same subnet and security group. Where that one is silent too, nothing is known of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.images import sources
from baseops.areas.images.publication import current_image
from baseops.areas.images.shown import shown
from baseops.areas.images.wording import plural
from baseops.contract.drill import DrillContext, Evidence, Span, inconclusive, proven, refuted
from baseops.evidence import drill_instances
from baseops.evidence.drill_commands import answers, run_patiently
from baseops.evidence.drill_instances import LIFETIME, Started, amazon_linux, security_group, start
from baseops.evidence.drill_network import Way, way_to_systems_manager

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section

# Any: what EC2 describes.
Described = Mapping[str, Any]

TIMEOUT = LIFETIME
PATIENCE = timedelta(minutes=15)
PATIENCE_WITH_CONTROL = timedelta(minutes=10)
COST_USD = 2 * drill_instances.COST_USD
"""Of one image: an instance, and its control."""


def launch(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for every image, in the primary region, where the drill subnet is."""
    way = way_to_systems_manager(ctx)
    group = ""
    for name, entry in section.entries.items():
        target = f"images.{name}"
        image_id = current_image(ctx, name, entry, ctx.site.region)
        image = sources.ami(ctx.clients, ctx.site.region, image_id) if image_id else None
        if image is None:
            yield refuted(target, f"{ctx.site.region} has no AMI of this image to start", method="exercised")
            continue
        group = group or security_group(ctx, way, "launch")
        yield from _started(target, entry, image, way, group, ctx)


def _started(
    target: str, entry: Entry, image: Described, way: Way, group: str, ctx: DrillContext
) -> Iterator[Evidence]:
    started = start(ctx, image, way, group)
    measures = {"created_seconds": started.created_seconds}
    if started.reason:
        yield _ended_at_once(target, image, started)
    elif answers(ctx, started.instance_id, PATIENCE):
        seconds = (ctx.clock.now() - started.asked).total_seconds()
        ctx.steps.add(f"{started.instance_id} answers Systems Manager after {seconds:.0f} s")
        yield from _commands(target, entry, image, started, {**measures, "ssm_seconds": seconds}, ctx)
    else:
        yield _silent(target, image, started, way, group, ctx)


def _ended_at_once(target: str, image: Described, started: Started) -> Evidence:
    """EC2's own trouble, and keys that may not be used, say nothing of the image.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html#troubleshooting-instance-terminates
    """
    said = f"an instance of {image['ImageId']} ended at once: {started.reason}"
    if started.reason.startswith(("Server.", "Client.InternalError", "unknown")):
        more = "; without kms:CreateGrant on the image's key EC2 says no more than that" * ("Client." in started.reason)
        return inconclusive(target, said + more, method="exercised")
    return refuted(target, said, method="exercised")


def _silent(target: str, image: Described, started: Started, way: Way, group: str, ctx: DrillContext) -> Evidence:
    minutes = PATIENCE // timedelta(minutes=1)
    said = f"an instance of {image['ImageId']} did not answer Systems Manager within {minutes} minutes"
    ctx.steps.add(f"{started.instance_id} does not answer; a control is started")
    control = amazon_linux(ctx, str(image.get("Architecture", "x86_64")))
    if control is None:
        return inconclusive(target, f"{said}, and there is no image of Amazon's to compare it with", method="exercised")
    compared = start(ctx, control, way, group)
    if not compared.reason and answers(ctx, compared.instance_id, PATIENCE_WITH_CONTROL):
        seconds = (ctx.clock.now() - compared.asked).total_seconds()
        return refuted(
            target, f"{said}; one of {control['ImageId']} beside it did after {seconds:.0f} s", method="exercised"
        )
    return inconclusive(
        target, f"{said}, nor did one of {control['ImageId']}: by {way.by} it is not reached", method="exercised"
    )


def _commands(
    target: str,
    entry: Entry,
    image: Described,
    started: Started,
    measures: Mapping[str, float],
    ctx: DrillContext,
) -> Iterator[Evidence]:
    commands = [each.run for each in entry.checks if each.run]
    failed, not_run = [], []
    for number, command in enumerate(commands, start=1):
        outcome = run_patiently(ctx, started.instance_id, command)
        said = f"command {number} ({shown(command)})"
        if outcome.code is None:
            not_run.append(f"{said} was not run: {outcome.details}")
        elif not outcome.is_success:
            failed.append(f"{said} ended with {outcome.code}")
    spans = [Span(f"{target}/launch", "starting and asked", started.asked, ctx.clock.now())]
    if failed:
        said = f"on an instance of {image['ImageId']} {'; '.join(failed)}"
        yield refuted(target, said, method="exercised", measures=measures, spans=spans)
    elif not_run:
        found = inconclusive(target, "; ".join(not_run), method="exercised", measures=measures, spans=spans)
        yield replace(found, not_exercised=tuple(not_run))
    else:
        said = f"an instance of {image['ImageId']} answers, and {plural(len(commands), 'command')} ended with 0"
        yield proven(target, said, method="exercised", measures=measures, spans=spans)
