"""Filter patterns: ours beside moto's matcher and hand-written Python, on the same lines in memory.

Run: python bench/filters.py [LINES]. Prints CPU seconds (best of 5, turn by turn) and each peer's ratio to ours.
moto 5.2 answers wrongly where a pattern does not begin with a letter or a quote: it then matches every line.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable

from baseops.semantics import filters
from baseops.semantics.filters import json_matching

JSON_PATTERN = '{ ($.status >= 500) && ($.path = "/api/*") }'
TERM_PATTERN = "ERROR -health"


def json_lines(count: int) -> list[str]:
    chance = random.Random(7)
    paths = ["/api/users", "/api/orders", "/api/pay", "/static/app.js", "/health", "/login", "/index.html"]
    statuses = [200] * 90 + [301] * 3 + [404] * 4 + [500] * 2 + [503]
    return [
        json.dumps(
            {
                "timestamp": 1_700_000_000_000 + number,
                "level": chance.choice(["INFO", "INFO", "INFO", "WARN", "ERROR"]),
                "status": chance.choice(statuses),
                "path": f"{chance.choice(paths)}/{number}",
                "latency_ms": round(chance.expovariate(1 / 40), 2),
                "request_id": f"{chance.getrandbits(128):032x}",
                "user": {"id": number, "role": "member"},
                "msg": "request done",
            }
        )
        for number in range(count)
    ]


def plain_lines(count: int) -> list[str]:
    chance = random.Random(7)
    levels = ["INFO"] * 92 + ["WARN"] * 5 + ["ERROR"] * 3
    words = ["health check ok", "order placed", "payment accepted", "login ok", "cache miss"]
    return [
        f"2026-11-20T10:00:00.{number % 1000:03d}Z {chance.choice(levels)} svc-{number % 9} [worker-{number % 32}] "
        f"request {chance.getrandbits(128):032x} {chance.choice(words)} took {number % 900} ms"
        for number in range(count)
    ]


def by_hand_json(line: str) -> bool:
    event = json.loads(line)
    return event.get("status", 0) >= 500 and event.get("path", "").startswith("/api/")


def by_hand_terms(line: str) -> bool:
    return "ERROR" in line and "health" not in line


def seconds(matches: Callable[[str], bool], lines: list[str]) -> tuple[float, int]:
    started = time.process_time()
    found = sum(1 for line in lines if matches(line))
    return time.process_time() - started, found


def compare(title: str, contenders: dict[str, Callable[[str], bool]], lines: list[str]) -> None:
    best: dict[str, tuple[float, int]] = {}
    for _ in range(5):
        for name, matches in contenders.items():
            result = seconds(matches, lines)
            best[name] = min(best.get(name, result), result)
    ours = best["baseops"][0]
    print(f"{title}  ({len(lines):,} lines)")
    for name, (cpu, found) in best.items():
        print(f"  {name:22} {cpu:7.3f} CPU s  {len(lines) / cpu / 1e6:6.2f} M/s  x{cpu / ours:5.2f}  {found:,} matched")


def main() -> None:
    from moto.logs.utils import EventMessageFilter

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    parser = json_matching.loads.__module__ or "json"
    compare(
        f"{JSON_PATTERN}  (parser: {parser})",
        {
            "baseops": filters.compile(JSON_PATTERN).matches,
            "json, by hand": by_hand_json,
            "moto (matches all)": EventMessageFilter(JSON_PATTERN).matches,
        },
        json_lines(count),
    )
    compare(
        TERM_PATTERN,
        {
            "baseops": filters.compile(TERM_PATTERN).matches,
            "in, by hand": by_hand_terms,
            "moto": EventMessageFilter(TERM_PATTERN).matches,
        },
        plain_lines(count),
    )


if __name__ == "__main__":
    main()
