"""Clients of a sandbox account: made on first use, shared, and leading nowhere but into the sandbox."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.session import Session

from baseops.sandbox.clock import TickingClock
from baseops.sandbox.dispatcher import Dispatcher
from baseops.sandbox.loading import shared_loader
from baseops.sandbox.transport import Transport, VirtualRetries, refuse_waiter

MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Keys:
    """What a client signs with, and the account they belong to."""

    account_id: str
    access_key: str
    secret_key: str = "sandbox"  # noqa: S105  # it opens nothing
    token: str | None = None

    def __repr__(self) -> str:
        return f"Keys({self.account_id}, {self.access_key})"


class ClientFactory:
    """Makes the clients of all principals of a sandbox."""

    def __init__(self, dispatcher: Dispatcher, clock: TickingClock, *, attempts: int) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._attempts = attempts
        self.session = plain_session()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str, keys: Keys) -> Any:
        """A client, shared; Any, as botocore makes the classes at run time."""
        place = (service, region, keys.access_key)
        with self._lock:
            if place not in self._clients:
                self._clients[place] = self._make(service, region, keys)
            return self._clients[place]

    def _make(self, service: str, region: str, keys: Keys) -> Any:
        # As in aws.session: whoever reads blocks asks again himself.
        attempts = 1 if service == "ebs" else self._attempts
        client = self.session.create_client(
            service,
            region_name=region,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
            config=_config(attempts),
        )
        transport = Transport(self._dispatcher, service, region, keys.account_id, keys.access_key)
        client.meta.events.register_first("before-send", transport)
        if attempts > 1:
            VirtualRetries(client, self._clock, attempts)
        client.get_waiter = refuse_waiter
        return client


class PrincipalClients:
    """Fulfils `contract.clients.Clients` for one principal."""

    def __init__(self, factory: ClientFactory, keys: Keys, region: str) -> None:
        self._factory = factory
        self._keys = keys
        self._region = region

    @property
    def region(self) -> str:
        """The region that `client` uses when none is named."""
        return self._region

    @property
    def keys(self) -> Keys:
        """What its clients sign with."""
        return self._keys

    def client(self, service: str, region: str | None = None) -> Any:
        """A client, shared; Any, as botocore makes the classes at run time."""
        return self._factory.client(service, region or self._region, self._keys)


def plain_session() -> Session:
    """A botocore session that reads no profile and no file of the user's."""
    session = Session()
    session.register_component("data_loader", shared_loader())
    store = session.get_component("config_store")
    for name, value in (("profile", None), ("config_file", os.devnull), ("credentials_file", os.devnull)):
        store.set_config_provider(name, ConstantProvider(value))
    return session


def _config(attempts: int) -> Config:
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        ignore_configured_endpoint_urls=True,
        use_dualstack_endpoint=False,
        use_fips_endpoint=False,
        account_id_endpoint_mode="disabled",
        parameter_validation=True,
        user_agent="baseops-sandbox",
    )
