"""What an error in the middle of a drill says of one target, when the others can still be looked at."""

from __future__ import annotations

from baseops.contract.drill import Evidence, Method, inconclusive
from baseops.errors import AccessError, BaseopsError


def doubtful(target: str, error: BaseopsError, *, method: Method = "observed") -> Evidence:
    """Inconclusive for the reason that the error gives; a missing permission is named."""
    if isinstance(error, AccessError):
        return inconclusive(
            target, f"a permission is missing: {error.why or error.what}. {error.remedy}", method=method
        )
    return inconclusive(target, str(error), method=method)
