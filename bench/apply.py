"""The acme declaration applied to a fresh sandbox account, start included: CPU and wall seconds of the whole process.

Run: python bench/apply.py [ROUNDS]. There is no peer: moto's CloudFormation has no model of many of acme's types, among
them alarms, metric filters, DLM policies, image pipelines, secrets and SES identities.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from paired import cpu_seconds

DECLARATION = Path(__file__).resolve().parent.parent / "examples" / "acme" / "baseops.yaml"
START = "start"
"""The argument with which the script runs itself: one apply in a process of its own."""


def apply_once(declaration_path: Path) -> None:
    """Says where the CPU seconds go, from the first import on."""
    begun = time.process_time()
    from baseops.sandbox.account import open_account
    from baseops.workflow.apply import apply
    from baseops.workflow.compile import compile_declaration, sections
    from baseops.workflow.load import load, load_lock

    declaration = load(declaration_path)
    lap = _said("imports and load", begun)
    site = declaration.site
    with open_account(site.accounts[0], site.region) as account:
        lap = _said("sandbox start", lap)
        lock = load_lock(declaration)
        for area, section in sections(declaration):
            area.world.build(section, account, site)
            lock = area.account.complete_lock(section, lock, account)
        compiled = compile_declaration(declaration, lock)
        lap = _said("world and compile", lap)
        calls: list[str] = []
        account.record(lambda *_: calls.append(""))
        result = apply(compiled, account, account.clock)
        _said(f"apply ({len(result.stacks)} stacks, {len(calls)} calls)", lap)


def _said(name: str, since: float) -> float:
    now = time.process_time()
    print(f"  {name:44} {now - since:8.3f} CPU s")
    return now


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    command = [sys.executable, __file__, START]
    cpu: list[float] = []
    wall: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        cpu.append(cpu_seconds(command))
        wall.append(time.perf_counter() - begun)
    print(f"acme on a fresh sandbox: {statistics.median(cpu):.2f} CPU s, {statistics.median(wall):.2f} s of wall clock")
    print(f"({os.cpu_count()} cores; no peer). Where one run spent its CPU seconds:")
    subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1:] == [START]:
        apply_once(DECLARATION)
    else:
        main()
