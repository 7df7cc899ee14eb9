"""Statements are packed into documents that IAM stores, and say the same as before."""

from baseops.semantics.policies.sizes import MANAGED, packed, size


def allow(sid, resources=("*",), actions=("s3:GetObject",)):
    return {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": [*resources]}


def buckets(count):
    return [f"arn:aws:s3:::bucket-{number:04d}/*" for number in range(count)]


def test_what_fits_stays_in_one_document():
    statements = [allow("One"), allow("Two")]

    assert packed(statements) == [statements]
    assert size(statements[:1]) == len(
        '{"Version":"2012-10-17","Statement":'
        '[{"Sid":"One","Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]}'
    )


def test_documents_keep_their_order_and_the_limit():
    statements = [allow(f"S{number}", buckets(60)) for number in range(7)]
    documents = packed(statements)

    assert [each["Sid"] for document in documents for each in document] == [f"S{number}" for number in range(7)]
    assert len(documents) == 3
    assert all(size(each) <= MANAGED for each in documents)


def test_a_statement_that_is_too_long_is_cut_along_its_longest_list():
    statement = allow("Wide", buckets(500), ["s3:GetObject", "s3:PutObject"])
    parts = [each for document in packed([statement]) for each in document]

    assert [each["Sid"] for each in parts] == ["WideAA", "WideAB", "WideBA", "WideBB"]
    assert [name for each in parts for name in each["Resource"]] == buckets(500)
    assert {tuple(each["Action"]) for each in parts} == {("s3:GetObject", "s3:PutObject")}


def test_no_statements_are_one_empty_document():
    assert packed([]) == [[]]
