"""SPF: what a record says, and whether it lets Amazon SES send, within the ten look-ups that RFC 7208 allows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from baseops.semantics.mail.dns import Zone

MAX_LOOKUPS = 10
"""https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4"""

SES_INCLUDE = "amazonses.com"
"""https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-spf.html"""

_ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_KNOWN = _ASKING | {"all", "ip4", "ip6", "exp"}
_TERM = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9_.-]*)(?:([:=/])(.*))?")


@dataclass(frozen=True)
class Term:
    """A mechanism or modifier: `qualifier` is + - ~ or ?, `argument` what stands after the colon or equals sign."""

    name: str
    qualifier: str = "+"
    argument: str = ""

    @property
    def asks(self) -> bool:
        """Whether it costs a look-up."""
        return self.name in _ASKING


@dataclass(frozen=True)
class Spf:
    """A parsed record; `problems` say what a receiver would take for a permanent error."""

    terms: tuple[Term, ...]
    problems: tuple[str, ...] = ()

    @property
    def all(self) -> str:
        """The qualifier of `all`: `-` refuses the rest, `~` doubts it; empty when there is none."""
        return next((term.qualifier for term in self.terms if term.name == "all"), "")


@dataclass(frozen=True)
class SpfResult:
    """What a domain's SPF comes to. `lookups` are counted over all includes; `unknown` could not be followed."""

    record: str = ""
    permits_ses: bool = False
    lookups: int = 0
    problems: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def is_spf(text: str) -> bool:
    """Whether a TXT value is an SPF record."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def parse(text: str) -> Spf:
    """The terms of a record that begins with v=spf1."""
    terms, problems = [], []
    for word in text.split()[1:]:
        found = _TERM.fullmatch(word)
        if not found or (found[2].lower() not in _KNOWN and found[3] != "="):
            problems.append(f"{word} is not an SPF term")
            continue
        terms.append(Term(found[2].lower(), found[1] or "+", (found[4] or "").lower()))
    names = [term.name for term in terms]
    if "all" in names and names.index("all") < len([name for name in names if name not in ("exp", "redirect")]) - 1:
        problems.append("nothing after `all` is ever looked at")
    return Spf(tuple(terms), tuple(problems))


def included(text: str) -> tuple[str, ...]:
    """The domains whose records count for a record too, in its order; not SES's own, which holds addresses only."""
    return tuple(_followed(parse(text)))


def includes_ses(spf: Spf) -> bool:
    """Whether the record itself lets SES send."""
    return any(term.name == "include" and term.argument == SES_INCLUDE and term.qualifier == "+" for term in spf.terms)


def follow(domain: str, zone: Zone) -> SpfResult:
    """The SPF of a domain, its includes and redirect followed as far as `zone` knows them.

    What SES's own include asks for is not counted beyond its one look-up: it holds addresses only.
    """
    texts = [text for text in zone.get(domain, "TXT") if is_spf(text)]
    if not texts:
        return SpfResult(problems=() if zone.is_unknown(domain) else (f"{domain} has no SPF record",))
    if len(texts) > 1:
        return SpfResult(record=texts[0], problems=(f"{domain} has {len(texts)} SPF records, and one is allowed",))
    walk = _Walk(zone)
    walk.enter(domain, texts[0])
    if walk.lookups > MAX_LOOKUPS:
        walk.problems.append(f"{domain} needs {walk.lookups} look-ups, and receivers stop after {MAX_LOOKUPS}")
    return SpfResult(texts[0], walk.permits_ses, walk.lookups, tuple(walk.problems), tuple(walk.unknown))


@dataclass
class _Walk:
    zone: Zone
    lookups: int = 0
    permits_ses: bool = False
    problems: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def enter(self, domain: str, text: str, above: tuple[str, ...] = ()) -> None:
        spf = parse(text)
        self.problems += [f"{domain}: {problem}" for problem in spf.problems]
        self.lookups += sum(term.asks for term in spf.terms)
        self.permits_ses = self.permits_ses or includes_ses(spf)
        for target in _followed(spf):
            self._descend(target, (*above, domain))

    def _descend(self, domain: str, above: tuple[str, ...]) -> None:
        if domain in above:
            self.problems.append(f"{domain} includes itself")
            return
        texts = [text for text in self.zone.get(domain, "TXT") if is_spf(text)]
        if not texts:
            self.unknown.append(domain)
        elif self.lookups <= MAX_LOOKUPS:
            self.enter(domain, texts[0], above)


def _followed(spf: Spf) -> Iterator[str]:
    """The domains whose records count too; SES's own holds addresses only."""
    names = {"include"} if spf.all else {"include", "redirect"}
    yield from (term.argument for term in spf.terms if term.name in names and term.argument != SES_INCLUDE)
