"""`baseops backups …` on images and against a served account: what is printed where, files written, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from baseops.areas.backups.operate.cp import mode_bits
from baseops.cli.main import cli
from baseops.errors import BaseopsError, SnapshotError, UsageError, VerdictError
from baseops.sandbox.account import Account, open_account
from baseops.sandbox.faults import Fault
from baseops.sandbox.server import Server
from baseops.sandbox.volumes import attach_image
from baseops.snapshots import open as baseops_open


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["backups", *map(str, arguments)])


def answer(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "-o", "json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def error(*arguments: str | Path) -> BaseopsError:
    result = run(*arguments)
    assert isinstance(result.exception, BaseopsError), result.output
    return result.exception


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("tree")
    (top / "etc").mkdir()
    (top / "etc/fstab").write_bytes(b"/dev/xvda1 / ext4\n")
    (top / "data").mkdir()
    (top / "data/large").write_bytes(os.urandom(1 << 20) * 3)
    (top / "data/link").symlink_to("../etc/fstab")
    with (top / "data/sparse").open("wb") as file:
        file.seek(8 << 20)
        file.write(b"end")
    os.link(top / "etc/fstab", top / "data/hard")
    (top / "etc/fstab").chmod(0o640)
    os.utime(top / "etc/fstab", (1_700_000_000, 1_700_000_000))
    return top


@pytest.fixture(scope="module")
def make(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    def image(top: Path) -> Path:
        if shutil.which("mke2fs") is None:
            pytest.skip("mke2fs is not installed here")
        path = tmp_path_factory.mktemp("image") / "disk.img"
        subprocess.run(
            ["mke2fs", "-q", "-t", "ext4", "-d", str(top), str(path), "24M"], check=True, capture_output=True
        )
        return path

    return image


@pytest.fixture(scope="module")
def image(make: Callable[[Path], Path], tree: Path) -> Path:
    return make(tree)


def test_ls_of_a_device_lists_what_is_on_it(image: Path):
    (volume,) = answer("ls", image)["volumes"]

    assert (volume["volume"], volume["kind"], volume["readable"]) == ("0", "ext4", True)


def test_ls_of_a_directory(image: Path):
    found = answer("ls", f"{image}:/data")

    assert found["schema"] == "baseops/backups-ls/1"
    assert [(each["path"], each["kind"]) for each in found["entries"]] == [
        ("/data/hard", "file"),
        ("/data/large", "file"),
        ("/data/link", "symlink"),
        ("/data/sparse", "file"),
    ]
    assert found["not_replayed"] == []
    assert set(found) >= {"blocks_read", "requests", "bytes", "cost_usd", "filesystem", "journal"}
    assert "fstab" in run("ls", f"{image}:/etc").stdout


def test_cat_prints_the_bytes_alone(image: Path):
    result = run("cat", f"{image}:/etc/fstab")

    assert result.stdout_bytes == b"/dev/xvda1 / ext4\n"
    assert "blocks" in result.stderr


def test_cp_of_a_file_keeps_mode_and_time(image: Path, tmp_path: Path):
    found = answer("cp", f"{image}:/etc/fstab", tmp_path)

    assert found["copies"][0]["files"] == 1
    copy = tmp_path / "fstab"
    assert copy.read_bytes() == b"/dev/xvda1 / ext4\n"
    assert (copy.stat().st_mode & 0o7777, int(copy.stat().st_mtime)) == (0o640, 1_700_000_000)
    assert [each.name for each in tmp_path.iterdir()] == ["fstab"]


def test_cp_of_a_tree_keeps_holes_and_links(image: Path, tree: Path, tmp_path: Path):
    answer("cp", "-r", "-p", f"{image}:/", tmp_path)

    assert (tmp_path / "data/large").read_bytes() == (tree / "data/large").read_bytes()
    assert (tmp_path / "data/link").readlink() == Path("../etc/fstab")
    assert (tmp_path / "data/hard").samefile(tmp_path / "etc/fstab")
    sparse = (tmp_path / "data/sparse").stat()
    assert sparse.st_size == (8 << 20) + 3
    assert sparse.st_blocks * 512 < 1 << 20


def test_cp_goes_on_where_it_was(image: Path, tmp_path: Path):
    answer("cp", "-r", f"{image}:/data", tmp_path)
    (tmp_path / "data/large").unlink()

    (again,) = answer("cp", "-r", "--resume", f"{image}:/data", tmp_path)["copies"]

    assert (again["files"], again["kept"]) == (1, 2)


def test_cp_of_a_directory_has_to_be_asked_for(image: Path, tmp_path: Path):
    assert isinstance(error("cp", f"{image}:/data", tmp_path), UsageError)
    assert isinstance(error("cp", f"{image}:/etc/fstab", f"{image}:/data/large", tmp_path / "none"), UsageError)


def test_cp_follows_no_link_that_is_there_already(image: Path, tmp_path: Path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / "data").symlink_to(outside)

    error("cp", "-r", f"{image}:/data", inside)

    assert list(outside.iterdir()) == []


def test_a_full_disk_leaves_no_half_file(image: Path, tmp_path: Path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20));"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    program = f"{limit}{ignore} import sys; from baseops.cli.main import main; main(sys.argv[1:])"
    for arguments in (["cp", f"{image}:/data/large", tmp_path / "large"], ["export", image, tmp_path / "large"]):
        command = [sys.executable, "-c", program, "backups", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert done.returncode == 1
        assert "cannot write" in done.stderr
        assert not (tmp_path / "large").exists()


def test_an_unwritable_target_is_an_error(image: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")

    found = error("cp", f"{image}:/etc/fstab", tmp_path / "file" / "fstab")

    assert isinstance(found, SnapshotError)
    assert "cannot write" in found.what


def test_find_by_name_and_size(image: Path):
    assert run("find", f"{image}:/", "--name", "f*").stdout == "/etc/fstab\n"
    assert [each["path"] for each in answer("find", f"{image}:/", "--larger", "5000000")["entries"]] == ["/data/sparse"]
    assert run("find", f"{image}:/", "--kind", "symlink", "-0").stdout_bytes == b"/data/link\0"


def test_diff_by_file(image: Path, make: Callable[[Path], Path], tree: Path, tmp_path: Path):
    other = tmp_path / "tree"
    shutil.copytree(tree, other, symlinks=True)
    (other / "etc/fstab").write_bytes(b"/dev/xvda1 / xfs4\n")
    (other / "new").write_bytes(b"")
    (other / "data/link").unlink()
    (other / "data/large").chmod(0o600)

    found = answer("diff", image, make(other))

    assert [(each["path"], each["change"], each["what"]) for each in found["differences"]] == [
        ("/data/large", "changed", ["mode"]),
        ("/data/link", "removed", []),
        ("/etc/fstab", "changed", ["content"]),
        ("/new", "added", []),
    ]


def test_verify_writes_a_manifest_that_sha256sum_takes(image: Path, tree: Path, tmp_path: Path):
    found = answer("verify", image, "--manifest", tmp_path / "hashes")

    assert found["is_sound"] is True
    assert found["files"] == 4
    lines = (tmp_path / "hashes").read_text().replace("  /", "  ")
    done = subprocess.run(["sha256sum", "-c", "-"], input=lines, text=True, cwd=tree, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_verify_of_a_damaged_image_is_a_negative_verdict(image: Path, tmp_path: Path):
    damaged = tmp_path / "damaged.img"
    shutil.copy(image, damaged)
    with damaged.open("r+b") as file:
        file.seek(1024 + 88)
        file.write(b"\x07\x00")

    assert isinstance(error("verify", damaged), VerdictError)


def test_export_of_an_image_is_equal_and_sparse(image: Path, tmp_path: Path):
    answer("export", image, tmp_path / "copy.img")

    assert (tmp_path / "copy.img").read_bytes() == image.read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == ["copy.img"]
    assert isinstance(error("export", image, tmp_path / "copy.img"), UsageError)


def test_an_image_that_is_not_there():
    assert "cannot open the image" in error("ls", "none.img:/").what


def test_a_file_system_that_is_not_there(image: Path):
    assert "there is no @7" in error("ls", f"{image}@7:/").what


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    # A thousand times as fast: an hour's snapshot takes seconds.
    with open_account(speed=1000) as account, Server(account) as server:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        monkeypatch.setenv("AWS_DEFAULT_REGION", account.region)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield account


@pytest.fixture
def snapshot(served: Account, image: Path) -> str:
    ec2 = served.client("ec2")
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "web"}]}]
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)["VolumeId"]
    attach_image(served.folder, volume, image)
    made = str(ec2.create_snapshot(VolumeId=volume)["SnapshotId"])
    while ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]["State"] != "completed":
        time.sleep(0.05)  # noqa: TID251  # the account runs on real time
    return made


def test_files_come_over_http_and_cost_little(snapshot: str, tmp_path: Path):
    found = answer("cp", f"{snapshot}:/etc/fstab", tmp_path)

    assert (tmp_path / "fstab").read_bytes() == b"/dev/xvda1 / ext4\n"
    assert 0 < found["cost_usd"] < 0.001
    assert found["requests"] <= 12


def test_faults_on_the_way_change_nothing(served: Account, snapshot: str, image: Path, tmp_path: Path):
    served.faults.add(Fault("ebs", "GetSnapshotBlock", error="InternalServerException", status=500, probability=0.05))
    served.faults.add(Fault("ebs", "GetSnapshotBlock", drop="response", probability=0.05))

    answer("export", "latest:tag=Name=web", tmp_path / "copy.img")

    with (tmp_path / "copy.img").open("rb") as file:
        assert file.read(24 << 20) == image.read_bytes()
    assert (tmp_path / "copy.img").stat().st_size == 1 << 30


def test_list_restore_and_coverage(snapshot: str):
    (listed, *_) = answer("list")["snapshots"]
    assert (listed["snapshot_id"], listed["state"]) == (snapshot, "completed")

    restored = answer("restore", snapshot, "--zone", "eu-west-1a", "--yes", "--volume-tag", "Team=web")
    assert restored["size_gib"] == 1

    found = answer("coverage", "--max-age", "48h")
    states = {each["volume_id"]: each["state"] for each in found["volumes"]}
    assert states[listed["volume_id"]] == "covered"
    assert states[restored["volume_id"]] == "new"
    assert found["requests"] == 2


def test_a_restore_asks_first(snapshot: str):
    assert "no terminal" in error("restore", snapshot, "--zone", "eu-west-1a").why


DECLARATION = """version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
regions: [us-east-1]
backups:
  daily:
    target: {resource: volume, tags: {Name: web}}
    schedules:
      day: {schedule: {interval: 24h, time: "03:00"}, retain: {count: 7}, copies: [{region: us-east-1, retain: 3d}]}
      week: {schedule: {cron: "0 3 ? * SUN *"}, retain: {count: 4}}
    promise: {rpo: 30h, copy_rpo: 40h}
