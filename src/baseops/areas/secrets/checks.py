"""What can be said against the `secrets` of a declaration without asking AWS: cross-references, limits, traps.

Each rule is a function from an entry to findings; it reads no account and repeats no value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from baseops.areas.secrets import access, canary
from baseops.areas.secrets.credentials import kind_of_secret, names_a_secret
from baseops.areas.secrets.rotation_checks import postgres_value, rotation_canary, rotation_function, rotation_schedule
from baseops.areas.secrets.wording import Path, error, warning
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.semantics.roles import at_home, role_of

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

Rule = Callable[["Entry", Path], Iterator[Finding]]
SiteRule = Callable[["Entry", Path, Site], Iterator[Finding]]

# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
MAX_VALUE = {None: 4096, "Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}
_ONLY_SECRETS = ("generate", "rotation", "resource_policy", "replicas")
_ONLY_PARAMETERS = ("type", "value", "tier")
_ONLY_MANAGED = ("generate", "value", "rotation", "resource_policy", "replicas", "description", "tier")


def check(section: Section, site: Site) -> list[Finding]:
    """All findings, entry by entry, then those over all entries."""
    found: list[Finding] = []
    for name, entry in section.entries.items():
        path = ("secrets", name)
        found += [finding for rule in _RULES for finding in rule(entry, path)]
        found += [finding for rule in _SITE_RULES for finding in rule(entry, path, site)]
    return [*found, *_names_used_twice(section), *_names_of_canaries(section), *_policies_too_large(section, site)]


def _keys_of_the_other_kind(entry: Entry, path: Path) -> Iterator[Finding]:
    wrong = _ONLY_PARAMETERS if entry.secret else _ONLY_SECRETS
    have, home = ("secret", "parameter") if entry.secret else ("parameter", "secret")
    for key in wrong:
        if getattr(entry, key):
            yield error(
                "key-of-the-other-kind",
                (*path, key),
                f"a {have} has no `{key}`, only a {home} has",
                f"Remove `{key}`, or make it a `{home}:`.",
            )


def _keys_of_managed_entries(entry: Entry, path: Path) -> Iterator[Finding]:
    for key in _ONLY_MANAGED:
        if not entry.managed and getattr(entry, key):
            yield error(
                "key-of-a-managed-entry",
                (*path, key),
                f"`{key}` makes or changes something, and `managed: false` says that somebody else does",
                f"Remove `{key}`, or remove `managed: false`.",
            )


def _value_of_a_parameter(entry: Entry, path: Path) -> Iterator[Finding]:
    if not entry.parameter or not entry.managed:
        return
    if entry.kind == "SecureString" and entry.value is not None:
        yield error(
            "value-of-a-secure-string",
            (*path, "value"),
            "the value of a SecureString never stands in a declaration",
            f"Remove `value`; after apply, type: baseops secrets put {entry.name} (or write `type: String` for "
            "configuration).",
        )
    if entry.kind != "SecureString" and entry.value is None:
        yield error(
            "parameter-without-value",
            path,
            f"a parameter of type {entry.kind} needs a `value`",
            "Write `value: …`, or `type: SecureString` for a secret that is put by hand.",
        )
    if entry.value and len(entry.value.encode()) > MAX_VALUE[entry.tier]:
        yield error(
            "value-too-long",
            (*path, "value"),
            f"the value has {len(entry.value.encode())} bytes, more than the {MAX_VALUE[entry.tier]} of its tier",
            "Shorten it, or write `tier: Advanced` (up to 8192 bytes).",
        )


def _secret_in_a_value(entry: Entry, path: Path) -> Iterator[Finding]:
    if entry.value is None or entry.kind == "SecureString":
        return
    kind = kind_of_secret(entry.value) or ("a secret, by its name" if names_a_secret(entry.name) else "")
    if kind:
        yield error(
            "secret-in-a-value",
            (*path, "value"),
            f"the value looks like {kind}; it would stand in this file, in the template and in every copy of both",
            f"Write `type: SecureString` without `value`, then type: baseops secrets put {entry.name}",
        )


def _generation(entry: Entry, path: Path) -> Iterator[Finding]:
    generate = entry.generate
    if generate is None:
        return
    place = (*path, "generate")
    if (generate.template is None) != (generate.key is None):
        yield error(
            "template-without-key",
            place,
            "`template` and `key` belong together: the password is put into the template under that key",
            "Write both, such as `template: {username: app}` and `key: password`, or neither.",
        )
    excluded = [
        generate.exclude_lowercase,
        generate.exclude_uppercase,
        generate.exclude_numbers,
        generate.exclude_punctuation,
    ]
    if all(excluded) and not generate.include_space:
        yield error("nothing-to-generate", place, "every kind of character is excluded", "Allow at least one kind.")
    kinds = excluded.count(False) + generate.include_space
    if generate.require_each_included_type and generate.length < kinds:
        yield error(
            "password-too-short",
            (*place, "length"),
            f"a password of {generate.length} characters cannot hold one of each of {kinds} kinds",
            f"Write `length: {kinds}` or more (32 is the default).",
        )
    yield from _secret_in_a_template(entry, (*place, "template"))


def _secret_in_a_template(entry: Entry, place: Path) -> Iterator[Finding]:
    generate = entry.generate
    for member, value in (generate.template or {}).items() if generate else ():
        is_key = generate is not None and member == generate.key
        if is_key or names_a_secret(member) or kind_of_secret(str(value)):
            yield error(
                "secret-in-a-template",
                (*place, member),
                f"`{member}` holds what has to stay secret, or is what Secrets Manager generates",
                f"Remove `{member}` from the template; `key` names the member that is generated.",
            )


def _roles(entry: Entry, path: Path, site: Site) -> Iterator[Finding]:
    for key in ("readers", "administrators"):
        references = getattr(entry, key)
        for place, reference in enumerate(references):
            yield from _role(entry, (*path, key, place), reference, key == "readers", site)
            if reference in references[:place]:
                yield error("role-twice", (*path, key, place), f"{reference} stands twice", "Remove one.")
    if not entry.readers and not entry.administrators:
        yield warning(
            "nobody-declared",
            path,
            "neither readers nor administrators are declared, so nobody is expected to read it",
            "Write `readers: [role/…]`.",
        )


def _role(entry: Entry, place: Path, reference: str, is_reader: bool, site: Site) -> Iterator[Finding]:
    role = role_of(reference)
    if is_reader and not at_home(role, site.accounts):
        yield from _foreign_reader(entry, place, role.account or "")
    elif is_reader and entry.attach != "print" and role.is_unchangeable:
        yield error(
            "reader-unchangeable",
            place,
            f"only AWS can change {role.name}: nothing can be attached to it",
            "Write `attach: print` and put the printed policy into its permission set.",
        )


def _foreign_reader(entry: Entry, place: Path, account: str) -> Iterator[Finding]:
    if entry.parameter:
        yield error(
            "reader-of-another-account",
            place,
            f"account {account} is not among the declaration's, and a parameter is read in its own account only",
            "Make it a `secret:`, or remove the reader.",
        )
    elif entry.managed and (entry.key is None or not entry.resource_policy):
        yield error(
            "reader-of-another-account",
            place,
            f"account {account} is not among the declaration's; it needs a key whose policy names it, which the "
            "declaration's own key never does, and a resource policy",
            "Write `key:` with the ARN of such a key and `resource_policy: true`, or remove the reader.",
        )


def _resource_policy(entry: Entry, path: Path) -> Iterator[Finding]:
    if entry.resource_policy and not entry.administrators:
        yield error(
            "policy-without-administrators",
            (*path, "resource_policy"),
            "nobody but the readers and the account's root user could read the secret, not even to repair it",
            "Write `administrators: [role/…]`.",
        )


def _replicas(entry: Entry, path: Path, site: Site) -> Iterator[Finding]:
    for place, region in enumerate(entry.replicas):
        if region == site.region or region in entry.replicas[:place]:
            yield error("replica-twice", (*path, "replicas", place), f"the secret is in {region} already", "Remove it.")
        elif region not in site.regions:
            yield error(
                "replica-region",
                (*path, "replicas", place),
                f"{region} is not among the declaration's `regions`, so there is no key for the copy",
                f"Write `regions: [{region}]` at the top.",
            )


def _key(entry: Entry, path: Path, site: Site) -> Iterator[Finding]:
    if entry.key and entry.key.split(":")[3] != site.region:
        yield error(
            "key-elsewhere",
            (*path, "key"),
            f"the key is in {entry.key.split(':')[3]}, and a key works in its own region only",
            f"Name a key of {site.region}.",
        )
    if entry.key and entry.parameter and entry.kind != "SecureString":
        yield error("key-of-plain-text", (*path, "key"), f"a {entry.kind} is not encrypted", "Remove `key`, or `type`.")


def _names_of_canaries(section: Section) -> Iterator[Finding]:
    secrets = {entry.secret for entry in section.entries.values()}
    for name, entry in section.entries.items():
        if not canary.is_declared(entry):
            continue
        if canary.name_of(name) in section.entries or canary.secret_of(entry) in secrets:
            yield error(
                "canary-name-taken",
                ("secrets", name, "rotation", "canary"),
                f"the canary is `{canary.name_of(name)}` with the secret {canary.secret_of(entry)}, and one of them is "
                "declared",
                "Give the other entry another name.",
            )


def _names_used_twice(section: Section) -> Iterator[Finding]:
    first: dict[tuple[bool, str], str] = {}
    for name, entry in section.entries.items():
        thing = (bool(entry.secret), entry.name)
        if thing in first:
            key = "secret" if entry.secret else "parameter"
            yield error(
                "name-twice",
                ("secrets", name, key),
                f"`{first[thing]}` has the {key} {entry.name} already",
                "Give one of them another name, or remove one.",
            )
        first.setdefault(thing, name)


def _policies_too_large(section: Section, site: Site) -> Iterator[Finding]:
    for policy in access.reader_policies(section, site):
        size = access.size(policy)
        if size > access.MAX_SIZE[policy.attach]:
            yield error(
                "policy-too-large",
                ("secrets", policy.entries[0], "readers"),
                f"what {policy.role.reference} reads makes a policy of {size} characters, more than the "
                f"{access.MAX_SIZE[policy.attach]} that IAM takes",
                "Divide the work among several roles, or write `attach: print` for some entries.",
            )


_RULES: tuple[Rule, ...] = (
    _keys_of_the_other_kind,
    _keys_of_managed_entries,
    _value_of_a_parameter,
    _secret_in_a_value,
    _generation,
    rotation_schedule,
    postgres_value,
    rotation_canary,
    _resource_policy,
)
_SITE_RULES: tuple[SiteRule, ...] = (rotation_function, _roles, _replicas, _key)
