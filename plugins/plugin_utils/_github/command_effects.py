# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The effects of one command on secrets: it may print, store or show them, or run a script. Pure.

An unknown command is assumed to print none of its input.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_commands import ShellCommand
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.shell_words import LITERAL
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.taint import MARK, Taint, plain_path

PRINTERS = (
    "echo",
    "printf",
    "print",
    "write-output",
    "write-host",
    "logger",
    "wall",
    "basename",
    "dirname",
    "expr",
    "date",
)
_FILTERS = re.compile(
    r"base(?:64|32|nc)|rev|sed|tr|xxd|tee|cut|head|tail|z?cat|bat|fold|fmt|od|hd|hexdump|g?awk|[ef]?grep|rg|sort|uniq|"
    r"figlet|toilet|lolcat|cowsay|pv|ts|qrencode|uuencode|vis|zstd|xz|bzip2|lz4|recode|rot13|factor|unexpand|"
    r"tac|nl|strings|jq|yq|gzip|gunzip|column|paste|python3?|node|ruby|perl|less|more|diff|comm|xargs|iconv|dd|pr|shuf|expand"
)
"""Commands that print their input."""
_SHELLS = ("bash", "sh", "dash", "zsh", "ksh")
_STARTERS = (*_SHELLS, "script", "su", "runuser")
_PROGRAMS = ("python", "python3", "node", "ruby", "perl", "php", "awk", "gawk", "jq", "deno", "bun")
_PROGRAM_FILE = re.compile(r".*\.(?:py|m?js|cjs|ts|rb|pl|php)")
_PROGRAM_LINE = re.compile(r"#!.*\b(?:python|node|ruby|perl|php|deno|bun)")
_PRINT_CALL = re.compile(
    r"\bwrite-(?:output|host|error|warning|information|verbose)\b|\bout-(?:host|string)\b|\brest\.\w+\.(?:create|update)\w*\(|"
    r"\b(?:p?print(?:f|ln|_r)?|puts|echo|var_dump)\b|console\.\w|\bstd(?:out|err)(?:\.buffer)?\.write|"
    r"\bcore\.(?:info|notice|warning|error|debug)|core\.summary|\blog(?:ger|ging)?\.\w",
    re.IGNORECASE,
)
_READ = r"(?:env\w*|_server)(?:\.get|\.fetch)?[\[({.:'\"\s]{1,3}"
"""The text before a variable's name where a program in another language reads the environment."""
_WHOLE = (
    r"(?:os\.environ|process\.env|\bENV(?:IRON)?|getenv\(\))(?:\.(?:to_h|inspect|copy|items)\b[()]*)?\s*(?:[,)\]};]|$)"
)
_PLAIN_TEXT = re.compile(r"\"[^\"{}$#]*\"|'[^'{}$#]*'")
_ASSIGNED = re.compile(r"\s*(?:const |let |var |my )?\s*[$@]?(\w+)\s*:?=[^=]")
_ALL = re.compile(
    r"env(?: -0)?|printenv(?: -0)?|set|(?:export|declare|typeset)(?: -[px]+)?|compgen -[ve]+|"
    r"docker(?:-| )compose\b.* config\b.*|\S+ (?:.* )?/proc/\S+/environ\b.*|ps [a-z]*e[a-z]*|"
    r"(?:get-childitem|gci|dir|ls) env:\S*",
    re.IGNORECASE,
)
TRACED = "the shell prints each command, with secrets in it"
TRACE = re.compile(r"-[a-zA-Z]*x[a-zA-Z]*|xtrace")
_PASSED = re.compile(r"-p|--?(?:pass\w*|token|secret(?:-string)?|api[-_]?key)", re.IGNORECASE)
_PUBLISHERS = {
    "gh": ("pr", "issue", "release", "gist", "label", "variable"),
    "git": ("commit", "tag", "branch", "notes"),
}
_REQUESTS = {
    "curl": re.compile(r"-[a-zA-Z]*v[a-zA-Z]*|--verbose|--trace(?:-ascii)?"),
    "wget": re.compile(r"-d|--debug"),
    **dict.fromkeys(("http", "https", "xh"), re.compile(r"-[a-zA-Z]*v[a-zA-Z]*|--verbose")),
}
"""Options that make a program print the requests that it sends."""
SENDERS = ("nc", "ncat", "netcat", "socat", "telnet")
_CONSOLE = re.compile(r"/dev/(?:stdout|stderr|tty|fd/[12])|/proc/[^/]+/fd/[12]")
_SSH_OPTION = re.compile(r"-[A-Za-z0-9]*[bcDeEFiIJlLmoOpQRSwW]")
"""Options whose value is the next word."""
_ARCHIVE = re.compile(r".*\.(?:tar|t?gz|tgz|zip|bz2|xz|zst|7z)")


