"""What every running operation on a stack is: something that can be broken off."""

from __future__ import annotations

from typing import Protocol


class Operation(Protocol):
    """An operation in work."""

    def stop(self) -> None:
        """Break off; the caller goes on with the stack."""
