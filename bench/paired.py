"""Runs commands in turns and compares their CPU seconds; what the other scripts of this folder share."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """User and system seconds of a whole process with its children: each run, in the order of the runs."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def cpu_seconds(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    # An installed package has its bytecode; without it every run would compile the sources anew.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, env={**inherited, **(environment or {})}
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr.decode()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def paired(commands: Mapping[str, Sequence[str]], rounds: int) -> list[Measured]:
    """Every command once in each round, so that what else the machine does falls on all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        cpu_seconds(command)  # warm the caches
    for _ in range(rounds):
        for name, command in commands.items():
            seconds[name].append(cpu_seconds(command))
    return [Measured(name, tuple(each)) for name, each in seconds.items()]


def show(measured: Sequence[Measured], base: str) -> None:
    """A line for each: median CPU seconds, and the median of the paired ratios to `base`."""
    reference = next(each for each in measured if each.name == base)
    for each in measured:
        ratios = [mine / theirs for mine, theirs in zip(each.seconds, reference.seconds, strict=True)]
        print(f"{each.name:44} {each.median:8.3f} CPU s   {statistics.median(ratios):7.2f} x {base}")