def exposed(arguments: list[str], taint: Taint, holds: bool) -> Iterator[str]:
    """Findings about the start of a command. ``holds``: whether the script has a secret at all."""
    name, rest = arguments[0], arguments[1:]
    if holds and name in ("set", *_SHELLS) and any(map(TRACE.fullmatch, _options(rest) if name != "set" else rest)):
        yield TRACED
    if rest[:1] and rest[0] in _PUBLISHERS.get(name, ()):
        yield from _published(rest, taint)
        return
    if name == "git" and rest[:1] == ["add"] and taint.in_files(rest):
        yield f"commits a file which holds {taint.in_files(rest)}"
    for before, word in zip(arguments, rest):  # noqa: B905 each with the one before it
        secret = taint.of(word)
        if "--build-arg" in (before, word.partition("=")[0]):
            secret = secret or taint.names.get(word, "")
            yield from [f"builds {secret} into an image"] if secret else []
        elif secret and name not in PRINTERS:
            yield from _shown(name, rest, before, word, secret, taint)


def _published(rest: list[str], taint: Taint) -> Iterator[str]:
    """Findings about text and files that every reader of the repository sees."""
    secret = next(filter(None, map(taint.of, rest[1:])), "")
    if secret:
        yield f"publishes {secret}"
    elif rest[0] in ("release", "gist") and taint.in_files(rest):
        yield f"publishes a file which holds {taint.in_files(rest)}"


def _shown(name: str, rest: list[str], before: str, word: str, secret: str, taint: Taint) -> Iterator[str]:
    address = word.partition("://")[2]
    if taint.of(address.partition("/")[0].rpartition("@")[0]) or taint.of(address.partition("?")[2]):
        yield f"puts {secret} into a URL"
    elif _PASSED.fullmatch(before) or re.match(rf"(?:{_PASSED.pattern})=?[${MARK}]", word, re.IGNORECASE):
        yield f"gives {secret} as an argument, which other processes see"
    elif name in _REQUESTS and any(map(_REQUESTS[name].fullmatch, rest)):
        yield f"prints {secret}, since {name} shows what it sends"


def _options(words: list[str]) -> list[str]:
    """The options before the first file."""
    count = next((at for at, word in enumerate(words) if word[:1] not in "-+" and word not in ("xtrace",)), len(words))
    return words[:count]


def output(command: ShellCommand, arguments: list[str], flowing: str, taint: Taint) -> str:
    """The secret that a command prints, or empty. ``flowing``: the secret that is piped to the command."""
    name, rest = arguments[0].lower(), " ".join(arguments[1:])
    if _ALL.fullmatch(" ".join(arguments)) and taint.own:
        return f"the variables, {taint.named()} among them"
    if name in ("kubectl", "oc") and re.search(r"(?:^| )(?:-o|--output)[= ]?(?:yaml|json)", rest):
        return taint.of(rest)
    if name == "printenv" or (name in ("declare", "typeset") and "-p" in arguments):
        secret_words = [word for word in arguments[1:] if word in taint.names]
        return f"the variables, {', '.join(secret_words)} among them" if secret_words else ""
    if name in PRINTERS:
        is_kept = "::add-mask::" in rest or (name == "printf" and arguments[1:2] == ["-v"])
        return "" if is_kept else taint.of(rest)
    if name == "envsubst":
        text = rest.replace(LITERAL, "$")
        return taint.of(text) if "$" in text else next(iter(taint.own.values()), "")
    if name in _PROGRAMS:
        prints_result = name == "jq" or (name in ("node", "bun") and bool({"-p", "--print"} & {*arguments}))
        shown_by = printed(f"{rest}\n{command.given}", 1, taint, always=prints_result)
        if shown_by:
            return shown_by[0][1]
    if _FILTERS.fullmatch(name) or (name == "openssl" and {"base64", "-base64", "-a"} & {*arguments}):
        return _filtered(command, arguments, flowing, taint)
    return taint.in_files(arguments) if len(arguments) == 1 else ""  # $(<file)


