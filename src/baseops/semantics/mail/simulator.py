"""The mailbox simulator of SES: what becomes of mail to its addresses.

https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
"""

from __future__ import annotations

from typing import Literal

DOMAIN = "simulator.amazonses.com"
Outcome = Literal["success", "bounce", "ooto", "complaint", "suppressionlist"]
OUTCOMES: tuple[Outcome, ...] = ("success", "bounce", "ooto", "complaint", "suppressionlist")


def outcome(address: str) -> Outcome | None:
    """What happens to mail to an address; None for one that is not the simulator's. Labels (`bounce+a1`) count not."""
    local, _, domain = address.lower().rpartition("@")
    name = local.partition("+")[0]
    return next((each for each in OUTCOMES if each == name), None) if domain == DOMAIN else None
