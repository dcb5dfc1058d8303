# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each value of the corpus reads back exactly in every real reader, or is refused by name; neither too much."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv import (
    DEFAULT_READERS,
    READERS,
    Unspellable,
    from_dotenv,
    spell,
    to_dotenv,
)
from tests.readers import readers as real

QUOTE_AWARE = tuple(reader for reader in READERS if reader != "docker_run")
AT_LEAST = {
    "the default five": (DEFAULT_READERS, 634),
    "without django_environ": (("python_dotenv", "shell", "systemd", "docker_compose"), 721),
    "all that know quotes": (QUOTE_AWARE, 580),
    "docker_run alone": (("docker_run",), 713),
    "all ten": (READERS, 110),
}
HEADER = 'It\'s "written" by $(a program) with `signs` that ${a} reader might follow, = and all \\'


def carried(corpus: Mapping[str, str], readers: tuple[str, ...]) -> dict[str, str]:
    """The values that can be written for these readers; every other one is refused by name, without its value."""
    refused = {name: error for name, value in corpus.items() if (error := refusal(name, value, readers))}
    for name, error in refused.items():
        assert error.name == name
        assert set(error.readers) <= set(readers)
        assert all(word in str(error) for word in (name, *error.readers))
        assert len(corpus[name]) < 6 or corpus[name] not in str(error)
    return {name: value for name, value in corpus.items() if name not in refused}


def refusal(name: str, value: str, readers: tuple[str, ...]) -> Unspellable | None:
    try:
        spell(name, value, readers)
    except Unspellable as error:
        return error
    return None


def written(tmp_path: Path, values: Mapping[str, str], readers: tuple[str, ...]) -> Path:
    text = to_dotenv(values, readers, header=HEADER)
    assert from_dotenv(text, readers) == values
    path = tmp_path / ".env"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("title", AT_LEAST)
def test_refuses_no_more_than_it_must(title: str, corpus: dict[str, str], table: dict[str, list[str]]) -> None:
    readers, at_least = AT_LEAST[title]
    count = len(carried(corpus, readers))
    table.setdefault(title, []).insert(0, f"{count} of {len(corpus)} values carried, {len(corpus) - count} refused")
    assert count >= at_least


CASES = [
    pytest.param(title, program, id=f"{title}-{program.__name__}")
    for title, (readers, _) in AT_LEAST.items()
    for reader in readers
    for program in real.PROGRAMS.get(reader, ())
]


@pytest.mark.parametrize(("title", "program"), CASES)
def test_reads_back_exactly(
    title: str, program: real.Program, corpus: dict[str, str], tmp_path: Path, table: dict[str, list[str]]
) -> None:
    readers, _ = AT_LEAST[title]
    values = carried(corpus, readers)
    try:
        result = program(written(tmp_path, values, readers))
    except (real.Unavailable, ImportError) as error:
        table.setdefault(title, []).append(f"{program.__name__}: {error}")
        pytest.skip(str(error))
    # Equal as a whole: a value that reaches into others shows as a name that was not written.
    assert dict(result) == values
    table.setdefault(title, []).append(f"{program.__name__}: {len(values)} read back exactly")


@pytest.mark.hosts
@pytest.mark.parametrize("title", [title for title, (readers, _) in AT_LEAST.items() if "systemd" in readers])
def test_systemd_reads_back_exactly(
    title: str, corpus: dict[str, str], tmp_path: Path, table: dict[str, list[str]], run_on_host: real.RunOnHost
) -> None:
    readers, _ = AT_LEAST[title]
    values = carried(corpus, readers)
    assert real.systemd(written(tmp_path, values, readers), run_on_host) == values
    table.setdefault(title, []).append(f"systemd: {len(values)} read back exactly")
