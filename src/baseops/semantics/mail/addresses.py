"""What SES accepts as a domain and as a mail address; says what to write instead of what it does not accept.

SES takes domains in ASCII (Punycode) and local parts in ASCII, as it does not support SMTPUTF8:
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def is_address(identity: str) -> bool:
    """Whether an identity's name is that of an address, not of a domain."""
    return "@" in identity


def domain_of(identity: str) -> str:
    """The domain of an identity, in lower case."""
    return identity.rpartition("@")[2].lower()


def fold(identity: str) -> str:
    """The name under which SES keeps an identity: domains have no case, local parts do."""
    local, at, domain = identity.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def is_within(domain: str, parent: str) -> bool:
    """Whether a domain is `parent` or lies below it."""
    return domain.lower() == parent.lower() or domain.lower().endswith(f".{parent.lower()}")


def domain_problem(domain: str) -> str:
    """What is wrong with a domain and what to write; empty when SES takes it."""
    if not domain.isascii():
        return f"{domain} is not ASCII, and SES wants Punycode: write {_punycode(domain)}"
    if domain.endswith("."):
        return f"{domain} ends with a dot: write {domain.rstrip('.')}"
    if len(domain) > 253:
        return f"the domain has {len(domain)} characters, and DNS allows 253"
    return _labels_problem(domain, domain.split("."))


def _labels_problem(domain: str, labels: list[str]) -> str:
    if len(labels) < 2:
        return f"{domain} is not a whole domain: write it with its ending, such as {domain or 'acme'}.example"
    wrong = next((label for label in labels if not _LABEL.fullmatch(label)), None)
    if wrong is not None:
        return f"{domain} is not a domain: {wrong!r} is not 1-63 letters, digits and inner hyphens"
    if labels[-1].isdigit():
        return f"{domain} is an IP address, and an identity is a domain such as acme.example"
    return ""


def address_problem(address: str) -> str:
    """What is wrong with a mail address and what to write; empty when SES takes it."""
    local, at, domain = address.rpartition("@")
    if not at:
        return f"{address} is not a mail address: write it as name@{address or 'acme.example'}"
    if not local.isascii():
        return f"the part before @ in {address} is not ASCII, which SES does not take (no SMTPUTF8)"
    if len(local) > 64:
        return f"the part before @ has {len(local)} characters, and mail allows 64"
    if not _LOCAL.fullmatch(local):
        return f"{address} is not a mail address that SES takes: write it as name@{domain or 'acme.example'}"
    return domain_problem(domain)


def _punycode(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return "its xn-- form"
