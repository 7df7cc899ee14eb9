"""Clients that tell of every call before it is made: for counting, and for ending work whose time is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from baseops.contract.clients import Clients

# Any: botocore makes clients, paginators and answers at run time.

Before: TypeAlias = Callable[[str, str], None]
"""Hears of the service and the operation, and may raise."""


class MeteredClients:
    """Fulfils `contract.clients.Clients`; each request, and each page of a paginator, is told of."""

    def __init__(self, inner: Clients, before: Before) -> None:
        """Nothing is called yet."""
        self._inner = inner
        self._before = before

    @property
    def region(self) -> str:
        """The region that `client` uses when none is named."""
        return self._inner.region

    @property
    def credentials(self) -> Any:
        """The session's credentials, where it shows them: what is asked for without a client is told by who asks."""
        return getattr(self._inner, "credentials", None)

    def client(self, service: str, region: str | None = None) -> Any:
        """A client that tells of its calls."""
        return _Client(self._inner.client(service, region), service, self._before)


class _Client:
    def __init__(self, client: Any, service: str, before: Before) -> None:
        self._client = client
        self._service = service
        self._before = before

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in self._client.meta.method_to_api_mapping:
            return self._telling(name, found)
        return found

    def get_paginator(self, operation: str) -> Any:
        """One that tells of each page as it asks for it, and of none after the last."""
        paginator = self._client.get_paginator(operation)  # a new one, whose method is nobody else's
        paginator._method = self._telling(operation, paginator._method)  # noqa: SLF001  # it offers no other way
        return paginator

    def _telling(self, name: str, method: Any) -> Any:
        def call(**parameters: Any) -> Any:
            self._before(self._service, name)
            return method(**parameters)

        return call
