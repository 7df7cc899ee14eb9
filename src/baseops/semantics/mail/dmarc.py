"""DMARC: what a record says, which record counts for a domain, and which domain counts as aligned.

https://www.rfc-editor.org/rfc/rfc7489; the record that counts is found by walking up the tree, without a list of
public suffixes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from baseops.semantics.mail.addresses import address_problem, domain_of, is_within
from baseops.semantics.mail.dns import Zone

POLICIES = ("none", "quarantine", "reject")
Alignment = Literal["relaxed", "strict"]


@dataclass(frozen=True)
class Dmarc:
    """A parsed record. `rua` and `ruf` are addresses; `problems` say what receivers would ignore."""

    policy: str = ""
    subdomain_policy: str = ""
    rua: tuple[str, ...] = ()
    ruf: tuple[str, ...] = ()
    percent: int = 100
    dkim_alignment: Alignment = "relaxed"
    spf_alignment: Alignment = "relaxed"
    problems: tuple[str, ...] = ()


def is_dmarc(text: str) -> bool:
    """Whether a TXT value is a DMARC record."""
    return text.replace(" ", "").lower().startswith("v=dmarc1")


def parse(text: str) -> Dmarc:
    """The tags of a record that begins with v=DMARC1."""
    tags = _tags(text)
    given = {"p": tags.get("p", ""), "sp": tags.get("sp", "none")}
    problems = [
        f"{tag}={value} is none of {', '.join(POLICIES)}"
        for tag, value in given.items()
        if value.lower() not in POLICIES
    ]
    percent = tags.get("pct", "100")
    is_number = percent.isascii() and percent.isdigit() and len(percent) <= 3
    if not is_number or int(percent) > 100:
        problems.append(f"pct={percent} is not a number from 0 to 100")
    return Dmarc(
        policy=tags.get("p", "").lower(),
        subdomain_policy=tags.get("sp", "").lower(),
        rua=_addresses(tags.get("rua", ""), "rua", problems),
        ruf=_addresses(tags.get("ruf", ""), "ruf", problems),
        percent=int(percent) if is_number else 100,
        dkim_alignment="strict" if tags.get("adkim", "r").lower() == "s" else "relaxed",
        spf_alignment="strict" if tags.get("aspf", "r").lower() == "s" else "relaxed",
        problems=tuple(problems),
    )


def write(dmarc: Dmarc) -> str:
    """The record's text; tags that have their default value are left out."""
    tags = {
        "v": "DMARC1",
        "p": dmarc.policy,
        "sp": dmarc.subdomain_policy,
        "pct": "" if dmarc.percent == 100 else str(dmarc.percent),
        "rua": ",".join(f"mailto:{address}" for address in dmarc.rua),
        "ruf": ",".join(f"mailto:{address}" for address in dmarc.ruf),
        "adkim": "s" if dmarc.dkim_alignment == "strict" else "",
        "aspf": "s" if dmarc.spf_alignment == "strict" else "",
    }
    return "; ".join(f"{tag}={value}" for tag, value in tags.items() if value)


def find(domain: str, zone: Zone) -> tuple[str, Dmarc] | None:
    """The record that counts for mail from a domain, and the domain that it stands at: the nearest one upwards."""
    labels = domain.lower().split(".")
    for start in range(len(labels) - 1):
        parent = ".".join(labels[start:])
        texts = [text for text in zone.get(f"_dmarc.{parent}", "TXT") if is_dmarc(text)]
        if len(texts) == 1:
            return parent, parse(texts[0])
    return None


def reports_elsewhere(domain: str, dmarc: Dmarc) -> tuple[str, ...]:
    """The domains that have to agree to receive a domain's reports: those of `rua` and `ruf` outside it.

    https://www.rfc-editor.org/rfc/rfc7489#section-7.1
    """
    targets = dict.fromkeys(domain_of(address) for address in (*dmarc.rua, *dmarc.ruf))
    return tuple(target for target in targets if not is_within(target, domain) and not is_within(domain, target))


def is_aligned(from_domain: str, other: str, alignment: Alignment, organisation: str = "") -> bool:
    """Whether a DKIM or MAIL FROM domain counts for a From domain.

    Relaxed: both have one organisational domain, which is so where one lies within the other, or both within a domain
    that is known to be an organisation's. https://www.rfc-editor.org/rfc/rfc7489#section-3.1
    """
    if alignment == "strict":
        return from_domain.lower() == other.lower()
    if organisation and is_within(from_domain, organisation) and is_within(other, organisation):
        return True
    return is_within(from_domain, other) or is_within(other, from_domain)


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _addresses(text: str, tag: str, problems: list[str]) -> tuple[str, ...]:
    found = []
    for word in filter(None, (piece.strip() for piece in text.split(","))):
        address = word.removeprefix("mailto:").partition("!")[0]
        if not word.startswith("mailto:") or address_problem(address):
            problems.append(f"{tag}={word} is not mailto: and an address")
            continue
        found.append(address)
    return tuple(found)
