"""Both stores keep the same contract: what is written once stays, and keys cannot lead out."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from baseops.errors import NotFoundError, UsageError
from baseops.evidence.store import open_store
from baseops.sandbox.faults import Fault


@pytest.fixture(params=["folder", "bucket"])
def store(request, account, tmp_path):
    if request.param == "folder":
        return open_store(str(tmp_path / "evidence"), account, "eu-west-1")
    account.client("s3").create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return open_store("s3://evidence/of/acme", account, "eu-west-1")


def test_what_is_written_can_be_read_and_listed(store):
    assert store.put_new("records/date=2026-01-08/a.json", b"1")
    assert store.put_new("records/date=2026-01-09/b.json", b"2")

    assert store.read("records/date=2026-01-09/b.json") == b"2"
    assert store.keys("records/") == ["records/date=2026-01-08/a.json", "records/date=2026-01-09/b.json"]
    assert store.keys("records/date=2026-01-09") == ["records/date=2026-01-09/b.json"]
    assert store.folders("records/") == ["date=2026-01-08", "date=2026-01-09"]
    assert store.keys("heads/") == store.folders("heads/") == []


def test_nothing_is_overwritten(store):
    store.put_new("a/b.json", b"first")

    assert not store.put_new("a/b.json", b"second")
    assert store.put_new("a/b.json", b"first")
    assert store.read("a/b.json") == b"first"


def test_replacing_needs_the_present_content(store):
    store.put_new("lock.json", b"1")

    assert not store.replace("lock.json", b"3", b"2")
    assert store.replace("lock.json", b"2", b"1")
    assert store.read("lock.json") == b"2"


def test_what_was_taken_away_is_not_replaced(store):
    assert not store.replace("lock/a.json", b"2", b"1")
    assert store.keys("") == []


def test_what_is_not_there_is_not_found(store):
    with pytest.raises(NotFoundError):
        store.read("records/none.json")


@pytest.mark.parametrize("key", ["../a", "/a", "a//b", "a/../b", "a b", "a\n", ".hidden", ""])
def test_a_key_cannot_lead_out(store, key):
    with pytest.raises(UsageError):
        store.put_new(key, b"")


def test_a_write_whose_answer_was_lost_counts_as_ours(account):
    account.client("s3").create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    account.faults.add(Fault("s3", "PutObject", drop="response", times=1))
    store = open_store("s3://evidence", account, "eu-west-1")

    assert store.put_new("a.json", b"1")


def conflicting(account, times):
    account.client("s3").create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    account.faults.add(Fault("s3", "PutObject", error="ConditionalRequestConflict", status=409, times=times))
    return open_store("s3://evidence", account, "eu-west-1")


def test_a_write_that_met_another_is_made_again(account):
    store = conflicting(account, times=2)

    assert store.put_new("a.json", b"1")
    assert store.read("a.json") == b"1"


def test_a_write_that_never_comes_through_is_none(account):
    store = conflicting(account, times=None)

    assert not store.put_new("a.json", b"1")
    assert store.keys("") == []


def test_a_bucket_needs_a_name(account):
    with pytest.raises(UsageError, match="names no bucket"):
        open_store("s3://", account, "eu-west-1")


def test_who_died_while_replacing_blocks_nobody(account, tmp_path):
    store = open_store(str(tmp_path), account, "eu-west-1")
    store.put_new("lock.json", b"1")
    (tmp_path / ".lock.json.replacing").touch()

    assert store.replace("lock.json", b"2", b"1")
    assert store.keys("") == ["lock.json"]


def test_of_many_that_replace_at_once_one_wins(account, tmp_path):
    store = open_store(str(tmp_path), account, "eu-west-1")
    store.put_new("lock.json", b"0")

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: store.replace("lock.json", b"%d" % number, b"0"), range(1, 20)))

    assert won.count(True) == 1
    assert store.read("lock.json") == b"%d" % (won.index(True) + 1)
