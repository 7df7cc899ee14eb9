from __future__ import annotations

import pytest

from baseops.semantics.mail.addresses import address_problem, domain_of, domain_problem, fold, is_within


@pytest.mark.parametrize("domain", ["acme.example", "mail.ACME.example", "xn--bcher-kva.example", "a-1.b2.example"])
def test_a_domain_that_ses_takes_has_no_problem(domain: str) -> None:
    assert domain_problem(domain) == ""


@pytest.mark.parametrize(
    ("domain", "problem"),
    [
        ("bücher.example", "bücher.example is not ASCII, and SES wants Punycode: write xn--bcher-kva.example"),
        ("acme.example.", "acme.example. ends with a dot: write acme.example"),
        ("acme", "acme is not a whole domain: write it with its ending, such as acme.example"),
        ("acme..example", "acme..example is not a domain: '' is not 1-63 letters, digits and inner hyphens"),
        ("-a.example", "-a.example is not a domain: '-a' is not 1-63 letters, digits and inner hyphens"),
        ("_x.acme.example", "_x.acme.example is not a domain: '_x' is not 1-63 letters, digits and inner hyphens"),
        ("10.0.0.1", "10.0.0.1 is an IP address, and an identity is a domain such as acme.example"),
    ],
)
def test_a_domain_that_ses_refuses_says_what_to_write(domain: str, problem: str) -> None:
    assert domain_problem(domain) == problem


def test_a_domain_over_253_characters_is_refused() -> None:
    assert domain_problem("a." * 125 + "example") == "the domain has 257 characters, and DNS allows 253"


@pytest.mark.parametrize("address", ["no-reply@acme.example", "a.b+c@mail.acme.example", "x_1@acme.example"])
def test_an_address_that_ses_takes_has_no_problem(address: str) -> None:
    assert address_problem(address) == ""


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("billing", "billing is not a mail address: write it as name@billing"),
        (
            "büro@acme.example",
            "the part before @ in büro@acme.example is not ASCII, which SES does not take (no SMTPUTF8)",
        ),
        (".x@acme.example", ".x@acme.example is not a mail address that SES takes: write it as name@acme.example"),
        ("a b@acme.example", "a b@acme.example is not a mail address that SES takes: write it as name@acme.example"),
        ("x@acme", "acme is not a whole domain: write it with its ending, such as acme.example"),
    ],
)
def test_an_address_that_ses_refuses_says_what_to_write(address: str, problem: str) -> None:
    assert address_problem(address) == problem


def test_only_the_domain_of_an_address_loses_its_case() -> None:
    assert fold("Billing@ACME.example") == "Billing@acme.example"
    assert fold("ACME.example") == "acme.example"
    assert domain_of("Billing@ACME.example") == "acme.example"


def test_a_domain_lies_within_itself_and_its_parents_only() -> None:
    assert is_within("mail.acme.example", "acme.example")
    assert is_within("acme.example", "acme.example")
    assert not is_within("notacme.example", "acme.example")
