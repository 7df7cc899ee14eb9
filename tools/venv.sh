#!/usr/bin/env bash
# Makes a virtual environment: tools/venv.sh PYTHON FOLDER. Debian keeps `venv` in a package of its own,
# which is installed when we may and named when we may not.
set -euo pipefail
python=$1 folder=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "baseops needs Python 3.11 or newer, and $python is $("$python" --version 2>&1). Run: make PYTHON=python3.11 ..." >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null
    else
        echo "$python has no venv module. Run: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
"$python" -m venv "$folder"
