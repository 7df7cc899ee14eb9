"""Who a mail that is about to be sent comes from, as the request or the message itself says. Checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from typing import Any


def sender_of(members: Mapping[str, Any]) -> tuple[str, str]:
    """Display name and address of SendEmail or SendRawEmail; `Any`: members of AWS's shapes."""
    named = members.get("FromEmailAddress") or members.get("Source")
    return parseaddr(str(named or _from_header(members)))


def _from_header(members: Mapping[str, Any]) -> str:
    raw = (members.get("Content") or {}).get("Raw") or members.get("RawMessage") or {}
    data = raw.get("Data") or b""
    message = BytesHeaderParser().parsebytes(data if isinstance(data, bytes) else str(data).encode())
    return str(message.get("From") or "")
