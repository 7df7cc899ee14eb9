"""What becomes of a message after SES has taken it: deliveries, bounces, complaints, each after its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.contract.types import Json
from baseops.sandbox.resolver import PublicZones
from baseops.sandbox.services.sesv2.publishing import Publisher, put_metric
from baseops.sandbox.services.sesv2.state import ConfigurationSet, EmailIdentity, SentMessage
from baseops.semantics.mail import events
from baseops.semantics.mail.addresses import domain_of
from baseops.semantics.mail.events import Bounce, EventType
from baseops.semantics.mail.simulator import outcome

if TYPE_CHECKING:
    from baseops.sandbox.services.sesv2.sending import SendingOperations

ACCEPTED_AFTER = timedelta(seconds=1)
DELIVERED_AFTER = timedelta(seconds=4)
BOUNCED_AFTER = timedelta(seconds=6)
COMPLAINED_AFTER = timedelta(seconds=20)
SIMULATED = {"bounce": events.USER_UNKNOWN, "suppressionlist": events.ON_GLOBAL_LIST}
METRICS: Mapping[EventType, str] = {
    "SEND": "Send",
    "REJECT": "Reject",
    "BOUNCE": "Bounce",
    "COMPLAINT": "Complaint",
    "DELIVERY": "Delivery",
}
Step = tuple[timedelta, EventType, Callable[[], Mapping[str, Json]]]


@dataclass(frozen=True)
class Journey:
    """One message on its way."""

    backend: SendingOperations
    message: SentMessage
    identity: EmailIdentity
    configuration_set: ConfigurationSet | None
    tags: tuple[tuple[str, str], ...]

    def begin(self, *, has_virus: bool) -> None:
        """Put everything that will happen on the clock."""
        self._after(ACCEPTED_AFTER, "SEND", lambda: events.send(self._mail()))
        if has_virus:
            self._after(DELIVERED_AFTER, "REJECT", lambda: events.reject(self._mail()))
            return
        for recipient in self.message.recipients:
            for delay, kind, make in self._steps(recipient):
                self._after(delay, kind, make)

    def _steps(self, recipient: str) -> Iterator[Step]:
        simulated = outcome(recipient)
        if self._is_suppressed(recipient):
            yield self._bounce(recipient, events.ON_ACCOUNT_LIST)
        elif simulated in SIMULATED:
            yield self._bounce(recipient, SIMULATED[simulated])
        elif not simulated and self._takes_no_mail(recipient):
            self.backend.sandbox.clock.ticker.after(BOUNCED_AFTER, lambda: self._blame(recipient), "a mail bounced")
            yield self._bounce(recipient, events.NO_MAIL_THERE)
        else:
            yield DELIVERED_AFTER, "DELIVERY", lambda: events.delivery(self._mail(), recipient, self.backend.now())
        if simulated == "ooto":
            yield self._bounce(recipient, events.OUT_OF_OFFICE)
        if simulated == "complaint" and not self._is_suppressed(recipient):
            yield COMPLAINED_AFTER, "COMPLAINT", lambda: self._complaint(recipient)

    def _takes_no_mail(self, recipient: str) -> bool:
        """Whether the domain says so by a null MX (RFC 7505), in a public zone here."""
        found = PublicZones(self.backend.account_id).answer(domain_of(recipient), "MX").records
        return [value for each in found for value in each.values] == ["0 ."]

    def _bounce(self, recipient: str, why: Bounce) -> Step:
        def make() -> Mapping[str, Json]:
            return events.bounce(self._mail(), recipient, why, self.backend.now(), self._feedback_id())

        return BOUNCED_AFTER, "BOUNCE", make

    def _complaint(self, recipient: str) -> Mapping[str, Json]:
        return events.complaint(self._mail(), recipient, self.backend.now(), self._feedback_id())

    def _is_suppressed(self, recipient: str) -> bool:
        """Whether the account's list holds the address for a reason that the set, or the account, heeds."""
        found = self.backend.suppressed.get(recipient.lower())
        own = self.configuration_set.options.get("SuppressionOptions") if self.configuration_set else None
        reasons = self.backend.account.suppressed_reasons if own is None else own.get("SuppressedReasons", [])
        return found is not None and found.reason in reasons

    def _after(self, delay: timedelta, kind: EventType, make: Callable[[], Mapping[str, Json]]) -> None:
        def happen() -> None:
            self._count(kind)
            self._report_rates()
            if self.configuration_set and self.configuration_set.name in self.backend.sets:
                publisher = Publisher(self.backend.account_id, self.backend.region_name)
                publisher.publish(self.configuration_set, kind, make(), self.backend.now())

        name = f"{kind} of message {self.message.message_id}"
        self.backend.sandbox.clock.ticker.after(delay, happen, name)

    def _blame(self, recipient: str) -> None:
        """A real mail has bounced for good: the address is suppressed, and at the rate for it a review begins.

        That SES pauses an account whose rate stays high is decided by people, and not played.
        """
        account = self.backend.account
        if "BOUNCE" in account.suppressed_reasons:
            self.backend.suppress(recipient, "BOUNCE")
        account.reputation.bounced[self.message.set_name] += 1
        if account.reputation.is_bad and account.enforcement == "HEALTHY":
            account.enforcement = "PROBATION"

    def _count(self, kind: EventType) -> None:
        """The account's own count of what happens to mails, the simulator's included.

        https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-cloudwatch.html
        """
        name = METRICS.get(kind)
        if name:
            backend = self.backend
            put_metric(backend.account_id, backend.region_name, name, 1.0, [], backend.now())

    def _report_rates(self) -> None:
        """The reputation metrics, which mail to the simulator leaves alone; nobody else complains here."""
        if not self.message.counted:
            return
        backend, reputation = self.backend, self.backend.account.reputation
        rates: list[tuple[float, list[dict[str, str]]]] = [(reputation.bounce_rate(), [])]
        if self._has_metrics() and self.configuration_set:
            name = self.configuration_set.name
            rates.append((reputation.bounce_rate(name), [{"Name": "ses:configuration-set", "Value": name}]))
        for rate, dimensions in rates:
            for metric, value in (("Reputation.BounceRate", rate), ("Reputation.ComplaintRate", 0.0)):
                put_metric(backend.account_id, backend.region_name, metric, value, dimensions, backend.now())

    def _has_metrics(self) -> bool:
        found = self.configuration_set
        return found is not None and bool(found.option("ReputationOptions", "ReputationMetricsEnabled", False))

    def _feedback_id(self) -> str:
        return f"{self.backend.hex(16)}-{self.backend.hex(8)}-000000"

    def _mail(self) -> events.Mail:
        message = self.message
        domain = domain_of(message.source.rstrip(">"))
        own = (("ses:configuration-set", message.set_name), ("ses:from-domain", domain))
        return events.Mail(
            message.message_id,
            message.source,
            f"arn:aws:ses:{self.backend.region_name}:{self.backend.account_id}:identity/{self.identity.name}",
            self.backend.account_id,
            message.recipients,
            message.subject,
            message.sent,
            (*(pair for pair in own if pair[1]), *self.tags),
        )
