#!/usr/bin/env bash
# Runs `ansible-test sanity` on the built artifact.
#
#   scripts/sanity.sh [ENVIRONMENT [ansible-test options]]     (default: .venv)
#
# IMPORT_WITH=oldest makes the import test use only this machine's oldest Python.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=$PWD/${1:-.venv}
shift $(($# > 0 ? 1 : 0))

# ansible-test keeps its environments in HOME: the project's own leaves the user's alone.
user_home=$HOME
export HOME=$PWD/build/sanity-home/${environment##*/}
export ANSIBLE_HOME=$HOME/.ansible PIP_CACHE_DIR=${PIP_CACHE_DIR:-$user_home/.cache/pip} PIP_DISABLE_PIP_VERSION_CHECK=1
unset ANSIBLE_COLLECTIONS_PATH PYTHONPATH

# `--venv` downloads a script that installs pip unless it finds one here. Our own pip, or Python, can do the same.
data=$("$environment/bin/python" -c 'import ansible_test, os; print(os.path.dirname(ansible_test.__file__))')
pip=$(sed -n "s/^ *pip='\([0-9.]*\)',\$/\1/p" "$data/_internal/python_requirements.py")
mkdir -p "$ANSIBLE_HOME/test/cache"
cat >"$ANSIBLE_HOME/test/cache/get_pip_${pip//./_}.py" <<EOF
import subprocess
import sys

install = ["install", "--quiet", "--disable-pip-version-check", "pip==$pip"]
if subprocess.call(["$environment/bin/python", "-m", "pip", "--python", sys.executable] + install):
    subprocess.check_call([sys.executable, "-m", "ensurepip"])
    subprocess.check_call([sys.executable, "-m", "pip"] + install)
EOF

# The tree stands outside the clone: ansible-test asks the Git repository around it for files, and it would ignore build/.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ansible-test runs every pythonX.Y that it finds on PATH, a version manager's shims that fail included.
path=$environment/bin:$work/bin
mkdir "$work/bin"
while IFS= read -r -d : directory; do
    for python in "$directory"/python3.[0-9]*; do
        [[ $python =~ /python3\.[0-9]+$ && -x $python ]] || continue
        "$python" -c '' 2>/dev/null || continue 2
    done
    path+=:$directory
done <<<"$PATH:"
for python in "${PYENV_ROOT:-$user_home/.pyenv}"/versions/3.*/bin/python3.[0-9]*; do
    [[ $python =~ /python3\.[0-9]+$ ]] && "$python" -c '' 2>/dev/null && ln -sf "$python" "$work/bin/"
done
export PATH=$path

ansible-galaxy collection build --force --output-path "$work" >/dev/null
ansible-galaxy collection install --offline --no-deps --force -p "$work" "$work"/watchparty-secrets-*.tar.gz >/dev/null 2>&1
# The import test sees only the collections that stand beside ours.
ln -s "$("$environment/bin/python" -c 'import ansible_collections.amazon as a; print(list(a.__path__)[0])')" "$work/ansible_collections/amazon"
cd "$work/ansible_collections/watchparty/secrets"
sanity() { ansible-test sanity --venv --color no "$@" </dev/null; }
if [ -z "${IMPORT_WITH:-}" ]; then
    sanity "$@"
    exit
fi
oldest=$("$environment/bin/python" -c "
import shutil
from ansible_test._util.target.common.constants import CONTROLLER_PYTHON_VERSIONS, REMOTE_ONLY_PYTHON_VERSIONS
print(next(one for one in (*REMOTE_ONLY_PYTHON_VERSIONS, *CONTROLLER_PYTHON_VERSIONS) if shutil.which('python' + one)))")
code=0
sanity "$@" --skip-test import || code=$?
sanity --test import --python "$oldest" || code=$?
exit "$code"
