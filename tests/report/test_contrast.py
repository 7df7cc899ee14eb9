"""The page's colours against what lies behind them, in light, dark and on paper.

https://www.w3.org/TR/WCAG22/#contrast-minimum
"""

import re
from importlib import resources

import pytest

STYLE = resources.files("baseops.report").joinpath("templates", "page.css").read_text()
VERDICTS = ("proven", "refuted", "inconclusive", "never")
SERIES = tuple(f"series-{number}" for number in range(1, 7))


def palette(text):
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", text))


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


LIGHT = palette(STYLE.partition("@media (prefers-color-scheme: dark)")[0])
DARK = palette(STYLE.partition("@media (prefers-color-scheme: dark)")[2].partition("@media (max-width")[0])
PAPER = LIGHT | palette(STYLE.partition("@media print")[2])


@pytest.mark.parametrize("colours", [LIGHT, DARK, PAPER], ids=["light", "dark", "paper"])
def test_text_can_be_read(colours):
    pairs = [(text, behind) for text in ("ink", "muted", "link", *VERDICTS) for behind in ("paper", "ground")]
    pairs += [(verdict, f"{verdict}-tint") for verdict in VERDICTS]
    pairs += [("ink", "refuted-tint"), ("ink", "inconclusive-tint")]
    # States are written into bars in the colour of the paper.
    pairs += [("paper", bar) for bar in (*VERDICTS, *SERIES)]

    assert {pair for pair in pairs if contrast(colours[pair[0]], colours[pair[1]]) < 4.5} == set()


def test_black_on_white_is_known():
    assert round(contrast("#000", "#ffffff"), 1) == 21.0
