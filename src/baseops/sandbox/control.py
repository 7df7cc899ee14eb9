"""What a served sandbox answers under `/_baseops/`: its time and its faults. Knows nothing of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from baseops._version import __version__
from baseops.errors import BaseopsError, SandboxError
from baseops.sandbox.account import Account
from baseops.sandbox.clock import VirtualClock
from baseops.sandbox.faults import fault_from

PREFIX = "/_baseops/"
Document = dict[str, Any]  # JSON


class Control:
    """Answers with (status, JSON document)."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._routes: dict[tuple[str, str], Callable[[Document], Document]] = {
            ("GET", "health"): self._health,
            ("GET", "clock"): self._clock,
            ("POST", "advance"): self._advance,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
        }

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Document]:
        """Answer a request; what was asked wrongly is a 400 with the reason."""
        route = self._routes.get((method, path.removeprefix(PREFIX).partition("?")[0].strip("/")))
        if route is None:
            known = ", ".join(f"{verb} {PREFIX}{name}" for verb, name in self._routes)
            return 404, {"error": f"{method} {path} is unknown; there is {known}"}
        try:
            document = json.loads(body or b"{}")
            if not isinstance(document, dict):
                return 400, {"error": "the body must be a JSON object"}
            return 200, route(document)
        except (BaseopsError, ValueError, TypeError) as error:
            return 400, {"error": str(error)}

    def _health(self, _: Document) -> Document:
        return {
            "status": "ok",
            "version": __version__,
            "account_id": self._account.account_id,
            "region": self._account.region,
            "now": self._account.clock.now().isoformat(),
        }

    def _clock(self, _: Document) -> Document:
        ticker = self._account.clock.ticker
        return {
            "now": self._account.clock.now().isoformat(),
            "virtual": isinstance(self._account.clock, VirtualClock),
            "pending": [{"when": entry.when.isoformat(), "name": entry.name} for entry in ticker.pending()[:100]],
            "failures": [str(failure) for failure in ticker.failures],
        }

    def _advance(self, document: Document) -> Document:
        clock = self._account.clock
        if not isinstance(clock, VirtualClock):
            raise SandboxError("time cannot be moved", "it runs by itself here", "Serve with --virtual")
        if set(document) not in ({"seconds"}, {"to"}):
            raise ValueError('say {"seconds": 3600} or {"to": "2025-01-31T12:00:00+00:00"}')
        if "to" in document:
            clock.advance(to=datetime.fromisoformat(str(document["to"])))
        else:
            clock.advance(by=float(document["seconds"]))
        return self._clock({})

    def _faults(self, _: Document) -> Document:
        struck = [{"service": service, "operation": operation} for service, operation, _ in self._account.faults.struck]
        return {"faults": [asdict(fault) for fault in self._account.faults.active()], "struck": struck}

    def _add_fault(self, document: Document) -> Document:
        self._account.faults.add(fault_from(document))
        return self._faults({})

    def _clear_faults(self, _: Document) -> Document:
        self._account.faults.clear()
        return self._faults({})
