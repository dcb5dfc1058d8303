# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions are ended where the catalog or a host declares some, and the drill knows what the run will need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.session_plan import planned
from sandbox.process import REPOSITORY

SHOP = REPOSITORY / "examples" / "minimal" / "group_vars" / "all" / "secrets_catalog.yml"
KEY = {"kind": "django_secret_key", "appears_in": [{"setting": "API_TOKEN"}]}
PURGE = {"purge": {"sessions": {"setting": "DATABASE_URL", "keys": ["session:*"]}}}
CHDIR = (
    "web1: set django_chdir to the folder of the application's manage.py, or set django_session_engine. For an "
    "application without Django, set sessions.engine in the catalog"
)


def shop(**extra: Any) -> Any:
    document = yaml.safe_load(Path(SHOP).read_text(encoding="utf-8"))["secrets_catalog"]
    return catalog_parser.parse({**document, **extra}, "production")


def signed(*uses: str) -> Any:
    return shop(credentials={"key": {**KEY, "used_for": list(uses)}})


NONE = {"ends": False, "declared": False, "against": "", "purged": False, "command": []}


@pytest.mark.parametrize("catalog", [shop(), signed("signing")], ids=["no key", "a key of something else"])
def test_an_application_without_sessions_has_none_to_end(catalog: Any) -> None:
    assert planned(catalog, {"web1": {"ansible_host": "192.0.2.21"}, "web2": {}}, "web1") == NONE


def test_a_key_that_signs_sessions_declares_them() -> None:
    assert planned(signed("signing", "sessions"), {"web1": {}}, "web1") == {
        "ends": True,
        "declared": True,
        "against": CHDIR,
        "purged": False,
        "command": [],
    }


@pytest.mark.parametrize("name", ["django_chdir", "django_session_engine", "django_session_file_path"])
def test_a_host_declares_them(name: str) -> None:
    result = planned(shop(), {"web1": {}, "web2": {name: "/srv/shop"}}, "web1")
    assert (result["ends"], result["declared"]) == (True, True)
    assert result["against"] == CHDIR, "of the host that has to end them"


def test_those_that_are_purged_need_no_host() -> None:
    assert planned(shop(**PURGE), {"web1": {}}, "web1") == NONE | {"declared": True, "purged": True}


@pytest.mark.parametrize(
    ("variables", "against"),
    [
        ({"django_chdir": "/srv/shop"}, ""),
        ({"django_session_engine": "db"}, ""),
        ({"django_session_engine": "auto"}, CHDIR),
        ({"django_session_engine": "file"}, "web1: set django_session_file_path to the folder of the session files"),
        ({"django_session_engine": "file", "django_session_file_path": "/var/lib/shop"}, ""),
    ],
)
def test_what_keeps_the_host_from_it_is_known_before(variables: dict[str, str], against: str) -> None:
    assert planned(shop(), {"web1": variables}, "web1") == NONE | {"ends": True, "declared": True, "against": against}
    assert planned(shop(), {"web1": variables}, "")["against"] == "", "nobody is to end any"


@pytest.mark.parametrize(
    ("sessions", "plan"),
    [
        ({"engine": "none"}, {"ends": False, "declared": True}),
        ({"engine": "django"}, {"ends": True, "declared": True, "against": CHDIR}),
        ({"engine": "command", "command": ["/srv/shop/log-out", "all"]}, {"ends": True, "declared": True}),
    ],
)
def test_the_catalog_decides(sessions: dict[str, Any], plan: dict[str, Any]) -> None:
    """Whatever a key or a host says, such as one of a Flask application."""
    credentials = {"key": {**KEY, "used_for": ["sessions"]}}
    found = planned(shop(credentials=credentials, sessions=sessions), {"web1": {}}, "web1")
    assert found == NONE | {"command": sessions.get("command", [])} | plan


@pytest.mark.parametrize(
    ("sessions", "problem"),
    [
        ({"engine": "command"}, "sessions: engine command needs the key command, and no other engine takes this key"),
        ({"engine": "none", "command": ["/x"]}, "sessions: engine command needs the key command"),
        ({"engine": "command", "command": ["flask", "x"]}, "sessions.command: 'flask' is not a full path"),
        ({"engine": "rails"}, "sessions.engine"),
    ],
)
def test_a_section_that_says_nothing_useful(sessions: dict[str, Any], problem: str) -> None:
    with pytest.raises(CatalogError, match=re.escape(problem)):
        shop(sessions=sessions)
