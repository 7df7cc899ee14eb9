"""The whole of SES v2 for one account and region, registered in place of moto's."""

from __future__ import annotations

from baseops.sandbox.services.sesv2.sending import SendingOperations


class SesV2Backend(SendingOperations):
    """Every operation that the sandbox has of SES v2."""


SesV2Backend.register()