_EDITORS = ("sed", "yq", "awk", "gawk", "mawk")


def _filtered(command: ShellCommand, arguments: list[str], flowing: str, taint: Taint) -> str:
    edited = ""
    if arguments[0] in _EDITORS:
        if _edits_files(arguments):
            return ""
        edited = taint.of(" ".join(arguments[1:]))
    elif arguments[0] == "xargs" and {*PRINTERS} & {*arguments}:
        edited = taint.of(" ".join(arguments[1:]))
    return edited or flowing or taint.of(command.given) or taint.in_files(arguments[1:])


def _edits_files(arguments: list[str]) -> bool:
    return any(re.match(r"-\w*i|--in-?place", word) for word in arguments[1:])


def printed(program: str, line: int, taint: Taint, *, always: bool = False) -> list[tuple[int, str]]:
    """Lines of a program in another language that print a secret. ``always``: each line prints what it reads."""
    holder, results = _Held(taint, {"argv": taint.names["@"]} if "@" in taint.names else {}), []
    for number, row in enumerate(program.replace(LITERAL, "$").split("\n"), line):
        if re.match(r"\s*(?:#|//)", row) or re.search("add-mask|setSecret", row):
            continue
        call = re.match("", row) if always else _PRINT_CALL.search(row)
        secret = holder.by(row[call.start() :] if call else row)
        if call and secret:
            results.append((number, secret))
        elif secret and (assigned := _ASSIGNED.match(row)):
            holder.names[assigned[1]] = secret
    return results


class _Held:
    """Variables of a program that hold secrets, by name."""

    def __init__(self, taint: Taint, names: dict[str, str]) -> None:
        self._taint, self.names = taint, names
        variables = [re.escape(name) for name in taint.own if name[0] != "!"]
        self._read = re.compile(rf"{_READ}({'|'.join(variables)})\b|{_WHOLE}", re.IGNORECASE) if variables else None

    def by(self, text: str) -> str:
        match = self._read.search(text) if self._read else None
        if match:
            return f"${match[1]}" if match[1] else f"the variables, {self._taint.named()} among them"
        words = (word for word in re.findall(r"\w+", _PLAIN_TEXT.sub("", text)) if word in self.names)
        return self._taint.of(text) or next((self.names[word] for word in words), "")


_HANDED_ON = re.compile(r"core\.(setOutput|exportVariable)\(\s*['\"]([\w-]+)['\"]\s*,(.*)")


def handed_on(program: str, taint: Taint) -> Iterator[tuple[bool, str]]:
    """Names by which a program passes a secret to later steps. True for a variable, False for an output."""
    holder = _Held(taint, {})
    for row in program.split("\n"):
        match = _HANDED_ON.search(row)
        if match and holder.by(match[3]):
            yield match[1] == "exportVariable", match[2]


def is_console(target: str) -> bool:
    return not target or _CONSOLE.fullmatch(target) is not None


def keep(command: ShellCommand, arguments: list[str], flowing: str, taint: Taint) -> None:
    """Records variables and files that get a secret, other than by an assignment or a redirection."""
    name, rest = arguments[0], arguments[1:]
    if name in ("for", "select"):
        for word in rest[2:]:
            taint.assign(rest[0], word)
    elif name in ("read", "mapfile", "readarray"):
        secret = flowing or taint.of(command.given) or taint.in_files(rest)
        taint.names.update({word: f"${word}" for word in rest if secret and word.isidentifier()})
    elif name == "printf" and rest[:1] == ["-v"] and len(rest) > 1:
        taint.assign(rest[1], " ".join(rest[2:]))
    elif name == "tee" and (flowing or taint.of(command.given)):
        secret = flowing or taint.of(command.given)
        taint.files.update({plain_path(word): secret for word in rest if not word.startswith("-")})
    else:
        _keep_in_files(name, arguments, taint)


