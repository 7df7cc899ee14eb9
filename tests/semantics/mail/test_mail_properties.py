"""What DNS says is hostile: no record breaks a reader, and what is written is read back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from baseops.semantics.mail import dkim, dmarc, spf
from baseops.semantics.mail.addresses import address_problem, domain_problem
from baseops.semantics.mail.dmarc import Dmarc
from baseops.semantics.mail.dns import quote, unquote, zone_of

TEXT = st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=600)
NAMES = st.sampled_from(["a.example", "b.example", "c.example"])
TERMS = st.sampled_from(["a", "mx", "-all", "?all", "include:amazonses.com", "ip4:192.0.2.1", "redirect=c.example"])
RECORDS = st.lists(st.one_of(TERMS, NAMES.map("include:{}".format)), max_size=12).map(
    lambda w: " ".join(["v=spf1", *w])
)


@given(TEXT)
def test_a_text_survives_being_quoted(text):
    assert unquote(quote(text, "TXT")) == text


@given(st.text(max_size=300))
def test_no_text_breaks_a_reader(text):
    dkim.parse(text)
    dmarc.parse(text)
    spf.parse(text)
    domain_problem(text)
    address_problem(text)


@given(st.binary(max_size=300))
def test_no_key_breaks_the_reader_of_keys(data):
    import base64

    assert dkim.key_bits(base64.b64encode(data).decode()) >= 0


def test_a_key_nested_without_end_is_no_key():
    import base64

    nested = b""
    for _ in range(20_000):
        nested = b"\x30\x84" + len(nested).to_bytes(4, "big") + nested[:100_000]
    assert dkim.key_bits(base64.b64encode(nested).decode()) == 0


def test_digits_of_other_scripts_are_no_percentage():
    assert dmarc.parse("v=DMARC1; p=none; pct=²").problems == ("pct=² is not a number from 0 to 100",)


@given(st.dictionaries(NAMES, RECORDS))
def test_following_includes_always_ends(records):
    zone = zone_of((name, "TXT", [text]) for name, text in records.items())
    result = spf.follow("a.example", zone)
    assert result.lookups <= 10 or any("look-ups" in each for each in result.problems)


@given(
    st.sampled_from(dmarc.POLICIES),
    st.sampled_from(["", *dmarc.POLICIES]),
    st.lists(st.sampled_from(["a@acme.example", "b@reports.example"]), unique=True).map(tuple),
    st.integers(0, 100),
    st.sampled_from(["relaxed", "strict"]),
)
def test_a_policy_that_is_written_is_read_back(policy, subdomains, rua, percent, alignment):
    written = Dmarc(policy, subdomains, rua, (), percent, alignment, "relaxed")
    assert dmarc.parse(dmarc.write(written)) == written
