# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How programs write a value: the programs themselves where this machine has them, rules where it has not.

An encoder takes many values at once, since a program is started once.
"""

from __future__ import annotations

import atexit
import base64
import html
import json
import random
import re
import shlex
import shutil
import string
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax import saxutils

import yaml
from markupsafe import escape as markupsafe_escape

Encoder = Callable[[Sequence[str]], list[str]]
AWS = "".join(chr(code) for code in range(33, 127))
RDS = "".join(letter for letter in AWS if letter not in "/@\"'")
DJANGO = "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)"
TYPED = string.ascii_letters + string.digits + " !#$%&'()*+,-./:;<=>?@[]^_{|}~\"\\é€"
VALUES = {"AWS": (AWS, 32), "RDS": (RDS, 28), "Django": (DJANGO, 50), "typed": (TYPED, 20)}
"""Alphabet and length of what AWS, RDS, Django and people make."""


def values(kind: str, count: int, seed: int = 1) -> list[str]:
    luck = random.Random(f"{kind} {seed}")
    alphabet, length = VALUES[kind]
    texts = ("".join(luck.choices(alphabet, k=length)) for _at in range(2 * count))
    # PHP writes "fj" as one letter.
    return [text for text in texts if text == text.strip() and "fj" not in text][:count]


def each(encode: Callable[[str], str]) -> Encoder:
    return lambda texts: [encode(text) for text in texts]


def after(outer: Encoder, inner: Encoder) -> Encoder:
    return lambda texts: outer(inner(texts))


def _table(table: dict[str, str]) -> Encoder:
    return each(lambda text: "".join(table.get(letter, letter) for letter in text))


def _units(letter: str, form: str) -> str:
    data = letter.encode("utf-16-be")
    return "".join(form.format(int.from_bytes(data[at : at + 2], "big")) for at in range(0, len(data), 2))


def _escaped(letters: str, *, ascii_only: bool = False, form: str = "\\u{:04X}") -> Encoder:
    """JSON in which these letters, too, are numbers."""

    def encode(text: str) -> str:
        plain = (json.dumps(letter, ensure_ascii=False)[1:-1] for letter in text)
        pairs = zip(text, plain, strict=True)
        return "".join(
            _units(letter, form) if letter in letters or (ascii_only and not letter.isascii()) else spelt
            for letter, spelt in pairs
        )

    return each(encode)


def _percent(unreserved: str) -> Encoder:
    return each(lambda text: quote(text, safe=unreserved))


def _wrapped(columns: int, before: int, *, end: str = "\n") -> Encoder:
    def encode(text: str) -> str:
        data = base64.b64encode(b"#" * before + text.encode()).decode()
        return end.join(data[at : at + columns] for at in range(0, len(data), columns))

    return each(encode)


def _yaml(text: str) -> str:
    return yaml.dump(text, default_style="'", width=10_000, allow_unicode=True).strip()[1:-1]


def _double_quoted(text: str) -> str:
    return re.sub(r'([$`"\\!])', r"\\\1", text)


def _bash(texts: Sequence[str]) -> list[str]:
    lines = "".join(f"printf '%q\\n' {shlex.quote(text)}\n" for text in texts)
    return _run("bash", lines)


def _jq(program: str) -> Encoder:
    return lambda texts: _run("jq", _lines(texts), "-r", program)


def _node(expression: str) -> Encoder:
    program = (
        "const lines = require('fs').readFileSync(0, 'utf8').trim().split('\\n');"
        f"for (const line of lines) {{ const value = JSON.parse(line); console.log({expression}) }}"
    )
    return lambda texts: _run("node", _lines(texts), "-e", program)


def _php(expression: str) -> Encoder:
    program = f'while (($line = fgets(STDIN)) !== false) {{ $value = json_decode($line); echo {expression}, "\\n"; }}'
    return lambda texts: _run("php", _lines(texts), "-r", program)


_GO = """package main
import ("bufio"; "encoding/json"; "fmt"; "html/template"; "net/url"; "os")
func asJSON(value string) string { data, _ := json.Marshal(value); return string(data[1:len(data)-1]) }
var ways = map[string]func(string) string{
  "JSON": asJSON,
  "JSON in JSON": func(value string) string { return asJSON(asJSON(value)) },
  "user info": func(value string) string { return url.UserPassword("u", value).String()[2:] },
  "query": url.QueryEscape,
  "HTML": template.HTMLEscapeString,
  "JavaScript": template.JSEscapeString,
  "%q": func(value string) string { return fmt.Sprintf("%q", value) },
}
func main() {
  lines := bufio.NewScanner(os.Stdin)
  for lines.Scan() {
    var value string
    json.Unmarshal(lines.Bytes(), &value)
    fmt.Println(ways[os.Args[1]](value))
  }
}
"""


@cache
def _go_program() -> str:
    directory = tempfile.mkdtemp(prefix="encoders-")
    atexit.register(shutil.rmtree, directory)
    path = Path(directory, "main.go")
    path.write_text(_GO, encoding="utf-8")
    subprocess.run(["go", "build", "-o", f"{directory}/encode", str(path)], check=True, timeout=600)
    return f"{directory}/encode"


def _go(way: str) -> Encoder:
    return lambda texts: _run(_go_program(), _lines(texts), way)


def _lines(texts: Sequence[str]) -> str:
    return "".join(json.dumps(text) + "\n" for text in texts)


def _run(program: str, given: str, *arguments: str) -> list[str]:
    done = subprocess.run([program, *arguments], input=given, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.removesuffix("\n").split("\n")


_QUOTED = {"'": "&#39;", '"': "&#34;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
_GO_JSON = _escaped("<>&\u2028\u2029", form="\\u{:04x}")
_NET = _escaped("\"&'+<>`\x7f", ascii_only=True)
_PYTHON_JSON = each(lambda text: json.dumps(text)[1:-1])
_USERINFO_GO = _percent("-_.~$&+,;=")
_USERINFO_WHATWG = _percent("-_.~!$%&()*+,")
_DOUBLED = each(lambda text: text.replace("'", "''"))
RULES: dict[str, Encoder] = {
    "as it is": each(str),
    "JSON, Python": _PYTHON_JSON,
    "JSON, Python, UTF-8": each(lambda text: json.dumps(text, ensure_ascii=False)[1:-1]),
    "JSON, Go": _GO_JSON,
    "JSON, .NET": _NET,
    "JSON, Gson": _escaped("<>&='"),
    "JSON, PHP": each(lambda text: json.dumps(text)[1:-1].replace("/", "\\/")),
    "JSON in JSON": after(_PYTHON_JSON, _PYTHON_JSON),
    "JSON, Go, in JSON": after(_PYTHON_JSON, _GO_JSON),
    "JSON in JSON, Go": after(_GO_JSON, _GO_JSON),
    "JSON in JSON in JSON": after(_PYTHON_JSON, after(_PYTHON_JSON, _PYTHON_JSON)),
    "Django's escapejs": _escaped("\\'\"><&=-;`"),
    "URL, Python": each(quote_plus),
    "URL, Python, in JSON, Go": after(_GO_JSON, each(quote_plus)),
    "URL in URL": after(_percent(""), _percent("")),
    "URL, small letters": each(lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text, safe=""))),
    "URL, user info, WHATWG": _USERINFO_WHATWG,
    "URL, user info, Go": _USERINFO_GO,
    "URL, user info, in JSON, Go": after(_GO_JSON, _USERINFO_GO),
    "HTML, Python": each(html.escape),
    "HTML, Jinja2": each(lambda text: str(markupsafe_escape(text))),
    "HTML, Go": _table({**_QUOTED, "+": "&#43;"}),
    "HTML, PHP": _table({**_QUOTED, "'": "&#039;", '"': "&quot;"}),
    "HTML in JSON, Go": after(_GO_JSON, each(html.escape)),
    "JSON in HTML": after(each(html.escape), _PYTHON_JSON),
    "HTML in HTML": after(each(html.escape), each(html.escape)),
    "XML, text": each(saxutils.escape),
    "XML, attribute": each(lambda text: saxutils.quoteattr(text)[1:-1]),
    "shell, '…' with '\\''": each(lambda text: text.replace("'", "'\\''")),
    "shell, '…', Python": each(lambda text: shlex.quote(text).removeprefix("'").removesuffix("'")),
    'shell, "…"': each(_double_quoted),
    "shell, '…', in JSON": after(_PYTHON_JSON, each(lambda text: text.replace("'", "'\\''"))),
    "shell, '…', Python, in JSON": after(_PYTHON_JSON, each(lambda text: text.replace("'", "'\"'\"'"))),
    "SQL": _DOUBLED,
    "YAML, '…'": each(_yaml),
    'CSV, "…"': each(lambda text: text.replace('"', '""')),
    "compose": each(lambda text: text.replace("$", "$$")),
    "systemd": each(lambda text: text.replace("%", "%%")),
    "regular expression": each(re.escape),
    "UTF-16, JSON, .NET": _NET,
    "hexadecimal": each(lambda text: text.encode().hex()),
    "hexadecimal, 60 columns": each(lambda text: re.sub("(.{60})", "\\1\n", (b"#" * 9 + text.encode()).hex())),
    **{
        f"base64, {columns} columns, from byte {before}": _wrapped(columns, before)
        for columns in (64, 76)
        for before in (0, 13, 26, 30, 41)
    },
    "base64, 76 columns, CRLF": _wrapped(76, 41, end="\r\n"),
    "base64, 76 columns, in JSON": after(_PYTHON_JSON, _wrapped(76, 41)),
    "base64, 64 columns, in YAML": _wrapped(64, 30, end="\n      "),
    "base64 in JSON, .NET": after(_NET, _wrapped(1000, 1)),
    "base64 in URL": after(_percent(""), _wrapped(1000, 2)),
    "JSON, Go, in base64": after(_wrapped(64, 7), _GO_JSON),
}
PROGRAMS: dict[str, tuple[str, Encoder]] = {
    "bash, printf %q": ("bash", _bash),
    "jq, tojson": ("jq", _jq("tojson | .[1:-1]")),
    "jq, @sh": ("jq", _jq("@sh | .[1:-1]")),
    "jq, @html": ("jq", _jq("@html")),
    "jq, @uri": ("jq", _jq("@uri")),
    "jq, @csv": ("jq", _jq("[.] | @csv | .[1:-1]")),
    "node, JSON in JSON": ("node", _node("JSON.stringify(JSON.stringify(value)).slice(3, -3)")),
    "node, encodeURIComponent": ("node", _node("encodeURIComponent(value)")),
    "node, user info": (
        "node",
        _node("(() => { const u = new URL('http://h/'); u.password = value; return u.href.slice(8, -3) })()"),
    ),
    "node, query": ("node", _node("new URLSearchParams({a: value}).toString().slice(2)")),
    "php, htmlspecialchars": ("php", _php("htmlspecialchars($value)")),
    "php, htmlentities": ("php", _php("htmlentities($value, ENT_QUOTES | ENT_HTML5)")),
    "php, json_encode": ("php", _php("substr(json_encode($value), 1, -1)")),
    "php, json_encode, hexadecimal": (
        "php",
        _php("substr(json_encode($value, JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT), 1, -1)"),
    ),
    "php, rawurlencode": ("php", _php("rawurlencode($value)")),
    "php, var_export": ("php", _php("substr(var_export($value, true), 1, -1)")),
    **{
        f"go, {way}": ("go", _go(way))
        for way in ("JSON", "JSON in JSON", "user info", "query", "HTML", "JavaScript", "%q")
    },
}
