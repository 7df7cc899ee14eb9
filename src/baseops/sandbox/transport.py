"""The way of a botocore client into the sandbox without a socket: from its signed request to its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.retries import standard

from baseops.errors import SandboxError
from baseops.sandbox.call import Call
from baseops.sandbox.clock import TickingClock
from baseops.sandbox.dispatcher import Dispatcher
from baseops.sandbox.requests import body_bytes, make_request

SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")


class Body(BytesIO):
    """A body as urllib3 would hand it to botocore."""

    def stream(self, amount: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        """The rest of the body, piece by piece."""
        while piece := self.read(amount):
            yield piece


class Transport:
    """Takes the place of the network for one client."""

    def __init__(self, dispatcher: Dispatcher, service: str, region: str, account_id: str, access_key: str) -> None:
        self._dispatcher = dispatcher
        self._service = service
        self._region = region
        self._account_id = account_id
        self._access_key = access_key

    def __call__(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        """Answer a `before-send` event of botocore."""
        url = str(request.url)
        headers = [*request.headers.items(), ("x-moto-account-id", self._account_id)]
        call = Call(
            service=self._service,
            operation=event_name.rpartition(".")[2],
            account_id=self._account_id,
            region=self._region_of(request),
            access_key=self._access_key,
            request=make_request(str(request.method), url, headers, body_bytes(request.body)),
        )
        answer = self._dispatcher.answer(call)
        if answer.is_dropped:
            raise (ReadTimeoutError if answer.is_late else ConnectionClosedError)(endpoint_url=url)
        return AWSResponse(url, answer.status, answer.headers, Body(answer.body))

    def _region_of(self, request: AWSPreparedRequest) -> str:
        """The region that the request is signed for: us-east-1 for IAM, wherever the client is."""
        signature = request.headers.get("Authorization") or ""
        scope = SCOPE.search(signature.decode() if isinstance(signature, bytes) else signature)
        return scope[1] if scope else self._region


class VirtualRetries:
    """botocore's standard retries, waiting on the sandbox's clock instead of really."""

    def __init__(self, client: BaseClient, clock: TickingClock, max_attempts: int) -> None:
        self._clock = clock
        service = client.meta.service_model.service_id.hyphenize()
        event, unique_id = f"needs-retry.{service}", f"retry-config-{service}"
        client.meta.events.unregister(event, unique_id=unique_id)
        self._retries = standard.register_retry_handler(client, max_attempts=max_attempts)
        client.meta.events.unregister(event, unique_id=unique_id)
        client.meta.events.register(event, self.needs_retry)

    def needs_retry(self, **event: Any) -> Any:
        """Botocore's own decision; who cannot wait (a service inside a call) does not retry."""
        delay = self._retries.needs_retry(**event)
        if delay is None or delay is False:
            return delay
        if not self._clock.may_sleep():
            return None
        self._clock.sleep(delay)
        return 0


def refuse_waiter(name: str) -> Any:
    """What `get_waiter` does in the sandbox: botocore's waiters sleep really, and virtual time would stand still."""
    raise SandboxError(
        f"botocore's waiter {name} cannot wait in the sandbox",
        "it sleeps real seconds, and virtual time does not move meanwhile",
        "Poll, with clock.sleep between",
    )
