"""Which lines a filter pattern matches, what it extracts, and what it says of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baseops.semantics import filters

DOCUMENTED = Path(__file__).parents[3] / "shared" / "data" / "filter-pattern"
ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
SSH = "Mar 1 10:00:00 web sshd[7]: Invalid user a from ::1"
TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
        "cluster.name": "c",
        "count": 123,
        "ratio": 12.34,
        "whole": 12.0,
    }
)


def matches(pattern: str, line: str) -> bool:
    return filters.compile(pattern).matches(line)


def documented(name: str) -> list[dict[str, object]]:
    path = DOCUMENTED / name
    if not path.exists():
        pytest.skip(f"the documented cases ({name}) are not beside this checkout")
    return json.loads(path.read_text())


def test_every_documented_case_is_right() -> None:
    wrong = [
        case
        for case in documented("documented.json")
        if matches(str(case["pattern"]), str(case["message"])) != case["match"]
    ]
    assert wrong == []


def test_every_pattern_that_the_guide_rejects_is_rejected() -> None:
    for case in documented("invalid.json"):
        with pytest.raises(filters.PatternError):
            filters.compile(str(case["pattern"]))


@pytest.mark.parametrize("pattern", ["", "  ", '" "', '""', '"   "', '?" " ?ERROR'])
def test_a_blank_pattern_matches_every_line(pattern: str) -> None:
    compiled = filters.compile(pattern)
    assert compiled.kind == "all"
    assert [compiled.matches(line) for line in ("", "x", "two words")] == [True, True, True]


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ("ERROR", "Exiting with ERRORCODE: -1", True),
        ("ERROR", "error", False),
        ("ERROR -Exiting", "Exiting with ERRORCODE: -1", False),
        ('"ERROR" - "Exiting"', "Exiting with ERRORCODE: -1", False),
        ('"ERROR" - "Exiting"', "[ERROR] A fatal exception has occurred", True),
        ("-ERROR", "all is well", True),
        ("-ERROR", "ERROR", False),
        ("-ERROR -WARN -INFO", "a WARN", False),
        ("-ERROR -WARN -INFO", "a DEBUG", True),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ("ERROR WARN FATAL -x", "FATAL WARN ERROR", True),
        ("ERROR WARN FATAL -x", "FATAL WARN ERROR x", False),
        ("?ERROR ?ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("?ERROR ?ARGUMENTS", "[INFO 200] OK", False),
        ("?a ?b ?c", "c", True),
        ("?ERROR ?ARGUMENTS REQUEST", "[INFO] REQUEST FAILED", True),
        ("?ERROR ?ARGUMENTS REQUEST", "[ERROR] MISSING ARGUMENTS", False),
        ("?ERROR ?WARN -health", "all quiet", True),
        (r'"say \"hello\""', 'they say "hello"', True),
        (r'"a\\b"', r"a\b", True),
        (r'"\d"', r"a\d", True),
    ],
)
def test_terms(pattern: str, line: str, expected: bool) -> None:
    assert matches(pattern, line) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[2] = "value" }', False),
        ('{ $.eventType[0] = "U" }', False),
        ('{ $.arrayKey[*] = "another value" }', True),
        ("{ $.arrayKey[*] = %val.{2}% }", True),
        (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", True),
        ('{ $.* = "UpdateTrail" }', True),
        ('{ $.* = "updatetrail" }', False),
        ("{ $.objectList[*].id = 2 }", True),
        ("{ $.objectList[*].id = 3 }", False),
        ("{ $.objectList[*].id != 1 }", True),
        ("{ $.objectList[*].id NOT EXISTS }", False),
        ("{ $.objectList[*].age NOT EXISTS }", True),
        ('{ $.objectList[*].name = "a" && $.objectList[*].id = 2 }', True),
        ("{ $.objectList[1].id = 2 && $.objectList[1].name = b }", True),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.ThisFlag IS NULL }", False),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.absent IS NULL }", False),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.SomeObject.deeper NOT EXISTS }", True),
        ("{ $.ThisFlag = * }", False),
        ('{ $.SomeObject != "x" }', False),
        ('{ $.absent != "x" }', False),
        ('{ $.objectList != "x" }', False),
        ('{ $.["cluster.name"] = c }', True),
        ("{ $['cluster.name'] = c }", True),
        ("{ $.cluster.name = c }", False),
        # quoted numbers are texts, unquoted ones are numbers
        ('{ $.count = "123" }', True),
        ('{ $.count != "123.0" }', True),
        ("{ $.count = 123.0 }", True),
        ("{ $.count = 12* }", True),
        ('{ $.count = "*23" }', True),
        ("{ $.count != 32* }", True),
        ('{ $.whole != "12" }', True),
        ("{ $.whole = 12 }", True),
        ("{ $.ratio = 12.3* }", True),
        ("{ $.count = %^12% }", True),
        ("{ $.ratio > +12.3 }", True),
        ("{ $.ratio > 1234e-2 }", False),
        ("{ $.ratio >= 1234e-2 }", True),
        ("{ $.eventType >= 1 }", False),
        ("{ $.sourceIPAddress = 111.111.111.111 }", True),
        ("{ $.sourceIPAddress = *.111 }", True),
        ('{ $.sourceIPAddress = "*111*" }', True),
        # a star in the middle is an ordinary character
        ("{ $.sourceIPAddress = 111*111 }", False),
        ("{ $.sourceIPAddress != 111*111 }", True),
        # () before && before ||
        ("{ $.count = 123 || $.count = 1 && $.count = 2 }", True),
        ("{ ($.count = 123 || $.count = 1) && $.count = 2 }", False),
        ("{ ((($.count = 123))) }", True),
    ],
)
def test_json(pattern: str, expected: bool) -> None:
    assert matches(pattern, TRAIL) is expected


@pytest.mark.parametrize(
    "line", ["", "not JSON", "[1]", '"text"', "12", "null", '{"a": NaN}', '{"a": 1', "[" * 100_000]
)
def test_a_line_that_is_not_a_json_object_matches_no_json_pattern(line: str) -> None:
    assert not matches("{ $.b NOT EXISTS }", line)


@pytest.mark.parametrize("line", [r'{"p": "\u0041PI"}', r'{"\u0070": "API"}', r'{"p": "A\u0050I"}', '{"p":"API"}'])
def test_escapes_hide_nothing_from_the_look_at_the_raw_line(line: str) -> None:
    assert matches('{ $.p = "API" }', line)
    assert matches('{ $.p = "A*" && $.p != "x" }', line)
    assert matches('{ $.p = "zzz" || $.p = "*I" }', line)


def test_a_number_is_found_however_it_is_written() -> None:
    assert matches('{ $.n = "1000.0" }', '{"n": 1e3}')
    assert matches("{ $.n = 1e3 }", '{"n": 1000}')


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ("[w1=ERROR, w2]", "ERROR 09/25/2014 12:00:02 Failed to process request", True),
        ("[w1=ERROR, w2]", "ERROR", False),
        ("[w1=ERROR || W1=WARNING, w2]", "WARNING 09/25/2014 12:00:02 Invalid user request", True),
        ("[w1=!ERROR && w1=!WARNING, w2]", "INFO request", True),
        ("[w1=!ERROR && w1=!WARNING, w2]", "ERROR request", False),
        ("[Mon, day, time, host, process, status = Invalid*]", SSH, True),
        ("[Mon, day, time, host, process, s1 = Invalid, s2 = user, ...]", SSH, True),
        ("[..., status_code, bytes]", ACCESS, True),
        ("[ip, user, ..., status_code = 404, bytes]", ACCESS, True),
        ("[ip, user, ..., status_code = 500, bytes]", ACCESS, False),
        ("[ip, user, username, timestamp, request, status_code, bytes, more, ...]", ACCESS, False),
        ("[ip, user, username, timestamp, request, status_code, bytes, ...]", ACCESS, True),
        ("[ip, user, username, timestamp, request, status_code = 4* && status_code != 403, bytes]", ACCESS, True),
        ("[ip, user, username, timestamp, request, status_code = 4* && bytes > 1000, bytes]", ACCESS, True),
        ("[ip, user, username, timestamp, request, status_code = 4* && bytes > 2000, bytes]", ACCESS, False),
        ('[ip, user != "-", ...]', ACCESS, True),
        ('[ip, user = Prod, username = "frank", timestamp = *2000*, ...]', ACCESS, True),
        ("[..., request = *.html*, status_code = 4*,]", ACCESS, True),
        ("[a = 404.0, b]", "404 x", True),
        ("[a > 4, b]", "five x", False),
        ("[a != 4, b]", "five x", True),
        ("[a, b]", "one", False),
        ('[a = "x y", b]', "[x y] z", True),
    ],
)
def test_space_delimited(pattern: str, line: str, expected: bool) -> None:
    assert matches(pattern, line) is expected


def test_fields_are_extracted_without_quotes_and_brackets() -> None:
    pattern = filters.compile("[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]")
    assert pattern.extract(ACCESS) == {
        "$ip": "127.0.0.1",
        "$user": "Prod",
        "$username": "frank",
        "$timestamp": "10/Oct/2000:13:25:15 -0700",
        "$request": "GET /index.html HTTP/1.0",
        "$status_code": "404",
        "$bytes": "1534",
    }
    assert pattern.extract("something else") is None
    assert pattern.fields == ("$ip", "$user", "$username", "$timestamp", "$request", "$status_code", "$bytes")


def test_fields_without_a_name_go_by_their_number() -> None:
    assert filters.compile("[..., request=*.html*, status_code=4*,]").extract(ACCESS) == {
        "$1": "127.0.0.1",
        "$2": "Prod",
        "$3": "frank",
        "$4": "10/Oct/2000:13:25:15 -0700",
        "$request": "GET /index.html HTTP/1.0",
        "$status_code": "404",
        "$7": "1534",
    }
    assert filters.compile("[a, , c, ..., z, ]").fields == ("$a", "$2", "$c", "$z")


def test_the_last_field_takes_the_rest_of_the_line() -> None:
    extracted = filters.compile("[level, rest]").extract('ERROR "no such" thing  here ')
    assert extracted == {"$level": "ERROR", "$rest": '"no such" thing  here'}


def test_json_values_are_extracted_by_selector() -> None:
    pattern = filters.compile("{ $.count > 1 && $.objectList[1].name = * && $.gone NOT EXISTS && $.* = c }")
    assert pattern.extract(TRAIL) == {"$.count": "123", "$.objectList[1].name": "b"}
    assert pattern.extract("{}") is None
    assert pattern.fields == ("$.count", "$.objectList[1].name", "$.gone")


def test_terms_and_regular_expressions_extract_nothing() -> None:
    assert filters.compile("ERROR").extract("an ERROR") == {}
    assert filters.compile("%E+%").extract("an ERROR") == {}
    assert filters.compile("ERROR").extract("fine") is None


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ("%^[hc]at%", "hat", True),
        ("%^[hc]at%", "a hat", False),
        ("%[hc]at$%", "a hat", True),
        ("%[hc]at$%", "hats", False),
        ("%[abcx-z]%", "w", False),
        ("%a{3,5}%", "aaa", True),
        ("%a{3, 5}%", "aa", False),
        ("%a{3,}%", "xaaaaaax", True),
        ("%^a{,2}$%", "aa", True),
        ("%^a{,2}$%", "aaa", False),
        ("%^a{2}$%", "aa", True),
        ("%gra|ey%", "grey", True),
        ("%gra|ey%", "gra", True),
        ("%abcc|ab[^c]$%", "aba", True),
        ("%abcc|ab[^c]$%", "aac", False),
        (r"%\[.\]%", "[@]", True),
        (r"%\[.\]%", "[]", False),
        (r"%\x28\x21%", "(!", True),
        (r"%\D%", "123", False),
        (r"%\w\s\S%", "a b", True),
        (r"%\W%", "abc_1", False),
        (r"%\d%", "٣", False),
        ("%a+?b%", "aab", True),
        ("%[]]%", "]", True),
        ("%[a-c-]%", "-", True),
        ("%ab[^c]%", "abc", False),
    ],
)
def test_regular_expressions(pattern: str, line: str, expected: bool) -> None:
    assert matches(pattern, line) is expected


@pytest.mark.parametrize(
    ("pattern", "position", "remedy"),
    [
        ("ERROR foo-bar", 6, 'Write "foo-bar"'),
        ("ERROR -foo.bar", 7, 'Write -"foo.bar"'),
        ("[ERROR] x", 8, "Remove what follows, or make a second filter of it"),
        ('"ERROR', 0, 'Add a closing ", or write \\" for the character'),
        ("ERROR ?", 7, 'Write ?term or ?"two words"'),
        ("%something!%", 10, r"Write \x21 for it"),
        ("%(a|b)%", 1, r"Write each alternative whole, as in %abc|abd%, or \x28 for the character"),
        ("%café%", 4, "Write . for it"),
        ("%abc", 0, r"Add %, and write \x25 for the character"),
        ("%%", 0, "Write one between the percent signs"),
        ("%a**%", 3, "Leave one of the two out"),
        ("%a{5,3}%", 2, "Write the smaller number first, at most 1000"),
        ("%*a%", 1, r"Write \* for the character"),
        ("%[z-a]%", 1, "Write ranges upwards, as in [a-z]"),
        (r"%a\b%", 2, r"Write \d \D \s \S \w \W, \xhh, or \ before an operator"),
        ("%a% b", 4, "Remove what follows, or make a second filter of it"),
        ("{ $.a EXISTS }", 6, "Write $.a = * for any string or number there"),
        ("{ $.a IS NOT NULL }", 9, "Write $.a = * for any string or number there"),
        ("{ $.a is null }", 6, "Write them in capitals"),
        ("{ $.*.* = 1 }", 2, "Name the other key or element"),
        ("{ $.a == 1 }", 6, "Write a single ="),
        ('{ $.a > "x" }', 8, "Write a number without quotes"),
        ("{ $.a = foo@bar }", 11, "Join conditions by && or ||, and close with }"),
        ("{ $.a:b = 1 }", 5, "Write it as in $.['cluster.name']"),
        ("{ a = 1 }", 2, "Write it as in $.status or $.users[0].name"),
        ("{ $[0].a = 1 }", 3, "Write $.users[0], $.users[*] or $.['dotted.key']"),
        ("{ $.a[-1] = 1 }", 5, "Write $.users[0], $.users[*] or $.['dotted.key']"),
        ("{ $..a = 1 }", 4, "Write other names as in $.['cluster.name']"),
        ("{ ($.a = 1 }", 2, "Add )"),
        ("{ $.a = 1 AND $.b = 2 }", 10, "Join conditions by && or ||, and close with }"),
        ("{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }", 0, "Name the keys or elements"),
        ("{ $.a = %x% || $.b = %y% || $.c = %z% }", 0, "Join some of them by | in one"),
        ("{ $.a = 1 } x", 12, "Remove what follows, or make a second filter of it"),
        ("[a, ..., b, ...]", 0, "Keep one of them"),
        ("[a, a]", 0, "Give each field a name of its own"),
        ("[]", 0, 'Write "" to match every line'),
        ("[a = %x%, b = %y%, c = %z%]", 0, "Join some of them by | in one"),
        ("[a = 1, b", 9, "Separate fields by commas, and close with ]"),
        ("[a b]", 3, "Write one of = != < <= > >= and a value"),
        ("x" * 1025, 1024, "Make it shorter"),
        ("{ " + "(" * 400 + "$.a = 1" + ")" * 400 + " }", 52, "Leave out those that change nothing"),
    ],
)
def test_a_mistake_is_placed_and_says_what_to_write(pattern: str, position: int, remedy: str) -> None:
    with pytest.raises(filters.PatternError) as caught:
        filters.compile(pattern)
    assert (caught.value.position, caught.value.remedy) == (position, remedy)
    assert isinstance(caught.value, ValueError)


def test_the_error_reads_as_one_sentence_after_the_other() -> None:
    with pytest.raises(filters.PatternError) as caught:
        filters.compile("{ $.a EXISTS }")
    assert str(caught.value) == (
        "filter pattern '{ $.a EXISTS }' at character 7 ('EXISTS }'): EXISTS is not supported. "
        "Write $.a = * for any string or number there"
    )


@pytest.mark.parametrize(
    ("pattern", "warnings"),
    [
        ("ERROR", ()),
        (
            "?ERROR ?ARGUMENTS REQUEST",
            (
                (
                    "?ERROR ?ARGUMENTS is ignored, because ? terms do not mix with others: the pattern means REQUEST; "
                    "write %ERROR.*REQUEST|REQUEST.*ERROR|ARGUMENTS.*REQUEST|REQUEST.*ARGUMENTS%"
                ),
            ),
        ),
        (
            "?ERROR ?WARN -health",
            (
                (
                    "?ERROR ?WARN is ignored, because ? terms do not mix with others: the pattern means -health; "
                    "write ?ERROR ?WARN in a filter of its own"
                ),
            ),
        ),
        (
            "{ $.a = Ev*ent }",
            ("the * inside Ev*ent is an ordinary character; write %…% with .* in its place to match any text",),
        ),
        (
            "{ $.a = true }",
            ("true is compared as a text, not as a JSON true; write IS TRUE",),
        ),
        (
            "[w1 = A || w2 = B, rest]",
            ("w2 is no field of the pattern and stands for w1; write w1",),
        ),
        (
            "%a%",
            (
                (
                    "the pattern holds a regular expression, and only 5 filters of a log group may; "
                    "write terms or * where they do"
                ),
            ),
        ),
    ],
)
def test_what_hardly_anybody_means_is_warned_of(pattern: str, warnings: tuple[str, ...]) -> None:
    assert filters.compile(pattern).warnings == warnings


def test_what_a_warning_proposes_is_itself_right() -> None:
    proposed = filters.compile("%ERROR.*REQUEST|REQUEST.*ERROR|ARGUMENTS.*REQUEST|REQUEST.*ARGUMENTS%")
    assert proposed.matches("BAD REQUEST: ERROR 4")
    assert not proposed.matches("[INFO] REQUEST FAILED")


@pytest.mark.parametrize(
    ("pattern", "kind", "regexes"),
    [("a", "terms", 0), ("%a%", "regex", 1), ("{ $.a = %a% && $.b = %b% }", "json", 2), ("[a = %a%]", "space", 1)],
)
def test_a_pattern_knows_its_kind_and_its_regular_expressions(pattern: str, kind: str, regexes: int) -> None:
    compiled = filters.compile(pattern)
    assert (compiled.kind, compiled.regex_count) == (kind, regexes)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("?ERROR ?WARN", "WARN example 1"),
        ("%^ab+c$%", "abc"),
        ('{ $.status >= 500 && $.path = "/api/*" }', '{"status": 501, "path": "/api/1", "example": 1}'),
        ("{ $.latency = * }", '{"latency": 1, "example": 1}'),
        ("[..., request = *.html*, status_code = 4*, bytes]", ".html1 41 bytes1"),
    ],
)
def test_an_example_is_made_from_the_pattern(pattern: str, line: str) -> None:
    assert filters.compile(pattern).example() == line


@pytest.mark.parametrize(
    "pattern",
    [
        "ERROR -ERR",
        "{ $.a = 1 && $.a = 2 }",
        "{ $.a < 1 && $.a > 2 }",
        "{ $.a.b = 1 && $.a NOT EXISTS }",
        "{ $.a IS NULL && $.a IS TRUE }",
        '{ $.a = "x" && $.a[0] = "y" }',
        "[a = x && a = y, b]",
        "%a^b%",
    ],
)
def test_a_pattern_that_no_line_can_match_gives_no_example(pattern: str) -> None:
    with pytest.raises(filters.PatternError, match="no line was found that matches it"):
        filters.compile(pattern).example()


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a > 1 && $.a < 2 }",
        "{ $.a > 0.1 && $.a < 0.2 && $.a != 0.15 }",
        '{ $.a = "x*" && $.a = "*y" && $.a = "*mid*" }',
        "{ $.a = 4* && $.a > 410 && $.a < 420 }",
        '{ $.arr[*] = "x" && $.arr[*] = "y" && $.arr[0] = "z" }',
        "{ $.arr[*].a = 1 && $.arr[*].b = 2 }",
        '{ $.* = "x" && $.example NOT EXISTS }',
        "{ $.m[1][2] = 3 && $.m[0][0] = 1 }",
        "{ $.a = %^x[0-9]{3}$% && $.a != x123 }",
        '[a > 5 && a < 6, ..., b = %^z+$%, c = "two words"]',
        '[a = "", b]',
        '[a = "with [bracket", b = "*]*", ...]',
        "[a, b = c* && d > 5, d]",
        "ERROR -example -1",
        'a b -"a b"',
        "-1 -e -x",
    ],
)
def test_an_example_meets_conditions_that_depend_on_each_other(pattern: str) -> None:
    compiled = filters.compile(pattern)
    assert [compiled.matches(compiled.example(n)) for n in range(1, 30)] == [True] * 29


def test_examples_differ_by_their_number() -> None:
    pattern = filters.compile("ERROR")
    assert len({pattern.example(n) for n in range(100)}) == 100
