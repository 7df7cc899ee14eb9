"""What becomes of mail to SES's mailbox simulator, by kind of address, and when a mail's story is complete; pure.

https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from baseops.areas.email.identities import Identity
from baseops.contract.drill import Span, Verdict
from baseops.semantics.mail.simulator import DOMAIN, OUTCOMES, Outcome

# Any: events, as SES writes them.
MAX_MAILS = 10
"""How many mails the drills of one run send together."""
MAX_SUPPRESSED = 3
"""How many of them try suppression."""
MAX_ROUND_TRIPS = MAX_MAILS - MAX_SUPPRESSED

EventName = Literal["Send", "Delivery", "Bounce", "Complaint", "Reject"]


@dataclass(frozen=True)
class Event:
    """One event of a mail: what it is, how a bounce is called, and when it lay in the queue."""

    name: str
    kind: str
    sub_kind: str
    message_id: str
    tags: Mapping[str, Sequence[str]]
    arrived: datetime

    @classmethod
    def read(cls, event: Mapping[str, Any], arrived: datetime) -> Event:
        """From event publishing's JSON. Nothing else is kept: the rest holds addresses.

        https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
        """
        bounce, complaint, mail = (event.get(each) or {} for each in ("bounce", "complaint", "mail"))
        sub_kind = bounce.get("bounceSubType") or complaint.get("complaintSubType") or ""
        return cls(
            str(event.get("eventType", "")),
            str(bounce.get("bounceType", "")),
            str(sub_kind),
            str(mail.get("messageId", "")),
            dict(mail.get("tags") or {}),
            arrived,
        )


@dataclass
class Sent:
    """A mail to the simulator, and what has come home of it."""

    identity: str
    outcome: Outcome
    message_id: str
    at: datetime
    events: list[Event] = field(default_factory=list)

    def named(self, name: EventName) -> list[Event]:
        """Its events of one name."""
        return [each for each in self.events if each.name == name]

    @property
    def end(self) -> Event | None:
        """The event that completes its story."""
        return next((each for name in _ENDS[self.outcome] for each in self.named(name)), None)

    @property
    def seconds(self) -> float:
        """From sending until the last event lay in the queue."""
        last = self.end or (self.events[-1] if self.events else None)
        return max((last.arrived - self.at).total_seconds(), 0.0) if last else 0.0

    def spans(self, given_up: datetime) -> list[Span]:
        """For the page: on its way to the receiver, then back to us."""
        lane = f"{self.identity} {self.outcome}"
        delivered = self.named("Delivery")
        end = self.end.arrived if self.end else given_up
        if not delivered or self.outcome == "success":
            return [Span(lane, "sent" if self.end else "lost", self.at, end)]
        handed = min(delivered[0].arrived, end)
        return [Span(lane, "sent", self.at, handed), Span(lane, "coming home" if self.end else "lost", handed, end)]


_ENDS: Mapping[Outcome, tuple[EventName, ...]] = {
    "success": ("Delivery",),
    "bounce": ("Bounce",),
    "complaint": ("Complaint",),
    "suppressionlist": ("Bounce",),
    "ooto": ("Bounce",),
}


def plan(domains: Sequence[Identity]) -> list[tuple[Identity, Outcome]]:
    """Which mails are sent: every kind from the first domain, then bounces from the others while some are left."""
    kinds = [(identity, outcome) for identity in domains[:1] for outcome in OUTCOMES]
    return [*kinds, *((identity, "bounce") for identity in domains[1:])][:MAX_ROUND_TRIPS]


def address(outcome: Outcome, label: str = "") -> str:
    """The simulator's address; a label changes nothing of what happens."""
    return f"{outcome}+{label}@{DOMAIN}" if label else f"{outcome}@{DOMAIN}"


def judge(sent: Sent, within_seconds: float) -> tuple[Verdict, str]:
    """What came of a mail, and why."""
    end = sent.end
    if sent.named("Reject"):
        return Verdict.REFUTED, "SES rejected the mail"
    if sent.outcome == "ooto":
        return _out_of_office(sent)
    if end is None:
        seen = ", ".join(dict.fromkeys(each.name for each in sent.events)) or "no event at all"
        return Verdict.REFUTED, f"no {_ENDS[sent.outcome][0]} came home within {within_seconds:.0f} s ({seen})"
    if sent.seconds > within_seconds:
        return Verdict.REFUTED, f"it took {sent.seconds:.0f} s, promised are {within_seconds:.0f}"
    if sent.outcome in ("bounce", "suppressionlist") and end.kind != "Permanent":
        return Verdict.REFUTED, f"the bounce is {end.kind}, and such an address bounces for good"
    return Verdict.PROVEN, f"{end.name} {end.kind}/{end.sub_kind}" if end.kind else end.name


def _out_of_office(sent: Sent) -> tuple[Verdict, str]:
    """It may show as a transient bounce, or only as mail to the Return-Path, which nobody here reads."""
    end = sent.end
    if end is not None and end.kind == "Transient":
        return Verdict.PROVEN, f"{end.name} {end.kind}/{end.sub_kind}"
    if end is not None:
        return Verdict.REFUTED, f"the answer of somebody on leave came home as a {end.kind} bounce"
    seen = "it was delivered" if sent.named("Delivery") else "nothing came home"
    return Verdict.INCONCLUSIVE, f"{seen}; the answer went to the Return-Path as mail, if there was one"


def is_complete(mails: Sequence[Sent]) -> bool:
    """Whether nothing more has to be waited for, but an answer of somebody on leave."""
    return all(each.end or each.named("Reject") for each in mails if each.outcome != "ooto")
