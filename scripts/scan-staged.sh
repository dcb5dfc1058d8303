#!/usr/bin/env bash
# Searches the next commit's additions for secrets. LEAK_SCAN_ENVIRONMENT names an environment whose live values are
# searched for too (reading them from AWS takes some seconds), LEAK_SCAN_INVENTORY the inventory (default: inventory).
# docs/how-to/scan-a-repository.md says why nothing is kept on disk for this.
set -euo pipefail

top=$(git rev-parse --show-toplevel)
cd "$top"

if [ -n "${LEAK_SCAN_ENVIRONMENT:-}" ]; then
    # Not by its path: Ansible renders extra variables as templates, and others may have chosen the folder's name.
    exec ansible-playbook -i "${LEAK_SCAN_INVENTORY:-inventory}" watchparty.secrets.scan \
        -e "app_environment=$LEAK_SCAN_ENVIRONMENT" -e scan_repositories=. -e scan_staged=true </dev/null
fi
if ! command -v gitleaks >/dev/null; then
    echo "leak-scan: gitleaks is not installed (apt-get install gitleaks, or brew install gitleaks); nothing was scanned." >&2
    exit 1
fi

# gitleaks starts git, which starts programs of a repository's configuration (filters, drivers, monitors). So it reads a
# temporary bare repository that borrows the objects and has a copy of the index. rev-parse starts nothing.
view=$(mktemp -d)
trap 'rm -rf "$view"' EXIT
mkdir -p "$view/objects/info" "$view/refs"
git rev-parse --path-format=absolute --git-path objects >"$view/objects/info/alternates"
git rev-parse -q --verify HEAD >"$view/HEAD" || echo "ref: refs/heads/none" >"$view/HEAD"
printf '[core]\nrepositoryFormatVersion = 1\nbare = true\nfsmonitor = false\nattributesFile = /dev/null\n%s\n' \
    "[extensions]
objectFormat = $(git rev-parse --show-object-format)" >"$view/config"
index=$(git rev-parse --path-format=absolute --git-path index)
for file in "$index" "${index%/*}"/sharedindex.* .gitleaks.toml .gitleaksignore; do
    if [ -f "$file" ]; then
        cp -- "$file" "$view/"
    fi
done
if [ -f "$index" ] && [ "${index##*/}" != index ]; then
    mv -- "$view/${index##*/}" "$view/index"
fi
while IFS='=' read -r name _; do
    case $name in GIT_*) unset "$name" ;; esac
done < <(env)
export GIT_DIR="$view" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1
export GIT_ALLOW_PROTOCOL=none GIT_NO_LAZY_FETCH=1 GIT_TERMINAL_PROMPT=0

if ! gitleaks protect --staged --source "$view" --no-banner --redact --verbose --log-level error >&2; then
    echo "leak-scan: a staged change looks like a secret. If it is a false positive, add the comment gitleaks:allow to its line." >&2
    exit 1
fi
