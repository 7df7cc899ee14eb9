"""Addresses are verified by their owners: SES mails a link, which counts for 24 hours.

Whoever does not follow it in time finds the identity failed, and the asking starts from the beginning.
https://docs.aws.amazon.com/ses/latest/APIReference/API_GetIdentityVerificationAttributes.html
https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html#just-verify-email-proc
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from baseops.sandbox.service import Sandbox
from baseops.sandbox.services.sesv2.state import EmailIdentity

VALID = timedelta(hours=24)


def ask(account: Sandbox, region: str, identity: EmailIdentity, token: str, is_there: Callable[[], bool]) -> None:
    """Mail a link; it verifies the address while it counts and the identity is the one that it was made for."""
    if not identity.is_verified:
        identity.status, identity.created = "PENDING", account.clock.now()
    asked = identity.looks = identity.looks + 1
    end = account.clock.now() + VALID

    def page() -> str:
        if not is_there() or account.clock.now() >= end:
            return "Sorry, this link has expired or is no longer valid."
        identity.status, identity.last_checked = "SUCCESS", account.clock.now()
        identity.last_success = identity.last_checked
        return "You have successfully verified an email address."

    def give_up() -> None:
        if is_there() and identity.looks == asked and not identity.is_verified:
            identity.status = "FAILED"

    query = urlencode({"Context": token, "Identity.IdentityName": identity.name, "Operation": "ConfirmVerification"})
    link = f"https://email-verification.{region}.amazonaws.com/?{query}"
    account.mailbox.serve(link, page)
    account.mailbox.put(
        identity.name,
        f"We have received a request in region {region} to authorize this email address for use with Amazon SES.\n"
        f"If you requested this verification, please go to the following URL within 24 hours:\n\n{link}\n",
    )
    account.clock.ticker.after(VALID.total_seconds(), give_up, f"verification of {identity.name}")
