"""How a drill asks DNS, without knowing whose server answers."""

from __future__ import annotations

from typing import Protocol


class Resolver(Protocol):
    """Asks for DNS records. `aws.resolver` asks the machine's name servers, the sandbox its hosted zones."""

    def resolve(self, name: str, record_type: str) -> tuple[str, ...]:
        """The values of a record set (`TXT`, `MX`, `CNAME`, `A`), as a zone file writes them; no CNAME is followed.

        Empty where the name, or the type at it, does not exist. Raises `InconclusiveError` where nobody answered.
        """
