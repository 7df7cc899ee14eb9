"""The sandbox beside plain moto: 1,200 calls in-process and over HTTP, start included. Run: python bench/sandbox.py."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from paired import paired, show

PEERS = Path(__file__).with_name("peers")


def start() -> None:
    """CPU seconds until an account is open, and until a first call of a service has been answered."""
    begun = time.process_time()
    from baseops.sandbox.account import open_account

    imported = time.process_time()
    with open_account() as account:
        opened = time.process_time()
        print(
            f"import {imported - begun:.2f} s, open {opened - imported:.2f} s CPU; first client and call of a service:"
        )
        for service, operation in (("sts", "get_caller_identity"), ("logs", "describe_log_groups"),
                                   ("ec2", "describe_volumes"), ("ssm", "describe_parameters"),
                                   ("s3", "list_buckets"), ("iam", "list_roles")):  # fmt: skip
            before = time.process_time()
            getattr(account.client(service), operation)()
            middle = time.process_time()
            for _ in range(300):
                getattr(account.client(service), operation)()
            rate = 300 / (time.process_time() - middle)
            print(f"  {service:12} {1000 * (middle - before):4.0f} ms, then {rate:5.0f} calls per CPU s")


def main() -> None:
    start()
    os.environ["AWS_CONFIG_FILE"] = os.devnull
    commands = {
        f"{name} {way}": [sys.executable, str(PEERS / script), way]
        for way in ("process", "http")
        for name, script in (("moto", "moto_calls.py"), ("baseops sandbox", "sandbox_calls.py"))
    }
    found = paired(commands, rounds=3)
    show(found[:2], "moto process")
    show(found[2:], "moto http")


if __name__ == "__main__":
    main()
