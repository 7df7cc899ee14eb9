"""What can be said against a rotation without asking AWS: its function, its schedule, the value that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from baseops.areas.secrets import authorities
from baseops.areas.secrets.rotation import POSTGRES_SINGLE_USER, longest_interval, schedule_problem, window_problem
from baseops.areas.secrets.wording import Path, error, warning
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.fields import print_duration

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry


def rotation_function(entry: Entry, path: Path, site: Site) -> Iterator[Finding]:
    """The function is named, in the right region, and what belongs to it alone."""
    rotation = entry.rotation
    if rotation is None:
        return
    place = (*path, "rotation")
    if rotation.function is None:
        yield error(
            "rotation-without-function",
            place,
            "rotation needs a function that also changes the password in the service that checks it; without one, "
            "the first rotation locks the application out",
            f"Write `function: {POSTGRES_SINGLE_USER}`, the ARN of a Lambda function of yours, or no `rotation`.",
        )
    if rotation.function == POSTGRES_SINGLE_USER and rotation.ca_certificates:
        problem = authorities.problem(site.folder, rotation.ca_certificates)
        if problem:
            yield error(
                "rotation-authorities",
                (*place, "ca_certificates"),
                problem,
                "Name a PEM file with the authorities of the database's certificate.",
            )
    if rotation.function not in (None, POSTGRES_SINGLE_USER):
        for key in ("network", "ca_certificates", "canary"):
            if getattr(rotation, key):
                yield error(
                    "rotation-key-of-another-function",
                    (*place, key),
                    f"`{key}` belongs to the function that baseops makes, and {rotation.function} is yours",
                    f"Remove `{key}`, or write `function: {POSTGRES_SINGLE_USER}`.",
                )
        if rotation.function and rotation.function.split(":")[3] != site.region:
            yield error(
                "rotation-function-elsewhere",
                (*place, "function"),
                f"the function is in {rotation.function.split(':')[3]}, the secret in {site.region}",
                "Name a function of the secret's own region.",
            )


def rotation_schedule(entry: Entry, path: Path) -> Iterator[Finding]:
    """The schedule and window are within Secrets Manager's limits, and the promise can hold."""
    rotation = entry.rotation
    if rotation is None:
        return
    problem = schedule_problem(rotation)
    if problem:
        key = "cron" if rotation.cron and not rotation.every else "every"
        yield error("rotation-schedule", (*path, "rotation", key), *_split(problem))
    problem = "" if problem else window_problem(rotation)
    if problem:
        yield error("rotation-window", (*path, "rotation", "window"), *_split(problem))
    max_age, longest = entry.promise.max_age, None if problem else longest_interval(rotation)
    if max_age and longest and longest > max_age:
        yield error(
            "promise-shorter-than-rotation",
            (*path, "promise", "max_age"),
            f"the value is replaced every {print_duration(longest)}, so it cannot always be younger than "
            f"{print_duration(max_age)}",
            f"Write a `max_age` above {print_duration(longest)}, or rotate more often.",
        )


def rotation_canary(entry: Entry, path: Path) -> Iterator[Finding]:
    """The canary has a user of its own, and something to make its value of."""
    rotation = entry.rotation
    if rotation is None or rotation.canary is None:
        return
    place = (*path, "rotation", "canary")
    if entry.generate is None or entry.generate.template is None:
        yield error(
            "canary-without-template",
            place,
            "the canary's value is made like the live one, and there is no `generate` with a `template` to make it of",
            "Write `generate: {key: password, template: {host: …, username: …}}`, or remove `canary`.",
        )
    elif rotation.canary.username in (entry.generate.template or {}).values():
        yield error(
            "canary-is-the-live-user",
            (*place, "username"),
            f"{rotation.canary.username} is the user that the application logs in as: the drill would change its "
            "password",
            "Make another user in the database and name that one.",
        )


def _split(problem: str) -> tuple[str, str]:
    what, _, remedy = problem.partition("; ")
    return what, f"{remedy[:1].upper()}{remedy[1:]}." if remedy else ""


def postgres_value(entry: Entry, path: Path) -> Iterator[Finding]:
    """The PostgreSQL rotation finds what it reads, and reaches the database."""
    rotation, generate = entry.rotation, entry.generate
    if rotation is None or rotation.function != POSTGRES_SINGLE_USER:
        return
    if rotation.network is None:
        yield warning(
            "rotation-without-network",
            (*path, "rotation"),
            "without `network` the function runs outside your VPC and reaches a database only by a public address",
            "Write `network: {subnets: [subnet-…], security_groups: [sg-…]}`.",
        )
    if generate is None:
        return
    missing = {"username", "host"} - set(generate.template or {})
    if generate.key != "password" or missing:
        yield error(
            "postgres-value-incomplete",
            (*path, "generate"),
            "the PostgreSQL rotation reads host, username and password from the secret's JSON",
            "Write `key: password` and `template: {host: …, username: …, dbname: …}`.",
        )
