"""Apply killed at random moments against a served account: whatever is left, the next run converges."""

import random
import signal
import subprocess
import time

import pytest

FIRST_HEARD = 0.6
LONGEST = 10.0


def kill_apply(sandbox, declaration: str, after: float, how: int) -> int:
    running = sandbox.start("apply", "-f", declaration, "-y")
    try:
        running.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        running.send_signal(how)
        running.communicate()
    return running.returncode


def converges(sandbox, declaration: str) -> None:
    sandbox.run("apply", "-f", declaration, "-y")
    sandbox.run("plan", "-f", declaration, "--exit-code")
    sandbox.run("status", "-f", declaration)


def moments(count: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [round(chance.uniform(FIRST_HEARD, LONGEST), 2) for _ in range(count)]


@pytest.mark.parametrize("after", [2.5, 5.0])
def test_apply_killed_is_picked_up_by_the_next(served, declaration, after):
    with served("--speed", "30") as sandbox:
        kill_apply(sandbox, declaration, after, signal.SIGKILL)
        converges(sandbox, declaration)


@pytest.mark.slow
@pytest.mark.parametrize("after", moments(10, seed=20261123))
def test_apply_killed_at_any_moment_is_picked_up_by_the_next(served, declaration, after):
    with served("--speed", "30") as sandbox:
        kill_apply(sandbox, declaration, after, signal.SIGKILL)
        converges(sandbox, declaration)


def test_ctrl_c_says_so_exits_130_and_loses_nothing(served, declaration):
    with served("--speed", "30") as sandbox:
        running = sandbox.start("apply", "-f", declaration, "-y")
        time.sleep(3)  # noqa: TID251  # a person's moment
        running.send_signal(signal.SIGINT)
        _, told = running.communicate()
        assert running.returncode == 130
        assert "interrupted" in told
        assert "Traceback" not in told
        converges(sandbox, declaration)