"""


def test_coverage_of_a_declaration(snapshot: str, tmp_path: Path):
    (tmp_path / "baseops.yaml").write_text(DECLARATION)

    found = answer("coverage", "-f", tmp_path / "baseops.yaml")

    assert {each["state"] for each in found["volumes"]} <= {"covered", "unprotected"}
    assert [each["protected_by"] for each in found["volumes"] if each["name"] == "web"] == [["daily"]]
    assert found["volumes"][0]["state"] == "unprotected" or len(found["volumes"]) == 1


def test_a_forecast_tells_of_overlaps_copies_and_costs(tmp_path: Path):
    (tmp_path / "baseops.yaml").write_text(DECLARATION)

    found = answer("forecast", "-f", tmp_path / "baseops.yaml", "--days", "56", "--volumes", "10", "--gib", "100")

    (daily,) = found["backups"]
    last = daily["days"][-1]
    # Seven days' snapshots, of which Sunday's belongs to the week; four weeks'. Ten volumes.
    assert last["snapshots"] == (7 + 4) * 10
    assert last["copies"] == [["us-east-1", 30]]
    assert daily["overlaps"] == 8
    assert last["usd_per_month"] > 10 * 2 * 100 * 0.05


@pytest.mark.parametrize(
    "verb", ["list", "ls", "cat", "cp", "find", "diff", "verify", "export", "restore", "coverage", "forecast"]
)
def test_every_verb_has_help_with_an_example(verb: str):
    result = run(verb, "--help")

    assert result.exit_code == 0
    assert f"baseops backups {verb}" in result.output


def test_find_by_a_day_begins_with_that_day(image: Path):
    def names(*options: str) -> set[str]:
        return {each["path"] for each in answer("find", f"{image}:/", "--kind", "file", *options)["entries"]}

    with baseops_open(image) as snapshot:
        entry = next(each for each in snapshot.walk() if each.kind == "file")
    day = entry.stat.modified.strftime("%Y-%m-%d")
    assert entry.path in names("--newer", day)
    assert entry.path not in names("--older", day)


def test_a_glob_with_two_double_stars_names_each_file_once(image: Path):
    with baseops_open(image) as snapshot:
        found = [each.path for each in snapshot.glob("/**/*/**/*")]
    assert len(found) == len(set(found)) > 0


def test_a_copy_that_is_not_its_owners_runs_nothing_with_its_users_rights():
    assert (mode_bits(0), mode_bits(1000)) == (0o7777, 0o1777)
