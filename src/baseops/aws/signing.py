"""Signature Version 4 for many small GET requests to one host: the day's key is kept, nothing is parsed.

The same signatures as botocore's, which takes longer to sign a block than it takes to receive it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
import time
from hashlib import sha256
from typing import Any

_EMPTY = sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"


class GetSigner:
    """Signs GET requests of one service in one region; safe to use from several threads."""

    def __init__(self, service: str, region: str, host: str, credentials: Any) -> None:
        """`credentials` are botocore's, which carry no types and renew themselves."""
        self._service = service
        self._region = region
        self._host = host
        self._credentials = credentials
        self._key: tuple[tuple[str, str], bytes] = (("", ""), b"")

    def headers(self, path: str, query: str, moment: float | None = None) -> dict[str, str]:
        """The headers of a request; path and query are already encoded, the query's names in order."""
        found = self._credentials.get_frozen_credentials()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
        headers = {"Host": self._host, "X-Amz-Date": stamp}
        if found.token:
            headers["X-Amz-Security-Token"] = found.token
        names = ";".join(name.lower() for name in headers)
        lines = "".join(f"{name.lower()}:{value}\n" for name, value in headers.items())
        request = f"GET\n{path}\n{query}\n{lines}\n{names}\n{_EMPTY}"
        scope = f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of(stamp[:8], found.secret_key), text.encode(), "sha256").hex()
        headers["Authorization"] = (
            f"{_ALGORITHM} Credential={found.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return headers

    def _key_of(self, day: str, secret: str) -> bytes:
        known, key = self._key
        if known != (day, secret):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = ((day, secret), key)
        return key
