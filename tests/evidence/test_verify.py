"""Evidence is verified: what was altered, removed, added or left out is found and named."""

import json
import shutil
from datetime import timedelta

import pytest

from baseops.contract.drill import proven, refuted
from baseops.errors import InconclusiveError
from baseops.evidence.records import canonical
from baseops.evidence.signing import KmsKeys, LocalKeys
from baseops.evidence.verify import Verifier


@pytest.fixture
def three_runs(bench, drill, account):
    """Three daily runs of two drills; the first has two records for one of them."""
    for _ in range(3):
        bench.run(
            drill(lambda ctx: [proven("backups.daily"), refuted("backups.daily/vol-1", "it is too old")]),
            drill(lambda ctx: [proven("logs.web")], name="logs/toy", targets=("logs.web",)),
            every=timedelta(days=1, hours=1),
        )
        account.clock.advance(by=timedelta(days=1))
    return bench


def kinds(found):
    return [each.kind for each in found.problems]


def files(bench, top):
    return sorted(path for path in (bench.store.folder / top).rglob("*") if path.is_file())


def test_untouched_evidence_is_sound(three_runs):
    found = three_runs.verify()

    assert (found.runs, found.records, kinds(found), found.is_sound) == (3, 9, [], True)


@pytest.mark.parametrize("which", range(6))
def test_one_altered_byte_in_any_file_of_records_is_found(three_runs, which):
    path = files(three_runs, "records")[which]
    path.write_bytes(path.read_bytes().replace(b"proven", b"proveN", 1))

    found = three_runs.verify()

    assert kinds(found) == ["altered"]
    assert not found.is_sound
    assert found.problems[0].key == path.relative_to(three_runs.store.folder).as_posix()


@pytest.mark.parametrize("which", range(3))
def test_one_altered_byte_in_any_head_is_found(three_runs, which):
    path = files(three_runs, "heads")[which]
    path.write_bytes(path.read_bytes().replace(b'"proven":2', b'"proven":3', 1))

    assert "altered" in kinds(three_runs.verify())


def test_a_removed_record_is_found(three_runs):
    path = files(three_runs, "records")[0]
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    assert [each.message for each in three_runs.verify().problems] == ["1 record is missing"]


def test_a_removed_file_of_records_is_found(three_runs):
    files(three_runs, "records")[4].unlink()

    assert kinds(three_runs.verify()) == ["removed"]


@pytest.mark.parametrize("which", [0, 1])
def test_a_removed_run_is_found_by_the_next_one(three_runs, which):
    date = sorted((three_runs.store.folder / "heads/account=111111111111/region=eu-west-1").iterdir())[which]
    for top in ("heads", "records", "journal"):
        shutil.rmtree(three_runs.store.folder / top / date.relative_to(three_runs.store.folder / "heads"), True)

    assert "missing-run" in kinds(three_runs.verify())


def test_a_removed_newest_run_is_found_by_the_schedule(three_runs):
    for top in ("heads", "records"):
        shutil.rmtree(max((three_runs.store.folder / top / "account=111111111111/region=eu-west-1").iterdir()))

    found = three_runs.verify()

    assert kinds(found) == ["missing-run", "gap"]
    assert found.problems[0].message.endswith("was the last to hold the lock, and is missing")
    assert "the next run was due by 2026-01-10 10:00" in found.problems[1].message


def test_a_removed_newest_run_is_found_when_the_lock_goes_with_it(three_runs):
    shutil.rmtree(three_runs.store.folder / "lock")
    for top in ("heads", "records"):
        shutil.rmtree(max((three_runs.store.folder / top / "account=111111111111/region=eu-west-1").iterdir()))

    assert kinds(three_runs.verify()) == ["gap"]


def test_no_run_at_all_is_a_gap_where_some_are_due(bench):
    assert [each.message for each in bench.verify(every=timedelta(days=1)).problems] == ["there is no run"]


def test_removed_oldest_runs_are_found_while_they_would_be_kept(three_runs):
    for top in ("heads", "records"):
        for date in sorted((three_runs.store.folder / top / "account=111111111111/region=eu-west-1").iterdir())[:2]:
            shutil.rmtree(date)

    (found,) = three_runs.verify().problems
    assert (found.kind, found.message) == ("missing-run", f"the run {found.run} is missing")
    assert three_runs.verify(retention_days=2).is_sound


def test_every_file_is_looked_at_even_when_one_before_it_is_altered(three_runs):
    for path in files(three_runs, "records")[::3]:
        path.write_bytes(path.read_bytes().replace(b"proven", b"proveN", 1))

    assert kinds(three_runs.verify()) == ["altered", "altered"]


