# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that prose uses the glossary's terms: pages, comments, docstrings, messages, task names and descriptions.

scripts/words.txt lists words to avoid. scripts/words-exempt.txt lists paths that are not clean yet; a clean path there
fails.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(__file__).resolve().parent
CODE = re.compile(r"^(?P<indent> *)(?P<fence>```|~~~).*?^ *(?P=fence)|`[^`\n]*`", re.MULTILINE | re.DOTALL)
NAMES = re.compile(r"`[^`\n]*`|\b[A-Z]{1,3}\([^)\n]*\)|^ *(?:- )?\w+:(?=\s)|\{%.*?%\}", re.MULTILINE)
"""Names in comments, descriptions and templates: keys of options and results, and template statements."""
FILES = ("*.md", "*.py", "*.yml", "*.j2", "*.sh", "scripts/secrets", ":!docs/reference/")
"""Reference pages are generated from texts that are checked in their sources."""


class Passage(NamedTuple):
    """A piece of prose, and its first line."""

    line: int
    text: str


class WordMatch(NamedTuple):
    line: int
    word: str


def entries(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def read_words(path: Path) -> dict[str, str]:
    """Better words by words to avoid."""
    pairs = (entry.partition(" -> ") for entry in entries(path))
    return {word.lower(): better for word, _, better in pairs}


def pattern_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern that prefers the longest word."""
    phrases = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(map(_phrase, phrases))})(?!\w)")


def _phrase(word: str) -> str:
    """A pattern that allows a capital and line breaks; ``is None`` is Python."""
    capital = f"(?:{re.escape(word[0])}|{re.escape(word[0].upper())})"
    return capital + r"\s+(?:#\s+)?".join(map(re.escape, word[1:].split()))


def passages(path: Path) -> Iterator[Passage]:
    """The prose of a file, without code in pages and identifiers in programs."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _comments(text)
        yield from _strings(ast.parse(text))
    else:
        yield Passage(1, (CODE if path.suffix == ".md" else NAMES).sub(_blank, text))


def _blank(code: re.Match[str]) -> str:
    return "\n" * code[0].count("\n") or "`"


def _comments(program: str) -> Iterator[Passage]:
    tokens = tokenize.generate_tokens(io.StringIO(program).readline)
    return (Passage(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)


def _strings(tree: ast.AST) -> Iterator[Passage]:
    """Literals, with the parts of a long one joined. A single word is a key."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Passage(node.lineno, NAMES.sub(_blank, node.value) if " " in node.value else "")
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            yield Passage(node.lineno, "".join(map(str, parts)))
        else:
            yield from _strings(node)


def matches(path: Path, pattern: re.Pattern[str]) -> Iterator[WordMatch]:
    for passage in passages(path):
        for match in pattern.finditer(passage.text):
            line = passage.line + passage.text.count("\n", 0, match.start())
            yield WordMatch(line, re.sub(r"\s+(?:#\s+)?", " ", match[0]).lower())


def problems(paths: Iterable[Path], words: dict[str, str], exempt: Iterable[str], root: Path = ROOT) -> list[str]:
    pattern = pattern_of(words)
    unclean: dict[str, bool] = dict.fromkeys(exempt, False)
    results = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        covering = [entry for entry in unclean if name == entry or (entry.endswith("/") and name.startswith(entry))]
        for match in matches(path, pattern):
            unclean.update(dict.fromkeys(covering, True))
            if not covering:
                results.append(f'{name}:{match.line}: "{match.word}": write "{words[match.word]}"')
    stale = [
        f"{entry}: is clean or gone; take it off scripts/words-exempt.txt"
        for entry, used in unclean.items()
        if not used
    ]
    return results + stale


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *FILES], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in listed.stdout.splitlines())
    return [path for path in paths if path.is_file()]


def main() -> int:
    paths, exempt = tracked(), entries(SCRIPTS / "words-exempt.txt")
    results = problems(paths, read_words(SCRIPTS / "words.txt"), exempt)
    print(
        "\n".join(results)
        or f"{len(paths)} files use the glossary's terms, but for {len(exempt)} paths that are exempt"
    )
    return 1 if results else 0


if __name__ == "__main__":
    sys.exit(main())
