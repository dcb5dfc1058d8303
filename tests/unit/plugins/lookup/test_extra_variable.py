# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.lookup.extra_variable import LookupModule
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import extra_variables


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    variables: dict[str, Any] = {"repository": "/srv/shop", "names": ["a", "b"], "empty": ""}
    monkeypatch.setattr(extra_variables, "load_extra_vars", lambda loader: variables)
    return variables


def looked_up(*names: str, **options: Any) -> list[Any]:
    templar = SimpleNamespace(template=lambda value: value)
    plugin = LookupModule(loader=None, templar=templar)
    results: list[Any] = plugin.run([*names], variables={"repository": "of the inventory", "deploy": True}, **options)
    return results


@pytest.mark.usefixtures("command_line")
def test_the_command_line_alone_counts() -> None:
    assert looked_up("repository") == ["/srv/shop"]
    assert looked_up("names", "empty") == [["a", "b"], ""]
    assert looked_up("deploy") == [""]
    assert looked_up("deploy", default=False) == [False]


def test_a_value_is_rendered(command_line: dict[str, Any]) -> None:
    def rendered(value: Any) -> Any:
        return {"{{ here }}": "/srv"}.get(value, value)

    command_line["repository"] = "{{ here }}"
    result = extra_variables.extra_variable("repository", loader=None, templar=SimpleNamespace(template=rendered))
    assert result == "/srv"
