# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The values that each reader of a ``.env`` misreads, by spelling.

A rule's pattern matches values that the reader does not read back. tests/readers compares the table with the real
programs: it must refuse neither too little nor too much.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Pattern

SINGLE = "in single quotes"
DOUBLE = "in double quotes"
BARE = "without quotes"
SPELLINGS = (SINGLE, DOUBLE, BARE)

DEFAULT_READERS = ("python_dotenv", "django_environ", "shell", "systemd", "docker_compose")
READERS = (*DEFAULT_READERS, "decouple", "node", "honcho", "direnv", "docker_run")


class Rule(NamedTuple):
    """A pattern of values that a spelling cannot hold."""

    pattern: Pattern[str]
    reason: str


def _rule(pattern: str, reason: str) -> Rule:
    return Rule(re.compile(pattern, re.DOTALL), reason)


NUL = _rule("\0", "holds a NUL character")
SURROGATE = _rule("[\ud800-\udfff]", "holds half a surrogate pair, which UTF-8 cannot express")
NONCHARACTER = _rule(
    "[\ufdd0-\ufdef" + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)) + "]",
    "holds a code point that Unicode reserves as a noncharacter",
)
LINE_FEED = _rule(r"\n", "holds a line break")
CARRIAGE_RETURN = _rule(r"\r", "holds a carriage return")
LINE_BREAK = _rule("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "holds a line break or a character that counts as one")
QUOTE = _rule(r"'", "holds a single quote")
DOUBLE_QUOTE = _rule(r'"', "holds a double quote")
BACKSLASH = _rule(r"\\", "holds a backslash")
TWO_BACKSLASHES = _rule(r"\\\\", "holds two backslashes in a row")
FINAL_BACKSLASH = _rule(r"\\\Z", "ends with a backslash")
ODD_FINAL_BACKSLASHES = _rule(r"(?<!\\)(?:\\\\)*\\\Z", "ends with an odd number of backslashes")
BACKSLASH_N_T = _rule(r"\\[nt]", "holds a backslash before n or t")
BACKSLASH_N_R = _rule(r"\\[nr]", "holds a backslash before n or r")
BACKTICK = _rule(r"`", "holds a backtick")
BRACED = _rule(r"\$\{[^}:]*(?::-[^}]*)?\}", "holds ${...}")
LEADING_DOLLAR = _rule(r"\A\$", "starts with $")
SHELL_DOLLAR = _rule(r"\$(?:\+?[A-Za-z0-9_]|[{(\[@*#?$!^=~-])", "holds $ before a character that expands")
# zsh accepts letters of any script in a name; the machine's locale decides which.
ZSH_DOLLAR = _rule(r"\$\+?[^\x00-\x7f]", "holds $ before a character outside ASCII")
COMPOSE_DOLLAR = _rule(r"\$[A-Za-z_{$]", "holds $ before a name, { or $")
DIRENV_DOLLAR = _rule(r"\$[A-Za-z0-9_{$@?#!*-]", "holds $ before a character that expands")
WITHIN_DOUBLE_QUOTES = _rule(r'\A".*"\Z', "starts and ends with a double quote")
WITHIN_QUOTES = _rule(r"""\A(?:".*"|'.*')\Z""", "starts and ends with a quote")
QUOTES_KEPT = _rule(r"\A", "would get the quotes as part of its value")

# Used only for the bare spelling, so these may match more than necessary.
EMPTY = _rule(r"\A\Z", "is empty")
EDGE = _rule(r"\A\s|\s\Z", "starts or ends with white space")
LEADING_QUOTE = _rule(r"""\A['"`]""", "starts with a quote")
COMMENT = _rule(r"\A#|\s#", "holds # at the start or after white space")
HASH = _rule(r"#", "holds #")
SPACE_QUOTE_BACKSLASH = _rule(r"""[\s'"\\#]""", "holds white space, a quote, a backslash or #")
SHELL_SIGN = _rule(r"""[\x00-\x20\x7f'"\\`$&|;()<>]|\A[~=#]|[:=][~=]""", "holds a character special to the shell")

EVERY_READER: tuple[Rule, ...] = (NUL, SURROGATE)

RULES: dict[str, dict[str, tuple[Rule, ...]]] = {
    "python_dotenv": {
        SINGLE: (QUOTE, CARRIAGE_RETURN, TWO_BACKSLASHES, FINAL_BACKSLASH, BRACED),
        DOUBLE: (CARRIAGE_RETURN, BRACED),
        BARE: (LINE_FEED, CARRIAGE_RETURN, EDGE, LEADING_QUOTE, COMMENT, BRACED),
    },
    "django_environ": {
        SINGLE: (LINE_BREAK, LEADING_DOLLAR, WITHIN_DOUBLE_QUOTES),
        DOUBLE: (LINE_BREAK, LEADING_DOLLAR),
        BARE: (LINE_BREAK, LEADING_DOLLAR, WITHIN_QUOTES),
    },
    "shell": {
        SINGLE: (QUOTE,),
        DOUBLE: (BACKTICK, SHELL_DOLLAR, ZSH_DOLLAR),
        BARE: (SHELL_SIGN,),
    },
    "systemd": {
        SINGLE: (NONCHARACTER, QUOTE),
        DOUBLE: (NONCHARACTER,),
        BARE: (NONCHARACTER, LINE_FEED, CARRIAGE_RETURN, BACKSLASH, EDGE, LEADING_QUOTE),
    },
    "docker_compose": {
        SINGLE: (QUOTE, ODD_FINAL_BACKSLASHES),
        DOUBLE: (COMPOSE_DOLLAR,),
        BARE: (LINE_FEED, CARRIAGE_RETURN, EDGE, LEADING_QUOTE, COMMENT, COMPOSE_DOLLAR),
    },
    "decouple": {
        SINGLE: (LINE_FEED, CARRIAGE_RETURN),
        DOUBLE: (LINE_FEED, CARRIAGE_RETURN, BACKSLASH, DOUBLE_QUOTE),
        BARE: (LINE_FEED, CARRIAGE_RETURN, EDGE, WITHIN_QUOTES),
    },
    "node": {
        SINGLE: (CARRIAGE_RETURN, QUOTE),
        DOUBLE: (CARRIAGE_RETURN, DOUBLE_QUOTE, BACKSLASH),
        BARE: (LINE_FEED, CARRIAGE_RETURN, EDGE, LEADING_QUOTE, HASH),
    },
    "honcho": {
        SINGLE: (LINE_BREAK, QUOTE, BACKSLASH_N_T),
        DOUBLE: (LINE_BREAK, BACKSLASH_N_T),
        BARE: (LINE_BREAK, SPACE_QUOTE_BACKSLASH, EMPTY),
    },
    "direnv": {
        SINGLE: (LINE_FEED, CARRIAGE_RETURN),
        DOUBLE: (LINE_FEED, CARRIAGE_RETURN, DIRENV_DOLLAR, BACKSLASH_N_R),
        BARE: (LINE_FEED, SPACE_QUOTE_BACKSLASH, DIRENV_DOLLAR),
    },
    "docker_run": {
        SINGLE: (QUOTES_KEPT,),
        DOUBLE: (QUOTES_KEPT,),
        BARE: (LINE_FEED, CARRIAGE_RETURN),
    },
}

# Most bytes of NAME=value: docker reads lines of less than 64 KiB, and Linux starts no program with more.
LONGEST: dict[str, int] = {"docker_run": 65535}
LONGEST.update(dict.fromkeys(("shell", "systemd", "docker_compose", "honcho", "direnv"), 131071))

# Names that a shell or the program loader reserves.
RESERVED_NAMES = frozenset(("UID", "EUID", "PPID", "RANDOM", "SECONDS", "LINENO", "OPTIND", "BASHOPTS", "PATH", "_"))
BASH_NAMES = re.compile(
    "BASH(PID|_ALIASES|_ARG[CV]|_ARGV0|_CMDS|_LINENO|_SOURCE|_SUBSHELL|_VERSINFO)|COMP_WORDBREAKS|DIRSTACK"
    "|EPOCH(REALTIME|SECONDS)|FUNCNAME|GROUPS|HISTCMD|SHELLOPTS|SHLVL|SRANDOM"
)


def refusals(reader: str, spelling: str, name: str, value: str) -> list[str]:
    """Reasons why the reader does not read the value back from this spelling. Empty if it does."""
    reasons = [rule.reason for rule in EVERY_READER + RULES[reader][spelling] if rule.pattern.search(value)]
    longest = LONGEST.get(reader)
    if longest and len(name) + 1 + len(value.encode("utf-8", "surrogatepass")) > longest:
        reasons.append(f"is longer than {longest // 1024 + 1} KiB")
    return reasons


def quoted(value: str, spelling: str) -> str:
    if spelling == SINGLE:
        return f"'{value}'"
    if spelling == DOUBLE:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return value
