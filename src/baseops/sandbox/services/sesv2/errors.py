"""The errors of SES v2, in its words."""

from __future__ import annotations

from baseops.sandbox.service import ServiceError


class AlreadyExistsError(ServiceError):
    """Somebody made it before."""

    code = "AlreadyExistsException"


class BadRequestError(ServiceError):
    """The request makes no sense to SES."""

    code = "BadRequestException"


class LimitExceededError(ServiceError):
    """One too many."""

    code = "LimitExceededException"


class NotFoundError(ServiceError):
    """SES does not know it."""

    code = "NotFoundException"
