"""A session with AWS: credentials, region and endpoint as in the AWS CLI; clients are made once and shared."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialResolver, RefreshableCredentials

from baseops._version import __version__
from baseops.aws.clock import SystemClock
from baseops.aws.errors import translated
from baseops.errors import UsageError

_HOUR = timedelta(hours=1)
"""How long a role's credentials last where a role assumes another.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html
"""


class Session:
    """Fulfils `contract.clients.Clients`. Throttling is retried by botocore's adaptive mode, but for blocks.

    Those `aws.ebs` asks for again itself: it has to see when the account is throttled.

    https://docs.aws.amazon.com/boto3/latest/guide/retries.html
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        credentials: Mapping[str, str] | None = None,
        assumed: Callable[[], dict[str, str]] | None = None,
    ) -> None:
        """Find profile and region as the AWS CLI does; no call is made yet.

        `credentials` are as boto3 names them; `assumed` gives those of a role as botocore names them, again and again.
        """
        with translated("cannot start a session with AWS"):
            within = _renewing(assumed) if assumed else None
            self._boto = boto3.Session(
                profile_name=profile, region_name=region, botocore_session=within, **(credentials or {})
            )
        if not self._boto.region_name:
            raise UsageError(
                "cannot start a session with AWS", "no region is known", "Give --region or set AWS_REGION."
            )
        self._endpoint_url = _checked(endpoint_url) if endpoint_url else None
        self._config = Config(
            user_agent_extra=f"baseops/{__version__}",
            connect_timeout=10,
            read_timeout=60,
        )
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    @property
    def region(self) -> str:
        """The region that `client` uses when none is named."""
        return str(self._boto.region_name)

    def client(self, service: str, region: str | None = None) -> Any:
        """A botocore client. `Any`: botocore makes the classes at run time."""
        place = region or self.region
        with self._lock, translated(f"cannot make a client of {service} in {place}"):
            if (service, place) not in self._clients:
                config = self._config.merge(Config(retries=_retries(service, self._endpoint_url)))
                self._clients[service, place] = self._boto.client(
                    service, region_name=place, endpoint_url=self._endpoint_url, config=config
                )
            return self._clients[service, place]

    def assume(self, role_arn: str, session_name: str) -> Session:
        """A session of a role. Calls sts:AssumeRole now, and again before its hour is over: a run may take longer."""

        def assumed() -> dict[str, str]:
            with translated(f"cannot assume the role {role_arn}"):
                answer = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name)
            given = answer["Credentials"]
            return {
                "access_key": given["AccessKeyId"],
                "secret_key": given["SecretAccessKey"],
                "token": given["SessionToken"],
                # By the clock of this machine, whatever that of STS says.
                "expiry_time": (SystemClock().now() + _HOUR).isoformat(),
            }

        return Session(region=self.region, endpoint_url=self._endpoint_url, assumed=assumed)

    @property
    def credentials(self) -> Any:
        """Botocore's credentials, for requests that are signed without a client; None where there are none."""
        return self._boto.get_credentials()


class _Assumed:
    """A provider of botocore that gives the credentials of a role, renewed in time."""

    METHOD = "sts-assume-role"

    def __init__(self, assumed: Callable[[], dict[str, str]]) -> None:
        self._credentials = RefreshableCredentials.create_from_metadata(
            metadata=assumed(), refresh_using=assumed, method=self.METHOD
        )

    def load(self) -> RefreshableCredentials:
        """What botocore asks of a provider."""
        return self._credentials


def _renewing(assumed: Callable[[], dict[str, str]]) -> botocore.session.Session:
    session = botocore.session.Session()
    session.register_component("credential_provider", CredentialResolver(providers=[_Assumed(assumed)]))
    return session


def _retries(service: str, url: str | None) -> Any:
    if service == "ebs":
        return {"mode": "standard", "total_max_attempts": 1}
    return {"mode": "adaptive", "max_attempts": _attempts(url)}


def _attempts(url: str | None) -> int:
    """Ten against AWS, which throttles; a server on this machine that does not answer will not do so in a minute."""
    here = url and urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    return 3 if here else 10


def _checked(url: str) -> str:
    """The URL; botocore would raise an error of its own kind on each sort of nonsense, and only at the first call."""
    try:
        parts = urlsplit(url)
        why = "" if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 else "it is no URL"
    except ValueError as error:
        why = str(error)
    if why:
        raise UsageError(
            f"cannot speak to {url}", why, "Write --endpoint-url like http://127.0.0.1:4800, or leave it out."
        )
    return url
