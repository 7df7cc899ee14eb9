#!/usr/bin/env bash
# Makes an environment of its own for each judge and peer: checkov alone would pull boto3 back a year.
#   tools/judges.sh [NAME...]     names of files in tools/judges/; all of them when none is given
# BASEOPS_JUDGES names the folder (default .judges); an environment found there ready-made is taken as it is.
# A judge that cannot be installed is said on stderr, its tests skip with the reason, and the exit code stays 0.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${BASEOPS_JUDGES:-.judges}
python=${PYTHON:-python3}

program() { case $1 in awscli) echo aws ;; *) echo "$1" ;; esac; }

is_ready() {
    local home=$folder/$1
    [[ -x $home/bin/$(program "$1") ]] || return 1
    [[ ! -e $home/.pins ]] || cmp -s "tools/judges/$1.txt" "$home/.pins"
}

make_one() {
    local home=$folder/$1
    rm -rf "$home"
    "$python" -m venv "$home" &&
        "$home/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "tools/judges/$1.txt" &&
        cp "tools/judges/$1.txt" "$home/.pins"
}

names=("$@")
if ((${#names[@]} == 0)); then
    for pins in tools/judges/*.txt; do names+=("$(basename "$pins" .txt)"); done
fi
mkdir -p "$folder"
for name in "${names[@]}"; do
    is_ready "$name" && continue
    echo "judges: installing $name in $folder/$name" >&2
    if ! make_one "$name" >"$folder/$name.log" 2>&1; then
        rm -rf "${folder:?}/$name"
        echo "judges: $name cannot be installed here, its tests will be skipped; see $folder/$name.log" >&2
    fi
done
