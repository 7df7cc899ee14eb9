"""Clients that try again when a service throttles, as CloudFormation's handlers do; all else goes through.

They cannot wait: a stack's step is one moment of virtual time.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from baseops.contract.clients import Clients

_ATTEMPTS = 8
_TRANSIENT = ("Throttl", "RequestLimitExceeded", "TooManyRequests", "SlowDown", "ServiceUnavailable", "InternalError")


@dataclass(frozen=True)
class PatientClients:
    """Fulfils `Clients` over other clients."""

    clients: Clients

    @property
    def region(self) -> str:
        """The default region of the clients behind."""
        return self.clients.region

    def client(self, service: str, region: str | None = None) -> Any:
        """A client whose operations are tried again; Any, as botocore makes the classes at run time."""
        return PatientClient(self.clients.client(service, region))


@dataclass(frozen=True)
class PatientClient:
    """Stands before a botocore client. Paginators are the client's own."""

    behind: Any

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.behind, name)
        return partial(_tried, found) if name in self.behind.meta.method_to_api_mapping else found


def _tried(operation: Callable[..., Any], **arguments: Any) -> Any:
    for _ in range(_ATTEMPTS - 1):
        try:
            return operation(**arguments)
        except ClientError as error:
            if not any(word in error.response["Error"].get("Code", "") for word in _TRANSIENT):
                raise
    return operation(**arguments)
