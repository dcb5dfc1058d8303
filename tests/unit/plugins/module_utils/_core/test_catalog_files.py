# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which settings stand in which file, and what the catalog may not say."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_files, catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError

SETTINGS = {"A": {"group": "core"}, "B": {"group": "core"}, "L_*": {"parameter": "X/L_*"}, "G": {"github": "secret"}}
VALUES = {"A": "1", "B": "2", "L_ONE": "3", "L_TWO": "4"}


def parsed(**files: Any) -> dict[str, catalog_files.OutputFile]:
    document = {"application": "app", "settings": SETTINGS, "files": files}
    return dict(catalog_parser.parse(document, "test").files)


def test_without_files_every_setting_is_in_env() -> None:
    assert catalog_files.in_env(parsed().values(), VALUES) == VALUES


def test_a_setting_of_another_file_is_in_env_only_if_it_is_listed_for_both() -> None:
    files = parsed(web={"path": "web.env", "settings": ["A", "B"], "also_in_env": ["B"]})
    assert catalog_files.in_env(files.values(), VALUES) == {"B": "2", "L_ONE": "3", "L_TWO": "4"}
    assert files["web"].values(VALUES) == {"A": "1", "B": "2"}


def test_a_pattern_takes_every_setting_that_it_matches() -> None:
    files = parsed(flags={"path": "flags.json", "format": "json", "settings": ["L_*"]})
    assert catalog_files.in_env(files.values(), VALUES) == {"A": "1", "B": "2"}
    assert files["flags"].values(VALUES) == {"L_ONE": "3", "L_TWO": "4"}


def test_a_file_survives_the_snapshot_and_a_credential_has_defaults() -> None:
    (file,) = parsed(
        db={"path": "/etc/credstore.encrypted/db", "format": "systemd_credential", "settings": ["A"]}
    ).values()
    assert (file.owner, file.credential, file.mode) == ("root", "db", "0600")
    assert catalog_files.output_file(file.data) == file


def test_a_file_may_be_for_some_hosts_only() -> None:
    files = parsed(
        everywhere={"path": "a", "settings": ["A"]},
        workers={"path": "b", "settings": ["B"], "hosts": ["workers", "web1"]},
    )
    names = {
        host: [file.name for file in catalog_files.of_host(files.values(), {host, group})]
        for host, group in (("web1", "web"), ("web2", "web"), ("job1", "workers"))
    }
    assert names == {"web1": ["everywhere", "workers"], "web2": ["everywhere"], "job1": ["everywhere", "workers"]}
    assert "B" not in catalog_files.in_env(files.values(), VALUES), "not in .env of the other hosts either"


def test_a_file_without_values_is_not_written() -> None:
    (file,) = parsed(a={"path": "a", "format": "value", "settings": ["A"]}).values()
    assert file.content({"B": "2"}, (), "header") is None


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ({"path": "a", "settings": ["C"]}, "files.x.settings: C is not a setting that a deploy writes"),
        ({"path": "a", "settings": ["G"]}, "files.x.settings: G is not a setting that a deploy writes"),
        ({"path": "a", "settings": ["A"], "also_in_env": ["B"]}, "files.x.also_in_env: B is not in settings"),
        (
            {"path": "a", "settings": ["A", "B"], "format": "value"},
            "files.x.settings: a file of the format value holds",
        ),
        ({"path": "a", "settings": ["L_*"], "format": "value"}, "files.x.settings: a file of the format value holds"),
        (
            {"path": "a", "settings": ["A"], "credential": "a"},
            "files.x.credential: is for the format systemd_credential",
        ),
        (
            {"path": "a", "settings": ["A"], "format": "json", "readers": ["shell"]},
            "files.x.readers: is for the format dotenv",
        ),
        (
            {"path": "a", "settings": ["A"], "format": "systemd_credential", "credential": "-x/y"},
            "files.x.credential: '-x/y' is not a credential's name",
        ),
        ({"path": "../a", "settings": ["A"]}, "files.x.path: must contain no '..'"),
        ({"path": "/srv//a", "settings": ["A"]}, "files.x.path: must contain no '..'"),
        ({"path": "a/", "settings": ["A"]}, "files.x.path: must contain no '..'"),
        ({"path": "a\nb", "settings": ["A"]}, "files.x"),
        ({"path": "a", "settings": ["A"], "mode": "0644"}, "files.x"),
        ({"path": "a", "settings": []}, "files.x.settings"),
        ({"path": "a"}, "files.x.settings: is required"),
        ({"settings": ["A"]}, "files.x.path: is required"),
    ],
)
def test_what_the_catalog_may_not_say(file: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        parsed(x=file)
    assert message in str(caught.value)


def test_two_files_cannot_have_one_path() -> None:
    with pytest.raises(CatalogError, match=r"files\.y\.path: is already the path of files.x"):
        parsed(x={"path": "a", "settings": ["A"]}, y={"path": "a", "settings": ["B"]})


def test_an_environment_can_change_and_remove_a_file() -> None:
    document = {
        "application": "app",
        "settings": SETTINGS,
        "files": {"x": {"path": "a", "settings": ["A"]}, "y": {"path": "b", "settings": ["B"]}},
        "environments": {"test": {"files": {"x": {"mode": "0640"}, "y": None}}},
    }
    files = catalog_parser.parse(document, "test").files
    assert [(file.name, file.mode) for file in files.values()] == [("x", "0640")]
