from __future__ import annotations

import pytest

from baseops.semantics.mail.dkim import cname, key_of, parse

KEY_1024 = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDEZHnxzKiwBmJA+GBRuq4BIrhEpyoauhZTwQCoBVAwR8RhKpGd0tTQboxwfkzfvTzaswUr3T"
    "2/aS4s8Ro7BvdScAtkpWi0yq1h0WHkANJWTQdwTfBB4XMyk37Hseex5tE+plbnqX2PSUAp2rZiN+cFutBlJGctsHSbJ2njEFLDiQIDAQAB"
)


def test_the_size_of_a_key_is_read_from_its_der_form() -> None:
    key = parse(f"v=DKIM1; k=rsa; p={KEY_1024}")
    assert (key.bits, key.problems) == (1024, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("v=DKIM1; k=rsa", "the record has no key (p=)"),
        ("v=DKIM1; p=", "the key has been revoked (p= is empty)"),
        ("v=DKIM1; p=!!!", "the key cannot be read"),
        (
            "v=DKIM1; p=MBoCEwD/////////////////////////AgMBAAE=",
            "the key has 144 bits, and receivers want at least 1024",
        ),
    ],
)
def test_a_key_that_receivers_refuse_is_a_problem(text: str, problem: str) -> None:
    assert parse(text).problems == (problem,)


def test_a_testing_key_says_so() -> None:
    assert parse(f"v=DKIM1; t=y:s; p={KEY_1024}").is_testing


def test_spaces_in_a_key_mean_nothing() -> None:
    assert key_of("p=AB CD") == key_of("v=DKIM1; p=ABCD") == "ABCD"


def test_easy_dkim_points_a_token_at_the_signing_zone() -> None:
    assert cname("tok1", "acme.example") == ("tok1._domainkey.acme.example", "tok1.dkim.amazonses.com")
    assert cname("tok1", "acme.example", "dkim.eu-south-1.amazonses.com")[1] == "tok1.dkim.eu-south-1.amazonses.com"
