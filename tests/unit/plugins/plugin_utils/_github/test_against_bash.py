# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What bash prints, and what is found: commands inside two compound commands each, of which a sample runs."""

from __future__ import annotations

import base64
import itertools
import os
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.script_taint import Job, Scripts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.taint import Taint

VALUE = "canary-9f3a"
ENCODED = base64.b64encode(f"{VALUE}\n".encode()).decode()
SAMPLE = 600
COMPOUND = [
    "@",
    "if true; then\n@\nfi",
    "for i in 1; do\n@\ndone",
    "for ((i=0; i<1; i++)); do\n@\ndone",
    "while read -r l; do\n@\ndone <<< x",
    "case a in (b) :;; a)\n@\n;; esac",
    'case "$(echo a)" in a|"b c") {\n@\n} ;; *) ;; esac',
    "f() {\n@\n}\nf",
    "function g {\n@\n}; g",
    "( :\n@\n)",
    "{\n@\n} > /dev/null",
    "{\n@\n} | cat",
    "! {\n@\n} || true",
    "true && {\n@\n} &\nwait",
    "time {\n@\n}",
    "[[ a =~ ^(a|b)$ ]] && {\n@\n}",
    'x="${x:-"a b"}"; [ -z "$x" ] || {\n@\n}',
    'Y=$(\n@\n)\necho "$Y"',
    "Z=$(\n@\n)",
    'echo "a $(echo "b $(\n@\n)")"',
    "cat <(\n@\n)",
    "cat <<-E1\n\t$(\n@\n)\n\tE1",
    "cat <<E2 >/dev/null\nquote ' \" $(true)\nE2\n@",
    "cat <<'E3' >/dev/null\n$( ' \"\nE3\n@",
    "cat <<E4 <<E5 >/dev/null\na\nE4\nb\nE5\n@",
    "cat <<E6 | grep -v zzz &&\nabc\nE6\n{\n@\n}",
    "bash <<'E7'\n@\nE7",
    "echo $(( 1 << 2 )) # it's\n@",
    ': "${A:=it}" \'"\' "\'" \\"\n@',
    'a=(1 "2 )" 3)\n@',
    "echo `true`\n@",
]
"""Each around the command in place of ``@``."""
SIMPLE = [
    'echo "$TOKEN"',
    "printf '%s\\n' \"a${TOKEN}b\"",
    'cat <<< "$TOKEN"',
    "cat <<EOF\n$TOKEN\nEOF",
    'B=$TOKEN\necho "${B}"',  # on two lines: bash 5.2 forgets it otherwise, after a here-document in $(…)
    'echo "$TOKEN" | base64',
    'echo "$TOKEN" >&2',
    "printenv TOKEN",
    'echo it\\\'s "$TOKEN"',
    'h() { echo "$1"; }; h "$TOKEN"',
    "echo '$TOKEN'",
    "echo \\$TOKEN",
    'echo "$TOKEN" > /dev/null',
    "cat <<'EOF'\n$TOKEN\nEOF",
    'test -n "$TOKEN"',
    'echo "${#TOKEN}"',
    'echo "${TOKEN:+set}"',
    "# echo $TOKEN\n:",
    'C="$TOKEN"',
    'cat > /dev/null <<< "$TOKEN"',
]
SCRIPTS = random.Random(1).sample(
    [
        outer.replace("@", inner.replace("@", command))
        for outer, inner, command in itertools.product(COMPOUND, COMPOUND, SIMPLE)
    ],
    SAMPLE,
)


def is_printed(script: str) -> bool | None:
    """By bash itself; None for what is no script, such as a here-document whose end-word another one has."""
    environment = {"PATH": os.environ["PATH"], "TOKEN": VALUE}
    run = subprocess.run(
        ["bash", "-c", script], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    output = run.stdout + run.stderr
    return None if "syntax error" in output or "unexpected" in output else VALUE in output or ENCODED in output


def is_found(script: str) -> bool:
    return any(Scripts().shell(script, ("f", 1), Taint(names={"TOKEN": "secrets.TOKEN"}), Job()))


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_what_bash_prints_is_found_and_nothing_else() -> None:
    with ThreadPoolExecutor() as pool:
        printed = dict(zip(SCRIPTS, pool.map(is_printed, SCRIPTS), strict=True))
    scripts = {script: result for script, result in printed.items() if result is not None}
    assert len(scripts) > SAMPLE * 0.9
    assert [script for script, result in scripts.items() if is_found(script) != result] == []
