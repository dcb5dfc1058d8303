#!/usr/bin/env bash
# Writes requirements/constraints.txt: exact versions of all packages in both environments, and of those that only
# .venv-docs has. If the two differ, each line names its Python.
set -euo pipefail
cd "$(dirname "$0")/.."

.venv/bin/python - <(.venv-core219/bin/python -m pip freeze) <(.venv/bin/python -m pip freeze) \
    <(.venv-docs/bin/python -m pip freeze) >build/constraints.txt <<'EOF'
import sys

old, new, docs = ({line.split("==")[0]: line.strip() for line in open(path) if "==" in line} for path in sys.argv[1:])
new = docs | new
print("# Written by scripts/constraints.sh.")
for name in sorted(old | new, key=str.lower):
    if name.lower() in ("ansible", "ansible-core"):
        continue
    if old.get(name, new.get(name)) == new.get(name, old.get(name)):
        print(new.get(name) or old.get(name))
    else:
        print(f"{old[name]}; python_version < '3.12'\n{new[name]}; python_version >= '3.12'")
EOF
mv build/constraints.txt requirements/constraints.txt
