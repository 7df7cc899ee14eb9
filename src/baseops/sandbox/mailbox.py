"""Mail that services of AWS write to people themselves, such as the question whether to confirm a subscription.

It reaches no mail server: who plays those people reads it here. Mail that is sent through SES is SES's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from baseops.errors import SandboxError


@dataclass
class Mailbox:
    """What was written, by address, oldest first."""

    _texts: dict[str, list[str]] = field(default_factory=dict)
    _pages: dict[str, Callable[[], str]] = field(default_factory=dict)

    def put(self, address: str, text: str) -> None:
        """Write to somebody."""
        self._texts.setdefault(address, []).append(text)

    def serve(self, link: str, page: Callable[[], str]) -> None:
        """Let a link of a mail lead to a page; opening it does what the page is for."""
        self._pages[link] = page

    def visit(self, link: str) -> str:
        """Open a link; what its page says."""
        if link not in self._pages:
            raise SandboxError(
                "a link of the mailbox leads nowhere", "no service of the sandbox wrote it", "Read inbox"
            )
        return self._pages[link]()

    def of(self, address: str) -> Sequence[str]:
        """What somebody got."""
        return tuple(self._texts.get(address, ()))
