"""Any single byte of a store that is altered, and any single file that is removed, is found and named."""

import base64
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseops.contract.drill import proven, refuted
from baseops.errors import NotFoundError
from baseops.evidence import resources
from baseops.evidence.records import run_of
from baseops.evidence.store import open_store
from baseops.evidence.sweep import Sweeper
from baseops.evidence.verify import Verifier


class InMemoryStore:
    """A store that is cheap to copy and to alter."""

    url = "memory"

    def __init__(self, files):
        self.files = dict(files)

    def read(self, key):
        try:
            return self.files[key]
        except KeyError:
            raise NotFoundError(key) from None

    def keys(self, prefix):
        return sorted(key for key in self.files if key.startswith(prefix))


def make_a_volume(ctx):
    ec2 = ctx.clients.client("ec2")
    ctx.journal.create(
        resources.volume("eu-west-1"),
        lambda mark: ec2.create_volume(
            AvailabilityZone="eu-west-1a",
            Size=1,
            TagSpecifications=[{"ResourceType": "volume", "Tags": mark.tag_list}],
        )["VolumeId"],
    )
    yield proven("backups.restore", "caf\u00e9", measures={"seconds": 1.5})


@pytest.fixture
def kept(bench, drill, account, killed, tmp_path):
    """A store with a run, one that died and was swept, and two more."""

    def die(ctx):
        yield from make_a_volume(ctx)
        raise killed

    def run():
        bench.run(
            drill(lambda ctx: [proven("backups.daily"), refuted("backups.daily/vol-1", "it is too old")]),
            drill(make_a_volume, name="backups/restore", targets=("backups.restore",), drill_class="exercise"),
            every=timedelta(days=1, hours=1),
        )
        account.clock.advance(by=timedelta(hours=8))

    run()
    bench.crash(drill(die, drill_class="exercise"))
    run()
    Sweeper(account, account.clock, "111111111111", bench.setup.site, bench.store, tmp_path / "elsewhere").sweep()
    run()
    return bench


def copied(bench):
    return {key: bench.store.read(key) for key in bench.store.keys("") if not key.startswith("lock/")}


def verified(bench, store):
    now = bench.account.clock.now() + timedelta(seconds=1)
    return Verifier(store, [bench.keys], "111111111111", "eu-west-1", now).verify()


def test_the_store_holds_every_kind_of_file(kept):
    files = copied(kept)

    assert {key.partition("/")[0] for key in files} == {"heads", "journal", "records"}
    assert len([key for key in files if "-swept-" in key]) == 1
    assert {each.kind for each in verified(kept, InMemoryStore(files)).problems} == {"unfinished"}


def test_any_altered_byte_is_found_and_named(kept):
    files = copied(kept)

    @settings(max_examples=150)
    @given(st.data())
    def holds(data):
        key = data.draw(st.sampled_from(sorted(files)))
        content = bytearray(files[key])
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))

        found = verified(kept, InMemoryStore({**files, key: bytes(content)}))

        assert not found.is_sound
        assert key in {each.key for each in found.problems if not each.is_note}

    holds()


@pytest.mark.slow
def test_every_altered_bit_of_every_file_is_found(kept):
    files = copied(kept)

    for key, content in files.items():
        for place in range(len(content)):
            altered = content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]
            assert not verified(kept, InMemoryStore({**files, key: altered})).is_sound, (key, place)


def test_the_unused_bits_of_a_signature_are_looked_at(kept):
    """Base64 may end in bits that stand for nothing."""
    files = copied(kept)
    key = max(key for key in files if key.startswith("heads/"))
    (value,) = [part for part in files[key].split(b'"') if part.startswith(b"ME")]
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = len(value.rstrip(b"=")) - 1
    same = [bytes([each]) for each in letters if value[:last] + bytes([each]) + value[last + 1 :] != value]
    forged = [value[:last] + each + value[last + 1 :] for each in same]
    meaning_the_same = [each for each in forged if base64.b64decode(each) == base64.b64decode(value)]

    for each in meaning_the_same:
        assert not verified(kept, InMemoryStore({**files, key: files[key].replace(value, each)})).is_sound


def test_any_removed_file_is_found_and_named(kept):
    files = copied(kept)
    newest = max(key for key in files if key.startswith("heads/"))

    for key in files:
        if "-swept-" in key:
            continue  # what a sweep wrote down is looked at again by the next sweep
        found = verified(kept, InMemoryStore({other: files[other] for other in files if other != key}))
        if key == newest:
            # Nothing knows of the newest run but the lock and the schedule; its files lie about.
            assert {each.kind for each in found.problems} == {"unfinished"}
        else:
            assert not found.is_sound, key
            assert {run_of(key), key} & {name for each in found.problems for name in (each.run, each.key)}


@pytest.mark.parametrize("top", ["heads", "journal", "records"])
def test_an_altered_byte_is_found_in_a_bucket(kept, account, top):
    s3 = account.client("s3")
    s3.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    store = open_store("s3://evidence", account, "eu-west-1")
    for key, content in copied(kept).items():
        store.put_new(key, content)
    assert verified(kept, store).is_sound
    key = store.keys(top)[0]
    content = store.read(key)
    s3.put_object(Bucket="evidence", Key=key, Body=content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])

    assert key in {each.key for each in verified(kept, store).problems if not each.is_note}
