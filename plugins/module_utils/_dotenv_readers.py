# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each reader of a ``.env`` gets wrong, spelling by spelling.

A rule is a pattern: where it is found in a value, the reader does not read that spelling back as the value.
tests/readers proves the table against the real programs.
"""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Pattern, Tuple

SINGLE = "single quotes"
DOUBLE = "double quotes"
BARE = "no quotes"
SPELLINGS = (SINGLE, DOUBLE, BARE)

DEFAULT_READERS = ("python_dotenv", "django_environ", "shell", "systemd", "docker_compose")
READERS = DEFAULT_READERS + ("decouple", "node", "honcho", "direnv", "docker_run")


class Rule(NamedTuple):
    """One way in which a value defeats a spelling."""

    pattern: Pattern[str]
    reason: str


def _rule(pattern: str, reason: str) -> Rule:
    return Rule(re.compile(pattern), reason)


NEVER = _rule(r"\A", "keeps the quotes as part of the value")
LINE_FEED = _rule(r"\n", "holds a line break")
CARRIAGE_RETURN = _rule(r"\r", "holds a carriage return")
ANY_LINE_BREAK = _rule("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "holds a line break of some kind")
QUOTE = _rule(r"'", "holds a single quote")
DOUBLE_QUOTE = _rule(r'"', "holds a double quote")
BACKSLASH = _rule(r"\\", "holds a backslash")
TWO_BACKSLASHES = _rule(r"\\\\", "holds two backslashes in a row")
FINAL_BACKSLASH = _rule(r"\\\Z", "ends with a backslash")
ODD_FINAL_BACKSLASHES = _rule(r"(?<!\\)(?:\\\\)*\\\Z", "ends with an odd number of backslashes")
BACKTICK = _rule(r"`", "holds a backtick")
BRACED_REFERENCE = _rule(r"\$\{[^}:]*(?::-[^}]*)?\}", "holds ${...}")
LEADING_DOLLAR = _rule(r"\A\$", "starts with $")
IN_DOUBLE_QUOTES = _rule(r'(?s)\A".*"\Z', "starts and ends with a double quote")
IN_QUOTES = _rule(r"""(?s)\A(?:".*"|'.*')\Z""", "starts and ends with a quote")
ESCAPED_NEWLINE_OR_TAB = _rule(r"\\[nt]", "holds a backslash followed by n or t")
ESCAPED_NEWLINE = _rule(r"\\[nr]", "holds a backslash followed by n or r")
SHELL_DOLLAR = _rule(r"\$[A-Za-z0-9_{(@*#?$!-]", "holds $ before a name, a digit or a sign that the shell expands")
COMPOSE_DOLLAR = _rule(r"\$[A-Za-z_{$]", "holds $ before a name, { or $")
DIRENV_DOLLAR = _rule(r"\$[A-Za-z0-9_{$@?#!*-]", "holds $ before a name, a digit or a sign that direnv expands")
PLAIN_ONLY = _rule(r"[^A-Za-z0-9_./:@%+,-]", "holds a character that needs quotes")

# Spellings in the order in which they are tried; a rule that is never met is an empty tuple.
RULES: Dict[str, Dict[str, Tuple[Rule, ...]]] = {
    "python_dotenv": {
        SINGLE: (QUOTE, CARRIAGE_RETURN, TWO_BACKSLASHES, FINAL_BACKSLASH, BRACED_REFERENCE),
        DOUBLE: (CARRIAGE_RETURN, BRACED_REFERENCE),
        BARE: (PLAIN_ONLY,),
    },
    "django_environ": {
        SINGLE: (ANY_LINE_BREAK, LEADING_DOLLAR, IN_DOUBLE_QUOTES),
        DOUBLE: (ANY_LINE_BREAK, LEADING_DOLLAR),
        BARE: (ANY_LINE_BREAK, LEADING_DOLLAR, IN_QUOTES),
    },
    "shell": {
        SINGLE: (QUOTE,),
        DOUBLE: (BACKTICK, SHELL_DOLLAR),
        BARE: (PLAIN_ONLY,),
    },
    "systemd": {SINGLE: (QUOTE,), DOUBLE: (), BARE: (PLAIN_ONLY,)},
    "docker_compose": {
        SINGLE: (QUOTE, ODD_FINAL_BACKSLASHES),
        DOUBLE: (COMPOSE_DOLLAR,),
        BARE: (PLAIN_ONLY,),
    },
    "decouple": {
        SINGLE: (LINE_FEED, CARRIAGE_RETURN),
        DOUBLE: (LINE_FEED, CARRIAGE_RETURN, BACKSLASH, DOUBLE_QUOTE),
        BARE: (PLAIN_ONLY,),
    },
    "node": {
        SINGLE: (CARRIAGE_RETURN, QUOTE),
        DOUBLE: (CARRIAGE_RETURN, DOUBLE_QUOTE, BACKSLASH),
        BARE: (PLAIN_ONLY,),
    },
    "honcho": {
        SINGLE: (ANY_LINE_BREAK, QUOTE, ESCAPED_NEWLINE_OR_TAB),
        DOUBLE: (ANY_LINE_BREAK, ESCAPED_NEWLINE_OR_TAB),
        BARE: (PLAIN_ONLY,),
    },
    "direnv": {
        SINGLE: (LINE_FEED, CARRIAGE_RETURN),
        DOUBLE: (LINE_FEED, CARRIAGE_RETURN, DIRENV_DOLLAR, ESCAPED_NEWLINE),
        BARE: (PLAIN_ONLY,),
    },
    "docker_run": {SINGLE: (NEVER,), DOUBLE: (NEVER,), BARE: (LINE_FEED, CARRIAGE_RETURN)},
}