def test_two_swapped_records_are_found(three_runs):
    path = files(three_runs, "records")[0]
    path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))

    assert [each.message for each in three_runs.verify().problems] == ["it is not what was sealed"]


def test_two_swapped_files_are_found(three_runs):
    one, _, _, other = files(three_runs, "records")[:4]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)

    assert {each.key for each in three_runs.verify().problems} == {
        each.relative_to(three_runs.store.folder).as_posix() for each in (one, other)
    }


def test_an_added_file_is_found(three_runs):
    path = files(three_runs, "records")[0]
    path.with_name("20260108T100000Z-ffffff.jsonl").write_bytes(path.read_bytes())

    assert kinds(three_runs.verify()) == ["added"]


def test_a_head_that_somebody_sealed_with_another_key_is_not_trusted(three_runs, tmp_path):
    from baseops.evidence.records import Head

    path = files(three_runs, "heads")[2]
    head = Head.parse(path.read_bytes())
    forged = {**json.loads(head.unsigned()), "counts": {"proven": 3, "refuted": 0, "inconclusive": 0}}
    signature = LocalKeys(tmp_path / "thief").sign(canonical(forged))
    path.write_bytes(canonical({**forged, "signature": signature.__dict__}))

    assert kinds(three_runs.verify()) == ["unsigned"]


def test_files_of_a_run_that_died_are_sealed_by_the_next(bench, drill, account, killed):
    def run(ctx):
        # What another drill of the same run had kept before.
        partition = "account=111111111111/region=eu-west-1/date=2026-01-08"
        bench.store.put_new(f"records/{partition}/drill=logs+x/{ctx.run_id}.jsonl", b"{}")
        raise killed
        yield

    toy = drill(lambda ctx: [proven("backups.daily")])
    bench.run(toy)
    account.clock.advance(by=timedelta(hours=1))
    bench.crash(drill(run))
    assert [(each.kind, each.message) for each in bench.verify().problems] == [
        ("unfinished", "its run has no head: it is going on, or died")
    ]
    bench.run(toy)

    assert kinds(bench.verify()) == ["unfinished"]
    assert bench.verify().is_sound
    files(bench, "records")[-1].write_bytes(b"{ }")
    assert not bench.verify().is_sound


def test_evidence_in_a_bucket_sealed_by_kms(bench, drill, account):
    from baseops.evidence.store import open_store

    kms, s3 = account.client("kms"), account.client("s3")
    for alias, spec, usage in (
        ("alias/baseops-acme-evidence-signing", "ECC_NIST_P256", "SIGN_VERIFY"),
        ("alias/baseops-acme-evidence-fingerprints", "HMAC_256", "GENERATE_VERIFY_MAC"),
    ):
        key = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=alias, TargetKeyId=key)
    s3.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    keys = KmsKeys(
        account, "eu-west-1", "alias/baseops-acme-evidence-signing", "alias/baseops-acme-evidence-fingerprints"
    )
    store = open_store("s3://evidence/acme", account, "eu-west-1")
    toy = drill(lambda ctx: [proven("backups.daily", ctx.alias("somebody@acme.example"))])

    for _ in range(2):
        done = bench.run(toy, store=store, signer=keys, fingerprints=keys)
        account.clock.advance(by=timedelta(days=1))

    assert done.records[0]["reason"].startswith("address-")
    verifier = Verifier(store, [keys], "111111111111", "eu-west-1", account.clock.now())
    assert (verifier.verify().runs, kinds(verifier.verify())) == (2, [])
    key = store.keys("records/")[1]
    s3.put_object(Bucket="evidence", Key=f"acme/{key}", Body=store.read(key).replace(b"proven", b"proveN"))
    assert kinds(verifier.verify()) == ["altered"]


def test_runs_of_one_second_follow_each_other(bench, drill):
    ids = [bench.run(drill(lambda ctx: [proven("backups.daily")])).head.run for _ in range(4)]

    assert ids == sorted(ids)
    assert kinds(bench.verify()) == []


def test_what_could_not_be_kept_was_removed_by_nobody(bench, drill):
    class Full(type(bench.store)):
        def put_new(self, key, content):
            if "drill=logs+toy" in key:
                raise InconclusiveError("the disk is full")
            return super().put_new(key, content)

    with pytest.raises(InconclusiveError, match="the disk is full"):
        bench.run(
            drill(lambda ctx: [proven("logs.web")], name="logs/toy", targets=("logs.web",)),
            drill(lambda ctx: [proven("backups.daily")]),
            store=Full(bench.store.folder),
            bound=1,
        )

    found = bench.verify()
    assert found.is_sound
    assert [(each.kind, each.message) for each in found.problems] == [
        ("incomplete", "the run was interrupted"),
        ("incomplete", "it could not be kept"),
    ]
