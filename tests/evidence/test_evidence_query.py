"""SQL over evidence: one row for each record, partitions as columns, nothing but reading."""

import json
import re

import pytest

from baseops.contract.drill import proven, refuted
from baseops.errors import UsageError
from baseops.evidence.query import athena_table, query


@pytest.fixture
def kept(bench, drill):
    found = [proven("backups.daily", measures={"age_seconds": 90}), refuted("backups.daily/vol-1", "old")]
    bench.run(drill(lambda ctx: found))
    return bench.store


def test_a_query_finds_records(kept):
    answer = query(kept, "SELECT drill, verdict, measures['age_seconds'], \"date\" FROM evidence ORDER BY number")

    assert answer.columns[:2] == ("drill", "verdict")
    assert [(*row[:3], str(row[3])) for row in answer.rows] == [
        ("backups/toy", "proven", 90.0, "2026-01-08"),
        ("backups/toy", "refuted", None, "2026-01-08"),
    ]


def test_a_query_reaches_no_files(kept):
    with pytest.raises(UsageError, match="cannot be answered"):
        query(kept, "SELECT * FROM read_text('/etc/passwd')")


def test_a_query_of_another_table_is_told_which_there_is(kept):
    with pytest.raises(UsageError) as refusal:
        query(kept, "SELECT * FROM records")

    assert refusal.value.remedy.startswith("Ask the table `evidence`; it has: run, number, previous, area, drill,")


def test_a_query_over_no_evidence_has_no_rows(bench):
    assert query(bench.store, "SELECT count(*) FROM evidence").rows == ((0,),)


def test_the_same_files_are_a_table_in_athena():
    statement = athena_table("bucket", "acme", ["111111111111"], "eu-west-1")

    assert "`measures` map<string,double>" in statement
    assert "LOCATION 's3://bucket/acme/records/'" in statement
    assert "'projection.account.values' = '111111111111'" in statement
    template = "'s3://bucket/acme/records/account=${account}/region=${region}/date=${date}/'"
    assert f"'storage.location.template' = {template}" in statement


def test_partitions_are_where_the_table_of_athena_looks_for_them(kept):
    """DuckDB reads the same layout of folders (Hive's) as Athena does."""
    import duckdb

    statement = athena_table("bucket", "", ["111111111111"], "eu-west-1")
    template = re.search(r"'storage.location.template' = 's3://bucket/(.*)'", statement)[1]
    for name, value in (("account", "111111111111"), ("region", "eu-west-1"), ("date", "2026-01-08")):
        template = template.replace(f"${{{name}}}", value)
    columns = re.findall(r"^  `(\w+)`", statement, re.MULTILINE)
    (sample,) = (kept.folder / template).rglob("*.jsonl")
    assert set(columns) <= set(json.loads(sample.read_text().splitlines()[0]))

    files = kept.folder / "records" / "**" / "*.jsonl"
    rows = duckdb.sql(
        f"SELECT target, account, region, \"date\" FROM read_json('{files}', format='newline_delimited', "
        "hive_partitioning=true, hive_types={'account': VARCHAR, 'date': VARCHAR}) "
        "WHERE \"date\" = '2026-01-08' ORDER BY number"
    ).fetchall()
    assert rows == [
        ("backups.daily", "111111111111", "eu-west-1", "2026-01-08"),
        ("backups.daily/vol-1", "111111111111", "eu-west-1", "2026-01-08"),
    ]
