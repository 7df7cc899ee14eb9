"""Who can write into a store and cannot sign proves nothing and stops nobody; nor does a clock that is wrong."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from baseops.contract.drill import inconclusive, proven, refuted
from baseops.errors import BaseopsError, InconclusiveError, UsageError
from baseops.evidence.history import newest_head, newest_records, read_head, records_of
from baseops.evidence.query import query
from baseops.evidence.records import canonical, new_run_id
from baseops.evidence.signing import LocalKeys
from baseops.evidence.store import open_store

PLACE = "account=111111111111/region=eu-west-1"
HEAD_OF_NOW = f"heads/{PLACE}/date=2026-01-08/20260108T100000Z-abcdef.json"


def short(text):
    return repr(text[:40])


@pytest.fixture
def kept(bench, drill):
    """A store with one run, which found a promise refuted."""
    bench.run(drill(lambda ctx: [refuted("backups.daily", "old")]))
    return bench


def problems(bench, **options):
    return {(each.kind, each.is_note) for each in bench.verify(**options).problems}


def forged(bench, **changes):
    """The text of the run's head with some values changed."""
    head = json.loads(newest_head(bench.store, "111111111111", "eu-west-1")[1])
    return canonical({**head, "run": "20260108T100000Z-abcdef", "started": "2026-01-08T10:00:00.000Z", **changes})


def proof_of_nobody(bench, run):
    """The run's records, made a proof, as another run might have left them."""
    (key,) = bench.store.keys(f"records/{PLACE}/")
    record = {**json.loads(bench.store.read(key)), "run": run, "verdict": "proven", "reason": ""}
    return f"{key.rpartition('/')[0]}/{run}.jsonl", canonical(record) + b"\n"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"[" * 200_000,
        b'{"schema":"baseops/evidence-head/1"}',
        b'{"schema":NaN}',
        b"\xff\xfe",
    ],
    ids=short,
)
def test_a_head_that_is_none_is_named(kept, text):
    kept.store.put_new(HEAD_OF_NOW, text)

    assert ("altered", False) in problems(kept)
    with pytest.raises(BaseopsError, match="is no head of a run: it is"):
        newest_head(kept.store, "111111111111", "eu-west-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"run": 7},
        {"run": "20260108T100000Z-ABCDEF"},
        {"started": "2026-01-08T10:00:00"},
        {"started": "2026-01-09T10:00:00.000Z"},
        {"started": None},
        {"previous": 1},
        {"counts": {"proven": "many"}},
        {"counts": []},
        {"complete": "yes"},
        {"leftovers": "abc"},
        {"lost": [1]},
        {"files": [{"key": "records/a.jsonl", "sha256": "a", "records": "2"}]},
        {"files": [{"key": ["a"], "sha256": "a", "records": 2}]},
        {"files": {"key": "a"}},
        {"signature": {"algorithm": "none", "key": "a", "value": 3}},
        {"signature": "abc"},
        {"next_by": "soon"},
        {"more": 1},
    ],
    ids=lambda changes: json.dumps(changes)[:60],
)
def test_a_head_of_odd_values_is_named_and_read_by_nobody(kept, changes):
    kept.store.put_new(HEAD_OF_NOW, forged(kept, **changes))

    assert ("altered", False) in problems(kept)


@pytest.mark.parametrize("key", ["../../../etc/passwd", "/etc/passwd", "records/../keys", ""])
def test_a_head_that_names_files_elsewhere_leads_nowhere(kept, key):
    kept.store.put_new(HEAD_OF_NOW, forged(kept, files=[{"key": key, "sha256": "0" * 64, "records": 1}]))

    found = kept.verify().problems
    assert "no file of evidence is called that" in {each.message for each in found}
    assert not kept.verify().is_sound


def test_records_without_a_head_prove_nothing(kept, account):
    account.clock.advance(by=timedelta(hours=1))
    kept.store.put_new(*proof_of_nobody(kept, new_run_id(account.clock.now(), "abcdef")))

    (record,) = newest_records(kept.store, "111111111111", "eu-west-1")["backups/toy"]
    assert record["verdict"] == "refuted"
    assert problems(kept) == {("unfinished", True)}


def test_a_run_seals_what_died_before_it_and_makes_it_no_proof(kept, account, drill):
    account.clock.advance(by=timedelta(hours=1))
    kept.store.put_new(*proof_of_nobody(kept, new_run_id(account.clock.now(), "abcdef")))
    account.clock.advance(by=timedelta(hours=1))
    kept.run(drill(lambda ctx: [refuted("backups.daily", "older")]))

    (record,) = newest_records(kept.store, "111111111111", "eu-west-1")["backups/toy"]
    assert (record["verdict"], record["reason"]) == ("refuted", "older")


