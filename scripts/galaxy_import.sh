#!/usr/bin/env bash
# Imports the built artifact as Galaxy would. A warning fails. ansible-lint runs on the clone, in the stage lint.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=$PWD/.venv/bin:$PATH GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=true
ansible-galaxy collection build --output-path "$work" >/dev/null
cd "$work"
python -m galaxy_importer.main watchparty-secrets-*.tar.gz 2>&1 | tee log
! grep -E '^(WARNING|ERROR)' log
