"""Start-up: `baseops --help` and `--version` beside a click program that says hello. Run: python bench/startup.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from paired import paired, show

BASEOPS = str(Path(sys.executable).with_name("baseops"))
HELLO = str(Path(__file__).with_name("peers") / "click_hello.py")


def heavy_modules() -> set[str]:
    code = """\
import atexit, sys
sys.argv = ["baseops", "--help"]
atexit.register(lambda: sys.stderr.write(" ".join(sys.modules)))
from baseops.cli.main import main
main()
"""
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stderr.split()
    return {"boto3", "botocore", "pydantic", "rich", "yaml"} & set(loaded)


def main() -> None:
    hello = [sys.executable, HELLO, "--help"]
    found = paired(
        {
            "click hello --help": hello,
            "baseops --help": [BASEOPS, "--help"],
            "baseops --version": [BASEOPS, "--version"],
        },
        rounds=15,
    )
    show(found, "click hello --help")
    print(f"heavy modules loaded by --help: {', '.join(sorted(heavy_modules())) or 'none'}")


if __name__ == "__main__":
    main()