@pytest.mark.parametrize("run", ["20260108T110500Z-abcdef", "20260109T090000Z-abcdef", "99999999T999999Z-abcdef"])
def test_records_of_a_run_to_come_were_added_and_are_never_sealed(kept, drill, run):
    kept.store.put_new(*proof_of_nobody(kept, run))

    assert problems(kept) == {("added", False)}
    kept.run(drill(lambda ctx: [proven("backups.daily")]))
    assert problems(kept) == {("added", False)}


def test_no_run_waits_for_the_clock_of_another_machine(kept, account, drill):
    account.clock.advance(by=timedelta(days=1))
    kept.run(drill(lambda ctx: [proven("backups.daily")]))
    behind = replace(kept.setup, clock=Behind(account.clock, timedelta(hours=3)))
    kept.setup = behind

    with pytest.raises(InconclusiveError, match=r"no run can follow 20260109T09.*by the clock of this machine it is"):
        kept.run(drill(lambda ctx: [proven("backups.daily")]))


def test_a_run_waits_out_what_clocks_may_differ_by(kept, account, drill):
    kept.setup = replace(kept.setup, clock=Behind(account.clock, timedelta(seconds=90)))

    assert kept.run(drill(lambda ctx: [proven("backups.daily")])).head.run > "20260108T090000Z"


class Behind:
    """A clock that goes after the right one."""

    def __init__(self, right, by):
        self._right, self._by = right, by

    def now(self):
        return self._right.now() - self._by

    def __getattr__(self, name):
        return getattr(self._right, name)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "12", None])
def test_a_measure_that_is_no_number_is_no_proof_and_ends_nothing(bench, drill, value):
    found = [proven("backups.daily", measures={"age_seconds": value, "blocks": 2}), inconclusive("backups.more", "a")]

    records = bench.run(drill(lambda ctx: found)).records

    assert [each["verdict"] for each in records] == ["inconclusive", "inconclusive"]
    assert "wanted to keep a measure that is no number" in records[0]["reason"]
    assert records[0]["measures"]["blocks"] == 2
    assert bench.verify().is_sound


@pytest.mark.parametrize("line", [b"{}", b"[]", b"[" * 100_000, b'{"schema":"baseops/evidence/1"}', b"\x00"], ids=short)
def test_records_that_are_none_are_said_to_be(kept, line):
    (key,) = kept.store.keys(f"records/{PLACE}/")
    (kept.store.folder / key).write_bytes(line + b"\n")
    head = read_head(kept.store, kept.store.keys(f"heads/{PLACE}/")[0])

    with pytest.raises(BaseopsError, match="holds no evidence: it"):
        list(records_of(kept.store, head))
    with pytest.raises(BaseopsError, match="holds no evidence: it"):
        newest_records(kept.store, "111111111111", "eu-west-1")


def test_sql_reads_what_verify_reads(kept):
    (key,) = kept.store.keys(f"records/{PLACE}/")
    _, content = proof_of_nobody(kept, "20260108T110000Z-abcdef")
    folder = (kept.store.folder / key).parent
    for name in (".hidden.jsonl", "other.jsonl"):
        (folder / name).write_bytes(content)

    assert query(kept.store, "SELECT verdict FROM evidence").rows == (("refuted",),)


def test_sql_reads_a_folder_with_an_odd_name(bench, drill, account, tmp_path):
    store = open_store(str(tmp_path / "it's [old] *"), account, "eu-west-1")
    bench.run(drill(lambda ctx: [proven("backups.daily")]), store=store)

    assert query(store, "SELECT count(*) FROM evidence").rows == ((1,),)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evidence-signing.pem", b""),
        ("evidence-signing.pem", b"no key"),
        ("evidence-fingerprints.key", b""),
        ("evidence-fingerprints.key", b"short"),
    ],
)
def test_a_key_that_was_not_written_whole_is_not_used(tmp_path, name, content):
    LocalKeys(tmp_path)
    (tmp_path / name).chmod(0o600)
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UsageError, match="Put the file back as it was"):
        LocalKeys(tmp_path)


def test_keys_are_their_owners_alone(tmp_path):
    LocalKeys(tmp_path / "keys")

    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert len(list((tmp_path / "keys").iterdir())) == 2


def test_a_file_with_an_odd_name_stops_no_run(kept, drill, account):
    account.clock.advance(by=timedelta(hours=1))
    for name in (f"records/{PLACE}/date=2026-01-08/a b/20260108T093000Z-abcdef.jsonl", HEAD_OF_NOW.replace("d", "é")):
        odd = kept.store.folder / name
        odd.parent.mkdir(parents=True, exist_ok=True)
        odd.write_bytes(b"{}")

    assert kept.run(drill(lambda ctx: [proven("backups.daily")])).head.unfinished == ()
    assert problems(kept) == {("added", False)}
    (record,) = newest_records(kept.store, "111111111111", "eu-west-1")["backups/toy"]
    assert record["verdict"] == "proven"
    assert query(kept.store, "SELECT count(*) FROM evidence").rows == ((2,),)
