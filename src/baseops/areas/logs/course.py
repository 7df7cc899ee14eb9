"""One alarm on its way from a line to its notification, its remedy and back: what was seen when, and what it means.

It holds times and judges them; it calls nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from baseops.areas.logs.probe import Notified, Started
from baseops.contract.drill import Evidence, Span, inconclusive, proven, refuted

_BEFORE = timedelta(minutes=10)
"""How much of what was before the first line is worth showing."""
_NOTICE = timedelta(minutes=10)
"""How long a notification, or a rule, may take once an alarm rings."""


@dataclass
class Course:
    """One alarm under watch. `alarm` is the name that is watched, `lane` the one that the page shows.

    `told_ok`: whether a notification has to come when it stops too. `remedied`: whether a rule has to start a remedy.
    `within` is what the declaration promises from a line to the notification. `remedy` and `remedy_fault` say how the
    remedy went, `doubt` why that cannot be told. `slow`: lines took so long to write that times say little.
    """

    target: str
    alarm: str
    lane: str
    begin: datetime
    end: datetime
    patience: timedelta
    told_ok: bool = False
    remedied: bool = False
    within: timedelta | None = None
    rang: datetime | None = None
    notified: datetime | None = None
    stopped: datetime | None = None
    stopped_as: str = ""
    notified_ok: datetime | None = None
    started: Started | None = None
    remedy: str = ""
    remedy_fault: str = ""
    doubt: str = ""
    slow: bool = False
    wrote: bool = False
    states: list[tuple[datetime, str]] = field(default_factory=list)

    def hear(self, message: Notified | Started) -> None:
        """Take a message in, where it is of this alarm and later than the first line."""
        if message.alarm != self.alarm:
            return
        if isinstance(message, Started):
            self.started = self.started or message
        elif message.state == "ALARM" and message.changed >= self.begin:
            self.rang = self.rang or message.changed
            self.notified = self.notified or message.sent
        elif message.state == "OK" and self.rang and message.changed > self.rang:
            self.see("OK", message.changed)
            self.notified_ok = self.notified_ok or message.sent

    def see(self, state: str, since: datetime) -> None:
        """Take in which state the alarm has, and since when."""
        if not self.states or self.states[-1][1] != state:
            self.states.append((since, state))
        if state == "ALARM" and since >= self.begin:
            self.rang = self.rang or since
        elif self.rang and since > self.rang and not self.stopped:
            self.stopped, self.stopped_as = since, state

    def is_over(self, now: datetime) -> bool:
        """Whether nothing more is to come, or has not come in time."""
        if now < self.end:
            return False
        if not self.rang:
            return now >= self.end + self.patience
        if not self.notified or (self.remedied and not self.started):
            return now >= max(self.rang, self.end) + _NOTICE
        if self.remedied and not (self.remedy or self.remedy_fault or self.doubt):
            return now >= self.rang + self.patience * 2
        untold = self.told_ok and self.stopped_as == "OK" and not self.notified_ok
        return bool(self.stopped and not untold) or now >= self.end + self.patience * 2

    def evidence(self, what: str, spans: Sequence[Span] = ()) -> Evidence:
        """What it comes to; `what` is the alarm in words (`the twin`)."""
        measures = dict(self.measures())
        fault = self._fault(what)
        if fault:
            return refuted(self.target, fault, method="exercised", measures=measures, spans=spans)
        doubt = self.doubt or self._slowness()
        if doubt:
            return inconclusive(self.target, doubt, method="exercised", measures=measures, spans=spans)
        remedy = f", {self.remedy}" if self.remedy else ""
        said = f"{what} rang, told the topic{remedy} and stopped"
        if self.stopped_as != "OK":
            said += f" ({self.stopped_as}: nothing says that all is well)"
        return proven(self.target, said, method="exercised", measures=measures, spans=spans)

    def _slowness(self) -> str:
        if not (self.slow and self.within and self.notified and self.notified - self.begin > self.within):
            return ""
        return "AWS answered so slowly that the time until the notification says nothing"

    def _fault(self, what: str) -> str:
        return next(self._faults(what), "")

    def _faults(self, what: str) -> Iterator[str]:
        """What did not happen, in the order of the way."""
        if not self.rang:
            last = self.states[-1][1] if self.states else "never seen"
            yield f"{what} did not ring within {_words(self.patience)} after the last line; its state is {last}"
        elif not self.notified:
            yield f"{what} rang, and the topic delivered no notification of it"
        elif self.within and self.notified - self.begin > self.within and not self.slow:
            late, promised = (int(each.total_seconds()) for each in (self.notified - self.begin, self.within))
            yield f"{what} was told of after {late} s, promised are {promised} s"
        if self.remedied and self.remedy_fault:
            yield f"{what} rang, and {self.remedy_fault}"
        elif self.remedied and not self.started:
            yield f"{what} rang, and no rule would have started its remedy"
        elif self.remedied and not (self.remedy or self.doubt):
            yield f"{what} rang, and its remedy did not come to its end"
        if not self.stopped and self.rang:
            yield f"{what} rang, and did not stop again"
        elif self.told_ok and self.stopped_as == "OK" and not self.notified_ok:
            yield f"{what} stopped, and the topic delivered no notification of it"

    def measures(self) -> Iterator[tuple[str, float]]:
        """The times that were reached."""
        if self.rang:
            yield "detect_seconds", (self.rang - self.begin).total_seconds()
        if self.rang and self.notified:
            yield "notify_seconds", (self.notified - self.rang).total_seconds()
        if self.stopped:
            yield "ok_seconds", (self.stopped - self.end).total_seconds()

    def spans(self, now: datetime, cause: str = "lines") -> list[Span]:
        """The alarm's states, and from when to when what caused them lasted: lines, or silence."""
        ends, since = [when for when, _ in self.states[1:]] + [now], self.begin - _BEFORE
        found = [
            Span(self.lane, state, max(when, since), max(end, since))
            for (when, state), end in zip(self.states, ends, strict=True)
        ]
        return [*found, Span(f"{self.lane}: {cause}", cause, self.begin, self.end)]


def _words(span: timedelta) -> str:
    return f"{int(span.total_seconds()) // 60} minutes"