def _keep_in_files(name: str, arguments: list[str], taint: Taint) -> None:
    rest = arguments[1:]
    if name in ("cp", "mv", "ln", "install") and taint.in_files(rest[:-1]):
        target, source = plain_path(rest[-1]), next(word for word in rest if plain_path(word) in taint.files)
        for file in (target.rstrip("/"), posixpath.join(target, posixpath.basename(source))):
            taint.files[file] = taint.in_files(rest[:-1])
    elif name in _EDITORS and _edits_files(arguments) and taint.of(" ".join(rest)):
        taint.files[plain_path(rest[-1])] = taint.of(" ".join(rest))
    elif name == "git" and rest[:1] == ["config"] and taint.of(" ".join(rest)):
        taint.files[".git/config"] = taint.of(" ".join(rest))
    elif name in ("source", "."):
        taint.names |= {key: f"${key}" for path in map(plain_path, rest) for key in taint.keys.get(path, ()) if key}
    elif name in ("tar", "zip", "7z") and taint.in_files(rest):
        taint.files.update({plain_path(word): taint.in_files(rest) for word in rest if _ARCHIVE.fullmatch(word)})


def script_in(arguments: list[str], text: str) -> str:
    """The shell script in the arguments of a command or in its input ``text``, or empty."""
    name, rest = arguments[0], arguments[1:]
    if name == "eval":
        return " ".join(rest).replace(LITERAL, "$")
    if name == "trap" and len(rest) > 1:
        return rest[0].replace(LITERAL, "$")
    if name == "find" and {"-exec", "-execdir"} & {*rest}:
        at = next(at for at, word in enumerate(rest) if word in ("-exec", "-execdir"))
        return " ".join(word for word in rest[at + 1 :] if word not in (";", "+")).replace(LITERAL, "$")
    if name == "ssh":
        pairs = enumerate(zip(["", *rest], rest))  # noqa: B905 each with the one before it
        host = next((at for at, (before, word) in pairs if word[:1] != "-" and not _SSH_OPTION.fullmatch(before)), 0)
        if rest[host + 1 :]:
            return " ".join(rest[host + 1 :]).replace(LITERAL, "$")
    after = arguments[next((at for at, word in enumerate(arguments) if word in _STARTERS), len(arguments)) :]
    option = next((at for at, word in enumerate(after) if re.fullmatch(r"-[a-zA-Z]*c", word)), len(after))
    if after[option + 1 :]:
        return after[option + 1].replace(LITERAL, "$")
    if name in (*_SHELLS, "ssh") and not (name != "ssh" and script_file(arguments)[0]):
        return text.replace(LITERAL, "$")
    return ""


def script_file(arguments: list[str]) -> tuple[str, list[str]]:
    """The path of the script that a command runs, or empty, and the script's arguments."""
    name, rest = arguments[0], arguments[1:]
    if name in (*_SHELLS, *_PROGRAMS, "source", "."):
        for at, word in enumerate(rest):
            if re.fullmatch(r"-[a-zA-Z]*[cmers]|-", word):
                break
            if word[:1] not in "-+" and not re.search(r"(?:^|[^.])-\w*o$", rest[at - 1] if at else ""):
                return word, rest[at + 1 :]
        return "", []
    is_path = "/" in name or re.search(r"\.\w+$", name)
    return (name, rest) if is_path else ("", [])


def is_program(starter: str, path: str, text: str) -> bool:
    return starter in _PROGRAMS or bool(_PROGRAM_FILE.fullmatch(path) or _PROGRAM_LINE.match(text))


def is_shell(starter: str, path: str, text: str) -> bool:
    is_named = path.endswith((".sh", ".bash", ".zsh", ".ksh"))
    return starter in (*_SHELLS, "source", ".") or is_named or bool(re.match(r"#!.*\b(?:ba|da|z|k)?sh\b", text))
