"""The breaks of images that show that its drills can fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.images.breaks import Victim
from baseops.areas.images.file_breaks import CREDENTIALS, HISTORY, HOST_KEY, KEY, Replaced, age_the_base
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
    yield from _based(victim, entry)
    yield from _left_behind(victim)
    yield from _lacking(victim, entry)
    if entry.protect:
        yield from _protected(victim)
    if len(entry.regions or ()) > 1:
        yield from _copied(victim)
    if entry.used_by:
        yield from _used(victim)
    if entry.retire:
        story = "the lifecycle policy was disabled: old AMIs stay, and are paid for"
        yield Sabotage("images/retirement-disabled", "images/retirement", story, victim.disable_the_retirement)


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
        story = "the newest build did not come to one region"
        yield Sabotage("images/region-left-behind", drill, story, victim.leave_a_region_behind)
    story = "the parameter names an AMI that is not of this image"
    yield Sabotage("images/foreign-ami-published", drill, story, victim.publish_a_foreign_image)
    story = "the parameter still names the AMI before the newest"
    yield Sabotage("images/former-ami-published", drill, story, victim.publish_the_former_image)
    story = "an AMI made by hand, not encrypted, was published"
    yield Sabotage("images/plain-ami-published", drill, story, victim.publish_a_plain_image)
    story = "the pipeline was disabled, and nothing was built since"
    yield Sabotage("images/pipeline-disabled", drill, story, victim.disable_the_pipeline)


def _based(victim: Victim, entry: Entry) -> Iterator[Sabotage]:
    if entry.promise.max_base_age:
        story = "an AMI was built today on packages of a year ago"
        yield Sabotage("images/base-a-year-old", "images/base-age", story, partial(age_the_base, victim=victim))


def _left_behind(victim: Victim) -> Iterator[Sabotage]:
    drill = "images/contents"
    left = {
        "authorized-keys": ("/home/ec2-user/.ssh/authorized_keys", KEY, "a key that lets somebody into every instance"),
        "host-key": ("/etc/ssh/ssh_host_ed25519_key", HOST_KEY, "a host key, the same on every instance"),
        "shell-history": ("/root/.bash_history", HISTORY, "the shell history of whoever built it"),
        "credentials": ("/root/.aws/credentials", CREDENTIALS, "credentials of whoever built it"),
    }
    for name, (path, content, what) in left.items():
        story = f"the published AMI has {what}"
        yield Sabotage(f"images/{name}-in-the-ami", drill, story, Replaced(victim, {path: content}))


def _protected(victim: Victim) -> Iterator[Sabotage]:
    drill = "images/published"
    story = "somebody turned the protection of the published AMI off"
    yield Sabotage("images/protection-off", drill, story, victim.unprotect)
    story = "the rule that protects each build was disabled, and the next build is not protected"
    yield Sabotage("images/protecting-rule-disabled", drill, story, victim.disable_the_protecting_rule)
    story = "the role that protects each build lost its rights, and the next build is not protected"
    yield Sabotage("images/protecting-role-without-rights", drill, story, victim.take_the_protecting_rights)


def _copied(victim: Victim) -> Iterator[Sabotage]:
    """By tags it is the same build."""
    last = replace(victim, site=replace(victim.site, region=(victim.site.region, *victim.site.regions)[-1]))
    story = "in one region an AMI with a key in it, made by hand, has the tags of the build and its parameter"
    files = {"/home/ec2-user/.ssh/authorized_keys": KEY}
    yield Sabotage("images/copy-replaced", "images/contents", story, Replaced(last, files))


def _lacking(victim: Victim, entry: Entry) -> Iterator[Sabotage]:
    files = [each.file for each in entry.checks if each.file]
    for path in files[:1]:
        story = f"the published AMI lacks {path}"
        yield Sabotage("images/file-missing", "images/contents", story, Replaced(victim, {path: None}))
        if any(each.run for each in entry.checks):
            story = f"a command fails on instances of the published AMI, for want of {path}"
            yield Sabotage("images/command-fails", "images/launch", story, Replaced(victim, {path: None}))
    agent = "/usr/bin/amazon-ssm-agent"
    story = "instances of the published AMI never answer, for want of the SSM agent"
    yield Sabotage("images/instances-never-answer", "images/launch", story, Replaced(victim, {agent: None}))


def _used(victim: Victim) -> Iterator[Sabotage]:
    drill = "images/used-by"
    story = "three builds went by and the fleet was not rolled"
    yield Sabotage("images/instances-three-versions-behind", drill, story, victim.build_three_times)
    story = "an instance of the fleet was started by hand from the public base"
    yield Sabotage("images/instance-on-a-foreign-ami", drill, story, victim.start_from_the_base)
    story = "the launch template names the public base"
    yield Sabotage("images/template-on-a-foreign-ami", drill, story, victim.pin_the_template)
