"""SQL over evidence: one row for each record, partitions as columns, nothing but reading."""

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


def test_a_query_over_no_evidence_has_no_rows(bench):
    assert query(bench.store, "SELECT count(*) FROM evidence").rows == ((0,),)


def test_the_same_files_are_a_table_in_athena():
    statement = athena_table("bucket", "acme")

    assert "`measures` map<string,double>" in statement
    assert statement.endswith("LOCATION 's3://bucket/acme/records/'")
