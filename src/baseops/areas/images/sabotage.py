"""The breaks of images that show that its drills can fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from baseops.areas.images.breaks import Victim
from baseops.contract.drill import Sabotage
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section


def sabotages(section: Section, site: Site) -> Sequence[Sabotage]:
    """The breaks that the drills of this section must notice, each of the first image that it can be done to."""
    published = [(name, entry) for name, entry in section.managed.items() if entry.publish]
    return [each for name, entry in published[:1] for each in _of_image(name, entry, site)]


def _of_image(name: str, entry: Entry, site: Site) -> Iterator[Sabotage]:
    tags = dict(entry.used_by.tags) if entry.used_by else {}
    victim = Victim(site, name, str(entry.publish), tags, entry.promise.max_age)
    yield from _shared(victim, entry)
    yield from _published(victim, entry)
    if entry.used_by:
        yield from _used(victim)


def _shared(victim: Victim, entry: Entry) -> Iterator[Sabotage]:
    drill = "images/published"
    if entry.launch_permission.is_given:
        story = "the accounts that should launch the AMI cannot any more"
        yield Sabotage("images/ami-unshared", drill, story, victim.unshare)
    story = "an account that nobody declared may launch the AMI"
    yield Sabotage("images/shared-with-one-account-too-many", drill, story, victim.share_with_a_stranger)
    story = "an account that nobody declared may read the AMI's snapshot"
    yield Sabotage("images/snapshot-shared", drill, story, victim.share_the_snapshot)


def _published(victim: Victim, entry: Entry) -> Iterator[Sabotage]:
    drill = "images/published"
    if len(entry.regions or ()) > 1:
        story = "the AMI of one region was deregistered"
        yield Sabotage("images/ami-gone-in-a-region", drill, story, victim.deregister_a_copy)
    story = "the parameter names an AMI that is not of this image"
    yield Sabotage("images/foreign-ami-published", drill, story, victim.publish_a_foreign_image)
    story = "the parameter still names the AMI before the newest"
    yield Sabotage("images/former-ami-published", drill, story, victim.publish_the_former_image)
    story = "an AMI made by hand, not encrypted, was published"
    yield Sabotage("images/plain-ami-published", drill, story, victim.publish_a_plain_image)
    story = "the pipeline was disabled, and nothing was built since"
    yield Sabotage("images/pipeline-disabled", drill, story, victim.disable_the_pipeline)


def _used(victim: Victim) -> Iterator[Sabotage]:
    drill = "images/used-by"
    story = "three builds went by and the fleet was not rolled"
    yield Sabotage("images/instances-three-versions-behind", drill, story, victim.build_three_times)
    story = "an instance of the fleet was started by hand from the public base"
    yield Sabotage("images/instance-on-a-foreign-ami", drill, story, victim.start_from_the_base)
    story = "the launch template names the public base"
    yield Sabotage("images/template-on-a-foreign-ami", drill, story, victim.pin_the_template)
