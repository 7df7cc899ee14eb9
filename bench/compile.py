"""Validating and compiling 100 log groups with filter and alarm and a DLM policy, beside `cdk synth` of the same.

Run: python bench/compile.py [ROUNDS]. The peer needs npm: it is set up once in .judges/cdk (aws-cdk@2, aws-cdk-lib).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from paired import paired, show

BASEOPS = str(Path(sys.executable).with_name("baseops"))
COUNT = 100
PEER = Path(os.environ.get("BASEOPS_JUDGES", ".judges")).resolve() / "cdk"
APP = Path(__file__).resolve().with_name("peers") / "cdk_app.py"


def declaration() -> str:
    groups = "".join(
        f"""
  svc{number}:
    group: {{name: /app/svc{number}, retention_days: 30}}
    metrics: {{Errors: {{pattern: '{{ $.status >= {400 + number} }}'}}}}
    alarms: {{errors: {{metric: Errors, threshold: 5}}}}"""
        for number in range(COUNT)
    )
    return f"""version: 1
name: bench
accounts: ["111111111111"]
region: eu-west-1
logs:{groups}
backups:
  daily:
    target: {{resource: volume, tags: {{Backup: daily}}}}
    schedule: {{interval: 24h, time: "03:00"}}
    retain: {{count: 30}}
    promise: {{rpo: 30h}}
"""


def set_up_peer() -> list[str]:
    python = PEER / "v" / "bin" / "python"
    cdk = PEER / "node_modules" / ".bin" / "cdk"
    if not cdk.exists():
        print(f"setting up the AWS CDK in {PEER} (once)", file=sys.stderr)
        PEER.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(PEER / "v")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "aws-cdk-lib"], check=True)
        subprocess.run(["npm", "install", "--silent", "aws-cdk@2"], cwd=PEER, check=True)
    return [str(cdk), "synth", "-q", "--app", f"{python} {APP}"]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "baseops.yaml"
        path.write_text(declaration())
        ours = [BASEOPS, "compile", "-f", str(path), "-d", f"{folder}/out"]
        theirs = [*set_up_peer(), "-o", f"{folder}/cdk.out"]
        found = paired({"baseops compile (checks, then compiles)": ours, "cdk synth": theirs}, rounds)
        show(found, "cdk synth")


if __name__ == "__main__":
    main()
