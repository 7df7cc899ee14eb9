"""SendEmail: who may send what, and what becomes of it; feedback comes later, on the account's clock."""

from __future__ import annotations

import email
import email.policy
import email.utils
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from baseops.sandbox.service import ServiceError
from baseops.sandbox.services.sesv2.account import AccountOperations
from baseops.sandbox.services.sesv2.errors import BadRequestError
from baseops.sandbox.services.sesv2.outcomes import Journey
from baseops.sandbox.services.sesv2.state import ConfigurationSet, EmailIdentity, SentMessage
from baseops.semantics.mail.addresses import domain_of, fold, is_within
from baseops.semantics.mail.simulator import outcome

# Any throughout: members of AWS's shapes, whose types only the botocore model knows.
MAX_RECIPIENTS = 50
DAY = timedelta(days=1)


class MessageRejectedError(ServiceError):
    """SES does not take the message."""

    code = "MessageRejected"


class SendingPausedError(ServiceError):
    """The account or the configuration set is paused."""

    code = "SendingPausedException"


class MailFromNotVerifiedError(ServiceError):
    """The MAIL FROM domain has no MX record, and the identity refuses to go on without."""

    code = "MailFromDomainNotVerifiedException"


class TooManyRequestsError(ServiceError):
    """Too fast, or too much in a day."""

    code = "TooManyRequestsException"


class SendingOperations(AccountOperations):
    """SendEmail, and what is remembered of it."""

    window: ClassVar[timedelta] = timedelta(seconds=1)

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.sent: list[SentMessage] = []

    def send_email(
        self,
        *,
        content: dict[str, Any],
        from_email_address: str = "",
        destination: dict[str, list[str]] | None = None,
        configuration_set_name: str = "",
        email_tags: list[dict[str, str]] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        raw = parsed(content["Raw"]["Data"]) if "Raw" in content else None
        if raw is None and "Simple" not in content:
            raise BadRequestError("The sandbox sends simple and raw messages; templates are not played.")
        sender = from_email_address or (str(raw["From"]) if raw is not None else "")
        given = [each for addresses in (destination or {}).values() for each in addresses]
        recipients = given or (_recipients(raw) if raw is not None else [])
        subject = str(raw["Subject"] or "") if raw is not None else content["Simple"]["Subject"]["Data"]
        set_name = configuration_set_name or (str(raw["X-SES-CONFIGURATION-SET"] or "") if raw is not None else "")
        tags = [(tag["Name"], tag["Value"]) for tag in email_tags or ()]
        message = self.send(sender, recipients, subject, set_name, tags, has_virus=raw is not None and _has_virus(raw))
        return {"MessageId": message.message_id}

    def send(
        self,
        sender: str,
        recipients: Sequence[str],
        subject: str,
        set_name: str,
        tags: Sequence[tuple[str, str]] = (),
        *,
        has_virus: bool = False,
    ) -> SentMessage:
        """Take a message or refuse it; its events follow on the clock."""
        address = email.utils.parseaddr(sender)[1]
        bare = [email.utils.parseaddr(each)[1] for each in recipients]
        if not bare or len(bare) > MAX_RECIPIENTS:
            raise BadRequestError(f"Recipient count must be from 1 to {MAX_RECIPIENTS}.")
        identity = self._checked_identity(address, bare)
        found = self._checked_set(set_name or identity.configuration_set)
        self._check_rate(len(bare))
        message = SentMessage(
            f"{self.hex(16)}-{self.hex(8)}-000000",
            sender,
            tuple(bare),
            subject,
            self.now(),
            found.name if found else "",
        )
        self.sent.append(message)
        self.account.reputation.sent[message.set_name] += message.counted
        Journey(self, message, identity, found, tuple(tags)).begin(has_virus=has_virus)
        return message

    def sent_last_day(self) -> int:
        """Recipients of the last 24 hours; the simulator's do not count."""
        since = self.now() - DAY
        return sum(message.counted for message in self.sent if message.sent > since)

    def _checked_identity(self, address: str, recipients: Sequence[str]) -> EmailIdentity:
        if not self.account.is_sending or self.account.enforcement == "SHUTDOWN":
            raise SendingPausedError("Sending is paused for this account.")
        identity = self.identity_for(address)
        needed = [address] if self.account.has_production_access else [address, *recipients]
        failed = [each for each in needed if not self._is_verified(each)]
        if identity is None or failed:
            raise MessageRejectedError(
                f"Email address is not verified. The following identities failed the check in region "
                f"{self.region_name.upper()}: {', '.join(failed or [address])}"
            )
        mail_from = identity.mail_from
        if mail_from and mail_from.status != "SUCCESS" and mail_from.behavior == "REJECT_MESSAGE":
            raise MailFromNotVerifiedError(f"MAIL FROM domain {mail_from.domain} is not verified.")
        return identity

    def identity_for(self, address: str) -> EmailIdentity | None:
        """The identity that SES takes: the address itself, else its nearest domain."""
        exact = self.identities.get(fold(address))
        if exact:
            return exact
        domains = [each for each in self.identities.values() if not each.is_address]
        within = [each for each in domains if is_within(domain_of(address), each.name)]
        return max(within, key=lambda each: len(each.name), default=None)

    def _is_verified(self, address: str) -> bool:
        if outcome(address):
            return True
        candidates = [each for each in self.identities.values() if each.is_verified]
        return any(
            each.name == fold(address) if each.is_address else is_within(domain_of(address), each.name)
            for each in candidates
        )

    def _checked_set(self, name: str) -> ConfigurationSet | None:
        if not name:
            return None
        found = self.set_of(name)
        if not found.option("SendingOptions", "SendingEnabled", True):
            raise SendingPausedError(f"Sending is paused for configuration set <{name}>.")
        return found

    def _check_rate(self, count: int) -> None:
        since = self.now() - self.window
        recent = sum(len(message.recipients) for message in self.sent if message.sent > since)
        if recent + count > self.account.rate:
            raise TooManyRequestsError("Maximum sending rate exceeded.")
        if self.sent_last_day() + count > self.account.daily_quota:
            raise TooManyRequestsError("Daily message quota exceeded.")


def parsed(data: bytes) -> Any:
    """A raw message, read."""
    return email.message_from_bytes(data, policy=email.policy.default)


def _recipients(message: Any) -> list[str]:
    fields = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    return [address for _, address in email.utils.getaddresses(fields) if address]


def _has_virus(message: Any) -> bool:
    """Whether an attachment is the test virus that SES rejects."""
    return any(
        b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE" in (part.get_payload(decode=True) or b"") for part in message.walk()
    )
