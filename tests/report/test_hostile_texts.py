"""Texts that somebody else chose are shown as what they are."""

import pytest

from baseops.report.hostile import beginning, shortened, visible

SHOWN = {
    "a name": ("vol-0a1", "vol-0a1"),
    "letters of the world": ("Grüße 世界", "Grüße 世界"),
    "a turned direction": ("invoice\u202egnp.exe", "invoice⟨U+202E⟩gnp.exe"),
    "an isolate": ("\u2066a\u2069", "⟨U+2066⟩a⟨U+2069⟩"),
    "a null byte": ("a\x00b", "a⟨U+0000⟩b"),
    "an escape sequence": ("\x1b[31mred", "⟨U+001B⟩[31mred"),
    "nothing to see": ("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"),
    "half a letter": ("\ud800", "⟨U+D800⟩"),
    "two lines": ("a\r\nb\tc", "a  b c"),
    "a line separator": ("a\u2028b", "a⟨U+2028⟩b"),
    "markup is the template's matter": ("<b>", "<b>"),
    "a mail address": ("tell ops@acme.example, bo+x@b.example", "tell …@acme.example, …@b.example"),
    "no address": ("vol@1 @me a@b", "vol@1 @me a@b"),
    "no text at all": (7, "7"),
}


@pytest.mark.parametrize(("text", "expected"), SHOWN.values(), ids=SHOWN)
def test_what_has_no_picture_is_named(text, expected):
    assert expected == visible(text)


def test_a_text_without_end_is_cut_and_says_so():
    assert visible("x" * 10_005, 5) == "xxxxx… (10,005 characters)"


def test_a_beginning_ends_with_a_word():
    assert beginning("the policy is disabled", 15) == "the policy is …"
    assert beginning("the policy", 15) == "the policy"
    assert beginning("x" * 20, 5) == "xxxxx …"


def test_both_ends_of_a_long_name_stay():
    assert shortened("vol-0a1b2c3d4e5f60718", 36) == "vol-0a1b2c3d4e5f60718"
    assert shortened("snapshot-of-the-first-volume-0718", 13) == "snapsh…e-0718"
