# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hard fragments of shell, each with its simple commands: name, variables that it gets, where its output goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_commands import (
    COLLECTED,
    ShellCommand,
    commands,
    variables,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.taint import is_collected

FRAGMENTS: list[tuple[str, str]] = [
    ("echo $A", "echo A"),
    ("echo '$A' \"$B\" \\$C", "echo B"),
    ("cat <<EOF\n$A\nEOF\necho $B", "cat A; echo B"),
    ("cat <<'EOF'\n$A\nEOF\necho $B", "cat; echo B"),
    ("cat <<-EOF\n\t$A\n\tEOF\necho $B", "cat A; echo B"),
    ("cat <<A <<B\n$X\nA\n$Y\nB\nid", "cat X Y; id"),
    ("cat <<EOF > f\n$A\nEOF", "cat A > f"),
    ("cat > f <<EOF | sort\n$A\nEOF\nid", "cat A > f |; sort; id"),
    ("X=$(echo $A | rev)\necho $X", "echo A |; rev > …; echo X"),
    ('echo "$(printf \'%s\' "$A")"', "printf A > …; echo"),
    ('echo "$(cat "$(dirname "$A")/f")" b', "dirname A > …; cat > …; echo"),
    ("echo `printf %s $A`", "printf A > …; echo"),
    ("X=$(case $A in a) echo $B;; (b) id;; esac) Y=$(rev)", "echo B > …; id > …; rev > …"),
    ("echo $(echo $A # it's )\n) b", "echo A > …; echo"),
    ("X=$(cat <<'E'\n' )\nE\necho $A)\necho $B", "cat > …; echo A > …; echo B"),
    ('echo "$(f() ( id ); echo $A)" $B', "id; echo A > …; echo B"),
    ('a=(one "$A" three)\necho "${a[@]}"', "echo a"),
    ("case $A in\n x|y) echo $B ;;\n *) id ;;\nesac", "echo B; id"),
    ('case "$A" in (x) echo $B;; esac', "echo B"),
    ("f() { echo $1; }\nf $A", "echo 1; f A"),
    ("function f {\n echo $A\n}\nf", "echo A; f"),
    ("f ()\n(\n echo $A\n)\nf", "echo A; f"),
    ("echo $((A + 1)) $(( B<<2 ))\nid", "echo; id"),
    ("((i++))\nid $A", "id A"),
    ("diff <(sort $A) <(sort $B)", "sort A > …; sort B > …; diff"),
    ("tee >(gzip > f) < $A", "gzip > f; tee A"),
    ("echo a#b $A # echo $B", "echo A"),
    ("echo $# $A ${#B}", "echo A"),
    ("echo a \\\n  $A \\\n  b\nid", "echo A; id"),
    ("echo a | \\\n tr a b |\n sort > f", "echo |; tr |; sort > f"),
    ("if [[ $A =~ ^(a|b)$ && -n $B ]]; then echo $C; fi", "echo C"),
    ('[[ -z "$A" ]] || { echo $B >&2; exit 1; }', "echo B > /dev/stderr; exit"),
    ("for x in $A b; do echo $x; done", "echo x"),
    ("for ((i=0; i<3; i++)); do echo $A; done", "echo A"),
    ("while read -r l; do echo $l; done < f", "read; echo l"),
    ("until curl $A; do sleep 1; done", "curl A; sleep"),
    ("A=1 B=$C cmd $D", "cmd D"),
    ('echo ${A:-$B} ${C//x/y} ${D%"$E"}', "echo A B C D E"),
    ('echo "${A:+"$B"}" $\'it\\\'s $X\' $C', "echo B C"),
    ("echo 'a'\\''b' \"$A\"", "echo A"),
    ("cmd 2>&1 >f $A; cmd2 &> g $B; id 2>h", "cmd A > f; cmd2 B > g; id"),
    ("{ echo $A; id; } > f", "echo A > …; id > …; cat > f"),
    ("(cd x && echo $A) | tee f", "cd > …; echo A > …; cat |; tee"),
    ('eval "echo \\$A"\nexec 3>f\n! id $B', "eval; exec; id B"),
]
"""``…`` collects the output for a variable or a group; what inner commands collected is not listed."""


def simple(script: list[ShellCommand]) -> Iterator[ShellCommand]:
    for command in script:
        if command.function:
            yield from simple(command.body)
        elif command.arguments and command.arguments[0] not in ("for", "[[") and command.arguments[0][:2] != "((":
            yield command


def listed(command: ShellCommand) -> str:
    names = {name for name in variables(" ".join([*command.arguments, command.given])) if COLLECTED not in name}
    target = "…" if is_collected(command.target) else command.target
    parts = [command.arguments[0], *sorted(names), f"> {target}" if target else "", "|" if command.piped else ""]
    return " ".join(filter(None, parts))


@pytest.mark.parametrize(("script", "result"), FRAGMENTS)
def test_a_fragment(script: str, result: str) -> None:
    assert "; ".join(map(listed, simple(commands(script)))) == result
