"""Says numbers as people read them: durations, sizes, dollars, and measures by the unit in their name."""

from __future__ import annotations

from datetime import timedelta

_UNITS = ("seconds", "hours", "days", "bytes", "usd", "percent", "ratio")


def duration(value: timedelta | float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `5.2 h`, `8.0 d`: two figures that matter."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 60:
        return f"{_short(seconds)} s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} d"


def size(value: float) -> str:
    """`512 B`, `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{_short(value)} {unit}"
        value /= 1024
    return f"{_short(value)} TiB"


def label(name: str) -> str:
    """What a measure is called: `age_seconds` is its age, `blocks_read` are blocks read."""
    words = name.split("_")
    if len(words) > 1 and words[-1] in _UNITS:
        words = words[:-1]
    text = " ".join(words)
    return {"seconds": "took", "bytes": "size", "usd": "cost"}.get(text, text)


def amount(name: str, value: float) -> str:
    """A measure's value with its unit, as the last word of its name has it."""
    unit = name.rpartition("_")[2]
    if unit == "seconds":
        return duration(value)
    if unit == "bytes":
        return size(value)
    if unit == "usd":
        return f"{value:.4f} USD"
    if unit in ("hours", "days"):
        return duration(value * {"hours": 3600, "days": 86400}[unit])
    return f"{_short(value)}{' %' if unit == 'percent' else ''}"


def count(number: int, noun: str) -> str:
    """`1 drill`, `2 drills`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _short(value: float) -> str:
    """At most two figures behind the point, none where there is nothing to say."""
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:,.1f}"
