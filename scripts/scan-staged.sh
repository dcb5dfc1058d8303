#!/usr/bin/env bash
# Looks for secrets in what the next commit would add. LEAK_SCAN_ENVIRONMENT names an environment whose live values are
# looked for too (they are read from AWS, so it takes some seconds), LEAK_SCAN_INVENTORY the inventory (default: inventory).
# docs/scanning.md says why nothing is kept on disk for this.
set -euo pipefail

top=$(git rev-parse --show-toplevel)
cd "$top"

if [ -n "${LEAK_SCAN_ENVIRONMENT:-}" ]; then
    exec ansible-playbook -i "${LEAK_SCAN_INVENTORY:-inventory}" watchparty.secrets.scan \
        -e "app_environment=$LEAK_SCAN_ENVIRONMENT" -e "repository=$top" -e scan_staged=true </dev/null
fi
if ! command -v gitleaks >/dev/null; then
    echo "leak-scan: gitleaks is not installed (apt-get install gitleaks, or brew install gitleaks); nothing was looked at." >&2
    exit 1
fi
if ! gitleaks protect --staged --source "$top" --no-banner --redact --verbose --log-level error >&2; then
    echo "leak-scan: what is staged looks like a secret. If it is none: a comment gitleaks:allow on its line." >&2
    exit 1
fi
