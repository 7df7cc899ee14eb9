from __future__ import annotations

from baseops.semantics.mail.dns import Record, change_batch, print_zone_file, quote, unquote, zone_of

MX = Record("bounce.acme.example", "MX", ("10 feedback-smtp.eu-west-1.amazonses.com",), "bounces", "acme.example")
SPF = Record("bounce.acme.example", "TXT", ("v=spf1 include:amazonses.com ~all",), "SPF", "acme.example", ttl=600)


def test_a_zone_file_has_absolute_names_and_quoted_texts() -> None:
    assert print_zone_file([MX, SPF]) == (
        "; bounces\n"
        "bounce.acme.example. 300 IN MX 10 feedback-smtp.eu-west-1.amazonses.com.\n"
        "; SPF\n"
        'bounce.acme.example. 600 IN TXT "v=spf1 include:amazonses.com ~all"\n'
    )


def test_a_zone_file_of_nothing_is_empty() -> None:
    assert print_zone_file([]) == ""


def test_a_change_batch_creates_and_so_never_replaces() -> None:
    assert change_batch([MX], "for SES") == {
        "Comment": "for SES",
        "Changes": [
            {
                "Action": "CREATE",
                "ResourceRecordSet": {
                    "Name": "bounce.acme.example.",
                    "Type": "MX",
                    "TTL": 300,
                    "ResourceRecords": [{"Value": "10 feedback-smtp.eu-west-1.amazonses.com."}],
                },
            }
        ],
    }


def test_a_long_text_is_cut_into_pieces_of_255_octets_and_joined_again() -> None:
    text = "p=" + "A" * 400
    written = quote(text, "TXT")
    assert written == f'"p={"A" * 253}" "{"A" * 147}"'
    assert unquote(written) == text


def test_quotes_and_backslashes_inside_a_text_survive() -> None:
    assert unquote(quote('say "a\\b"', "TXT")) == 'say "a\\b"'


def test_a_found_zone_forgets_case_and_final_dots() -> None:
    zone = zone_of([("Bounce.ACME.example.", "MX", ["10 Feedback-SMTP.eu-west-1.amazonses.com."])])
    assert zone.get("bounce.acme.example", "MX") == ("10 feedback-smtp.eu-west-1.amazonses.com",)
    assert zone.get("acme.example", "MX") == ()
