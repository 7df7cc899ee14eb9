"""How a part asks for an AWS API client without knowing where it leads."""

from __future__ import annotations

from typing import Any, Protocol


class Clients(Protocol):
    """Makes botocore clients for one account, each made on first use and shared.

    `aws.session.Session` leads to AWS or to an endpoint URL, the sandbox has one that needs no socket.
    """

    @property
    def region(self) -> str:
        """The region that `client` uses when none is named."""

    def client(self, service: str, region: str | None = None) -> Any:
        """A botocore client. `Any`: botocore makes the classes at run time."""
