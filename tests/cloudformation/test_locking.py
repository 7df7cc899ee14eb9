from baseops.cloudformation.locking import advanced
from baseops.contract.lock import Lock, LockedComponent
from baseops.contract.needs import Needs


def test_a_content_keeps_its_version_and_a_new_one_takes_the_next():
    lock = Lock(components={"web": {"harden": LockedComponent("1.0.4", "old"), "agent": LockedComponent("1.0.0", "a")}})
    found = advanced(lock, [Needs(components={"web": {"harden": "new", "agent": "a", "nginx": "n"}})])
    assert found.components == {
        "web": {
            "harden": LockedComponent("1.0.5", "new"),
            "agent": LockedComponent("1.0.0", "a"),
            "nginx": LockedComponent("1.0.0", "n"),
        }
    }


def test_a_fingerprint_is_kept_even_when_nobody_needs_it_any_more():
    lock = Lock(frozen={"secrets/db": "first"})
    assert advanced(lock, [Needs(frozen={"secrets/db": "second", "secrets/api": "x"})]).frozen == {
        "secrets/db": "first",
        "secrets/api": "x",
    }
