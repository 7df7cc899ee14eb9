"""Which names a blocklist is asked for, and what its answers mean; the names are those of RFC 5782's examples."""

import pytest

from baseops.semantics.mail.blocklists import TRIALS, Answer, kind_of, question, read


@pytest.mark.parametrize(
    ("subject", "kind", "name"),
    [
        ("192.0.2.99", "IPv4 addresses", "99.2.0.192.bad.example.com"),
        (
            "2001:db8:1:2:3:4:567:89ab",
            "IPv6 addresses",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bad.example.com",
        ),
        ("Example.COM", "domains", "example.com.bad.example.com"),
    ],
)
def test_an_address_is_asked_for_the_wrong_way_round_and_a_domain_as_it_is(subject, kind, name):
    assert (kind_of(subject), question(subject, "bad.example.com")) == (kind, name)


def test_the_test_entries_have_the_names_of_the_rfc():
    names = {kind: tuple(question(each, "l.example") for each in trial) for kind, trial in TRIALS.items()}
    tail = "0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.l.example"
    assert names == {
        "IPv4 addresses": ("2.0.0.127.l.example", "1.0.0.127.l.example"),
        "IPv6 addresses": (f"2.{tail}", f"1.{tail}"),
        "domains": ("test.l.example", "invalid.l.example"),
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((), Answer()),
        (("127.0.0.4", "127.0.0.11"), Answer(listed=("127.0.0.4", "127.0.0.11"))),
        (("127.0.1.2",), Answer(listed=("127.0.1.2",))),
        (("127.255.255.254",), Answer(refused=("127.255.255.254",))),
        (("127.255.255.255",), Answer(refused=("127.255.255.255",))),
        (("127.0.0.1",), Answer(refused=("127.0.0.1",))),
        (("203.0.113.9",), Answer(refused=("203.0.113.9",))),
    ],
)
def test_codes_of_refusal_and_addresses_of_elsewhere_are_no_listing(values, said):
    assert read(values) == said
