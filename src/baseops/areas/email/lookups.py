"""Asks DNS for what an identity needs, once for each name, and follows the CNAMEs by which names are delegated."""

from __future__ import annotations

from collections.abc import Iterable

from baseops.contract.resolver import Resolver
from baseops.errors import InconclusiveError
from baseops.semantics.mail import dmarc, spf
from baseops.semantics.mail.dns import Zone, zone_of

MAX_ALIASES = 8
"""How many CNAMEs in a row are followed; resolvers give up after about as many."""
MAX_NAMES = 2 * spf.MAX_LOOKUPS
"""How many names of one SPF record are asked for; receivers stop long before."""

Question = tuple[str, str]


class Lookups:
    """What DNS has answered. `silent` says of each name that nobody answered for why not."""

    def __init__(self, resolver: Resolver) -> None:
        """Nothing is asked yet."""
        self._resolver = resolver
        self._known: dict[Question, tuple[str, ...]] = {}
        self.silent: dict[str, str] = {}

    def zone(self) -> Zone:
        """All that was asked for, as one zone."""
        found = zone_of((name, kind, list(values)) for (name, kind), values in self._known.items())
        return Zone(found.records, frozenset(self.silent))

    def ask(self, questions: Iterable[Question]) -> None:
        """Ask for record sets; a name that is an alias has the records of what it stands for."""
        for name, kind in questions:
            if (name, kind) not in self._known and name not in self.silent:
                try:
                    self._known[name, kind] = self._aliased_to(name) if kind == "CNAME" else self._followed(name, kind)
                except InconclusiveError as error:
                    self.silent[name] = error.why or error.what

    def ask_spf(self, domain: str) -> None:
        """Ask for a domain's SPF record and for all that it includes, as a receiver would."""
        asked: list[str] = []
        waiting = [domain]
        while waiting and len(asked) < MAX_NAMES:
            name = waiting.pop(0)
            asked.append(name)
            self.ask([(name, "TXT")])
            texts = [text for text in self.zone().get(name, "TXT") if spf.is_spf(text)]
            named = [each for text in texts for each in spf.included(text) if "%" not in each]
            waiting += [each for each in dict.fromkeys(named) if each not in (*asked, *waiting)]

    def ask_dmarc(self, domain: str) -> None:
        """Ask for a domain's DMARC record, and for those above it while there is none."""
        labels = domain.split(".")
        for start in range(len(labels) - 1):
            name = f"_dmarc.{'.'.join(labels[start:])}"
            self.ask([(name, "TXT")])
            if name in self.silent or any(dmarc.is_dmarc(text) for text in self.zone().get(name, "TXT")):
                return

    def _followed(self, name: str, kind: str) -> tuple[str, ...]:
        for _ in range(MAX_ALIASES):
            found = self._resolver.resolve(name, kind)
            alias = () if found else self._resolver.resolve(name, "CNAME")
            if not alias:
                return found
            name = alias[0].rstrip(".")
        return ()

    def _aliased_to(self, name: str) -> tuple[str, ...]:
        """What an alias stands for in the end: another provider may keep the name that leads to SES."""
        found = self._resolver.resolve(name, "CNAME")
        for _ in range(MAX_ALIASES if found else 0):
            try:
                alias = self._resolver.resolve(found[0].rstrip("."), "CNAME")
            except InconclusiveError:
                break  # as far as anybody answers: SES's own names need no further look
            if not alias:
                break
            found = alias
        return found
