#!/usr/bin/env bash
# Makes an environment of its own for each judge and peer: checkov alone would pull boto3 back a year.
#   tools/judges.sh [NAME...]     names of files in tools/judges/; all of them when none is given
# NAME.txt are pins for pip, NAME.npm one package for npm.
# BASEOPS_JUDGES names the folder (default .judges); an environment found there ready-made is taken as it is.
# A judge that cannot be installed is said on stderr, its tests skip with the reason, and the exit code stays 0.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${BASEOPS_JUDGES:-.judges}
python=${PYTHON:-python3}

program() {
    case $1 in
        awscli) echo bin/aws ;;
        axe-core) echo node_modules/axe-core/axe.min.js ;;
        *) echo "bin/$1" ;;
    esac
}

pins() { ls "tools/judges/$1".{txt,npm} 2>/dev/null; }

is_ready() {
    local home=$folder/$1
    [[ -e $home/$(program "$1") ]] || return 1
    [[ ! -e $home/.pins ]] || cmp -s "$(pins "$1")" "$home/.pins"
}

install_into() {
    if [[ $2 == *.npm ]]; then
        npm install --prefix "$1" --ignore-scripts --no-audit --no-fund --no-save "$(<"$2")"
    else
        "$python" -m venv "$1" &&
            "$1/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$2"
    fi
}

make_one() {
    local home=$folder/$1
    rm -rf "$home"
    install_into "$home" "$(pins "$1")" && cp "$(pins "$1")" "$home/.pins"
}

names=("$@")
if ((${#names[@]} == 0)); then
    for file in tools/judges/*.{txt,npm}; do
        name=$(basename "$file")
        names+=("${name%.*}")
    done
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
