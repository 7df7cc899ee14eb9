"""Turns botocore's errors into ours, once, at the edge; decides which of them mean access, absence or throttling.

botocore is imported where it is used: the areas import this module, and `check` and `compile` never call AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from baseops.errors import AccessError, AwsError, BaseopsError, NotFoundError, ThrottledError, UsageError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_DENIED = re.compile(r"AccessDenied|UnauthorizedOperation|Forbidden|AuthFailure|NotAuthorized|AuthorizationError")
_EXPIRED = re.compile(r"Expired|InvalidClientTokenId|UnrecognizedClient|InvalidToken|SignatureDoesNotMatch")
_THROTTLED = re.compile(r"Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|BandwidthLimit|RequestThrottled")
# Systems Manager says InvalidDocument and InvalidResourceId of a document that is not there.
_ABSENT = re.compile(r"NotFound|NoSuch|DoesNotExist|NonExistent|^404$|^InvalidDocument$|^InvalidResourceId$")


@contextmanager
def translated(what: str, remedy: str = "") -> Iterator[None]:
    """Errors of botocore inside become ours: `what` says what was being done, and to what.

    Raises `AccessError` (credentials or permission), `NotFoundError`, `ThrottledError` or `AwsError`.
    """
    from botocore import exceptions as botocore

    try:
        yield
    except botocore.ClientError as error:
        raise _from_client_error(error, what, remedy) from error
    except (
        botocore.NoCredentialsError,
        botocore.PartialCredentialsError,
        botocore.ProfileNotFound,
        botocore.SSOError,
        botocore.TokenRetrievalError,
    ) as error:
        raise AccessError(
            what, str(error).rstrip("."), "Log in or name a profile: aws sso login, or --profile NAME"
        ) from error
    except botocore.NoRegionError as error:
        raise UsageError(what, "no region is known", "Give --region or set AWS_REGION.") from error
    except botocore.InvalidRegionError as error:
        raise UsageError(what, str(error).rstrip("."), "Write --region like eu-west-1.") from error
    except botocore.ConnectionError as error:
        raise AwsError(what, str(error).rstrip("."), "Check the network and --endpoint-url.") from error
    except botocore.BotoCoreError as error:
        raise AwsError(what, str(error).rstrip("."), remedy or "Check the network and --endpoint-url.") from error


@contextmanager
def settled(*codes: str) -> Iterator[None]:
    """Let AWS's errors pass that say that it is so already: the answer to a first request may have been lost.

    Around `translated`, and for what has a name of the caller's own: what somebody else made says the same.
    """
    try:
        yield
    except AwsError as error:
        if error.code not in codes:
            raise


def _from_client_error(error: ClientError, what: str, remedy: str) -> BaseopsError:
    details = error.response.get("Error", {})
    code, message = str(details.get("Code", "")), str(details.get("Message", "")).rstrip(".")
    why = f"{message} ({code})" if message else code
    if _EXPIRED.search(code):
        return AccessError(what, why, "Log in again: aws sso login, or renew the credentials of the profile.")
    if _DENIED.search(code):
        return AccessError(what, why, f"Allow {permission_of(error)} to the caller.")
    if _THROTTLED.search(code):
        return ThrottledError(what, why, remedy or "Wait a minute and run the same command again.", code=code)
    if _ABSENT.search(code):
        return NotFoundError(what, why, remedy, code=code)
    return AwsError(what, why, remedy, code=code)


def permission_of(error: ClientError) -> str:
    """The IAM action that was missing: the one AWS names, else the one of the operation."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    named = re.search(r"(?:perform:|to perform) ([a-z0-9-]+:[A-Za-z0-9]+)", message)
    return named[1] if named else error.operation_name
