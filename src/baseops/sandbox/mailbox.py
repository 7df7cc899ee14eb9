"""Mail that services of AWS write to people themselves, such as the question whether to confirm a subscription.

It reaches no mail server: who plays those people reads it here. Mail that is sent through SES is SES's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Mailbox:
    """What was written, by address, oldest first."""

    _texts: dict[str, list[str]] = field(default_factory=dict)

    def put(self, address: str, text: str) -> None:
        """Write to somebody."""
        self._texts.setdefault(address, []).append(text)

    def of(self, address: str) -> Sequence[str]:
        """What somebody got."""
        return tuple(self._texts.get(address, ()))
