#!/usr/bin/env bash
# Builds the documentation's site in build/docs/html. A dead link or anchor fails it.
set -euo pipefail
cd "$(dirname "$0")/.."

source=build/docs/source
rm -rf build/docs
mkdir -p "$source/plugins"
cp README.md "$source/index.md"
cp -r CONTRIBUTING.md CODE_OF_CONDUCT.md SECURITY.md docs "$source/"
PATH=$PWD/.venv/bin:$PATH ANSIBLE_COLLECTIONS_PATH=playbooks/collections .venv-docs/bin/antsibull-docs \
    collection --use-current --fail-on-error --squash-hierarchy --dest-dir "$source/plugins" watchparty.secrets
.venv-docs/bin/sphinx-build --quiet --fail-on-warning -c docs "$source" build/docs/html
.venv-docs/bin/python scripts/check_site.py build/docs/html
