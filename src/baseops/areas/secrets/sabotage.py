"""The breaks of secrets that show that its drills can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from baseops.areas.secrets import breaks, canary
from baseops.contract.drill import Sabotage
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

_LAGS = timedelta(minutes=20)
"""Until CloudTrail shows what was done."""
_SPREADS = timedelta(minutes=1)
"""Until IAM's change is everywhere."""
_STUCK = timedelta(hours=2)
"""Until a rotation can no longer be one that goes on."""


def sabotages(section: Section, site: Site) -> Sequence[Sabotage]:  # noqa: ARG001  # the protocol's signature
    """The breaks that the drills of this section must notice."""
    entries = list(section.entries.values())
    secret = _first(entries, lambda each: bool(each.secret and each.managed))
    parameter = _first(entries, lambda each: each.kind == "SecureString" and each.name.count("/") > 1)
    found: list[Sabotage] = []
    if secret:
        found += [*_of_readers(secret), *_of_keeping(secret), *_of_rotation(secret), *_of_canary(secret), *_of_trail()]
        found += _of_instances(secret)
    if parameter and parameter.parameter:
        found.append(
            Sabotage(
                name="secrets/ancestor-path",
                drill="secrets/readers",
                story="a role may list the path that the parameter is under",
                break_=partial(breaks.ancestor_path, entry=parameter),
            )
        )
    return found


def _first(entries: Sequence[Entry], is_meant: Callable[[Entry], bool]) -> Entry | None:
    return next((each for each in entries if is_meant(each)), None)


def _of_readers(entry: Entry) -> Iterator[Sabotage]:
    stories: list[tuple[str, str, Callable[..., None]]] = [
        ("previous-version", "a role may read the secret's previous version", breaks.previous_version),
        ("key-for-everybody", "the key's policy lets everybody decrypt", breaks.key_for_everybody),
        ("shared-with-an-account", "the secret's policy lets another account in", breaks.shared_with_an_account),
    ]
    if entry.readers and entry.attach == "inline":
        stories += [
            ("reader-without-permission", "the reader's role lost its policies", breaks.reader_without_permission),
            ("reader-without-key", "the reader may read and not decrypt", breaks.reader_without_key),
            ("key-against-reader", "the key's policy refuses the reader", breaks.key_against_reader),
        ]
    yield Sabotage(
        "secrets/wildcard-role", "secrets/readers", "a role may read whatever there is", breaks.wildcard_role
    )
    yield Sabotage(
        "secrets/administrators-grown",
        "secrets/readers",
        "there is one administrator more than declared",
        breaks.one_more_administrator,
    )
    for name, story, break_ in stories:
        yield Sabotage(f"secrets/{name}", "secrets/readers", story, partial(break_, entry=entry))


def _of_keeping(entry: Entry) -> Iterator[Sabotage]:
    stories: list[tuple[str, str, Callable[..., None]]] = [
        ("about-to-be-deleted", "somebody deleted the secret", breaks.about_to_be_deleted),
        ("under-another-key", "the secret is under a key that is not declared", breaks.under_another_key),
    ]
    if entry.replicas:
        stories.append(("copy-of-its-own", "the copy in another region follows no longer", breaks.copy_of_its_own))
    for name, story, break_ in stories:
        yield Sabotage(f"secrets/{name}", "secrets/kept", story, partial(break_, entry=entry))


def _of_rotation(entry: Entry) -> Iterator[Sabotage]:
    if entry.rotation is None:
        return
    yield Sabotage(
        name="secrets/rotation-off",
        drill="secrets/rotation-state",
        story="somebody switched the rotation off",
        break_=partial(breaks.rotation_off, entry=entry),
    )
    yield Sabotage(
        name="secrets/rotated-at-once",
        drill="secrets/rotation-state",
        story="RotateSecret was called without RotateImmediately=false on the live secret",
        break_=partial(breaks.rotated_at_once, entry=entry),
        passes=_LAGS,
    )
    yield Sabotage(
        name="secrets/rotation-fails-at-set-secret",
        drill="secrets/rotation-state",
        story="the rotation makes a password and cannot set it",
        break_=partial(breaks.failing_at_set_secret, entry=entry),
        passes=_STUCK,
    )


def _of_canary(entry: Entry) -> Iterator[Sabotage]:
    if canary.is_declared(entry):
        yield Sabotage(
            name="secrets/rotation-package-broken",
            drill="secrets/rotation",
            story="the rotation's function does not even start",
            break_=partial(breaks.broken_package, entry=entry),
        )


def _of_instances(entry: Entry) -> Iterator[Sabotage]:
    if entry.instances is None:
        return
    stories: list[tuple[str, str, Callable[..., None]]] = [
        ("profile-swapped", "the reader's instances have another role", breaks.profile_swapped),
        ("stranger-may", "the role that must be refused may read", breaks.stranger_may),
    ]
    if entry.readers and entry.attach == "inline":
        stories.append(("reader-is-refused", "the reader lost its permission", breaks.reader_without_permission))
    for name, story, break_ in stories:
        yield Sabotage(f"secrets/{name}", "secrets/read", story, partial(break_, entry=entry), passes=_SPREADS)


def _of_trail() -> Iterator[Sabotage]:
    stories = [
        ("trail-stopped", "the company's trail stopped logging", breaks.trail_stopped),
        ("trail-unvalidated", "the trail's files are not validated", breaks.trail_unvalidated),
        ("trail-of-writes", "the trail keeps writes alone", breaks.trail_of_writes),
    ]
    for name, story, break_ in stories:
        yield Sabotage(f"secrets/{name}", "secrets/trail", story, break_)
