# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the environment that supervisor's configuration sets for a program.

An application may own these files: only regular files are read, with limits on size and number.
"""

from __future__ import annotations

import configparser
import glob
import itertools
import os
import re
import shlex
from typing import Dict, Iterator, List, Mapping, NamedTuple, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files

MOST, LARGEST = 200, 1 << 20
"""Files, and bytes of each."""
_EXPANSION, _EXPANDED = re.compile(r"%\(\w+\)s"), "__expanded__"
_PROGRAMS = ("program", "fcgi-program", "eventlistener")


class Section(NamedTuple):
    path: str
    name: str
    options: Mapping[str, str]


def sections(file: str) -> List[Section]:
    """Sections of the file and its included files. Raises HostError."""
    own = _read(file)
    patterns = [word for section in own if section.name == "include" for word in _words(file, section)]
    included = itertools.chain.from_iterable(glob.iglob(pattern) for pattern in patterns)
    paths = sorted(itertools.islice(included, MOST + 1))
    if len(paths) > MOST:
        raise HostError("supervisor: %s includes more than %d files" % (file, MOST))
    return [*own, *(section for path in paths for section in _read(path))]


def environments(all_sections: List[Section], unit: str) -> Dict[str, Dict[str, str]]:
    """Settings of a unit in each file. A unit is ``program`` or ``group:process``."""
    group, _colon, process = unit.partition(":")
    names = {group, process or group}
    for section in all_sections:
        if section.name == "group:" + group:
            names.update(word.strip() for word in section.options.get("programs", "").split(","))
    wanted = {"%s:%s" % (kind, name) for kind in _PROGRAMS for name in names} | {"supervisord"}
    results: Dict[str, Dict[str, str]] = {}
    for section in all_sections:
        if section.name in wanted and section.options.get("environment"):
            results.setdefault(section.path, {}).update(_pairs(section.options["environment"]))
    return results


def _read(path: str) -> List[Section]:
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    try:
        with safe_files.place(os.path.realpath(path)) as at, os.fdopen(safe_files.opened(at), "rb") as stream:
            parser.read_string(stream.read(LARGEST).decode("utf-8"))
    except OSError as error:
        raise HostError("supervisor: %s cannot be read: %s" % (path, error.strerror)) from None
    except (configparser.Error, UnicodeDecodeError):
        raise HostError("supervisor: %s is not valid; supervisorctl reread names the error" % path) from None
    return [Section(path, name, dict(parser.items(name))) for name in parser.sections()]


def _words(file: str, section: Section) -> Iterator[str]:
    directory = os.path.dirname(os.path.abspath(file))
    for word in section.options.get("files", "").split():
        yield os.path.join(directory, word.replace("%(here)s", directory))


def _pairs(text: str) -> Iterator[Tuple[str, str]]:
    """Pairs of ``KEY="value",OTHER=value``, read as supervisor does."""
    lexer = shlex.shlex(_EXPANSION.sub(_EXPANDED, text).replace("%%", "%"))
    lexer.wordchars += "/.+-():"
    try:
        tokens = list(lexer)
    except ValueError:
        raise HostError('supervisor: the option environment has no valid list KEY="value"') from None
    for at in range(0, len(tokens) - 2, 4):
        if _EXPANDED not in tokens[at + 2]:  # the running process shows what an expansion gives
            yield tokens[at], tokens[at + 2].strip("'\"")
