"""Which of 10,000 volumes have no snapshot of the last day: `baseops backups coverage` beside Cloud Custodian.

Run: python bench/coverage.py [VOLUMES]. Both ask a local EC2 query server (`fleet_server.py`); CPU seconds are of the
client's process alone, start included, paired in turns. c7n is looked for in `.judges/c7n` or BASEOPS_C7N (make it:
python -m venv .judges/c7n && .judges/c7n/bin/pip install c7n). Targets: at most 20 + S/1000 calls (S: snapshots of the
promise's window), a quarter of c7n's CPU seconds.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fleet_server import STALE_EVERY, Fleet, fleet

ROUNDS = 3
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
POLICY = {
    "policies": [
        {
            "name": "no-recent-snapshot",
            "resource": "aws.ebs",
            "filters": [
                {
                    "not": [
                        {
                            "type": "snapshots",
                            "attrs": [
                                {
                                    "type": "value",
                                    "key": "StartTime",
                                    "value_type": "age",
                                    "value": 1,
                                    "op": "less-than",
                                }
                            ],
                        }
                    ]
                }
            ],
        }
    ]
}


def custodian() -> Path | None:
    places = [os.environ.get("BASEOPS_C7N", ""), str(Path(__file__).parents[1] / ".judges" / "c7n")]
    found = (Path(each) / "bin" / "custodian" for each in places if each)
    return next((each for each in found if each.exists()), None)


def cpu(command: Sequence[str], server: Fleet, allowed: tuple[int, ...] = (0,)) -> tuple[float, int, str]:
    """CPU seconds, calls and output of one run."""
    server.calls.clear()
    environment = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": server.url}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in allowed:
        raise SystemExit(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr[-2000:]}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, sum(server.calls.values()), done.stdout


def main() -> None:
    volumes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    stale = len(range(0, volumes, STALE_EVERY))
    peer = custodian()
    with fleet(volumes) as server, tempfile.TemporaryDirectory(prefix="baseops-bench-") as folder:
        policy = Path(folder) / "policy.json"
        policy.write_text(json.dumps(POLICY))
        ours = [sys.executable, "-m", "baseops", "backups", "coverage", "--max-age", "24h", "-o", "json"]
        ours += ["--endpoint-url", server.url]
        theirs = [str(peer), "run", "-s", folder, "--cache-period", "0", "--region", "us-east-1", str(policy)]
        mine, others = [], []
        for turn in range(ROUNDS + 1):  # the first warms the caches
            seconds, calls, said = cpu(ours, server, (0, 3))
            late = sum(each["state"] == "late" for each in json.loads(said)["volumes"])
            if late != stale:
                raise SystemExit(f"baseops found {late} volumes late, {stale} are")
            mine += [seconds] if turn else []
            if peer:
                seconds, their_calls, _ = cpu(theirs, server)
                found = len(json.loads((Path(folder) / "no-recent-snapshot" / "resources.json").read_text()))
                if found != stale:
                    raise SystemExit(f"c7n found {found} volumes, {stale} are stale")
                others += [seconds] if turn else []
    print(f"{volumes} volumes, {stale} without a snapshot of the last day")
    most = 20 + volumes // 1000
    print(f"baseops backups coverage {statistics.median(mine):8.2f} CPU s {calls:6} calls (at most {most})")
    if peer:
        ratio = statistics.median(one / other for one, other in zip(mine, others, strict=True))
        print(f"c7n                      {statistics.median(others):8.2f} CPU s {their_calls:6} calls")
        print(f"baseops / c7n            {ratio:8.2f} (at most 0.25)")
    else:
        print("c7n is not installed: .judges/c7n")


if __name__ == "__main__":
    main()
