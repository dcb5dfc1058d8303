# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.filter.application_account import FilterModule

application_account = FilterModule().filters()["application_account"]


@pytest.mark.parametrize(
    ("variables", "become", "user"),
    [
        ({}, False, "root"),
        ({"ansible_become": True}, False, "root"),
        ({"env_deploy_owner": "shop"}, False, "root"),
        ({"ansible_become": False, "env_deploy_owner": "shop"}, False, "root"),
        ({"ansible_become": True, "env_deploy_owner": "shop"}, True, "shop"),
        ({"ansible_become": "yes", "env_deploy_owner": "shop"}, True, "shop"),
        ({"django_become_user": "web", "env_deploy_owner": "shop"}, True, "web"),
        ({"django_become_user": "root"}, True, "root"),
    ],
)
def test_the_account(variables: dict[str, Any], become: bool, user: str) -> None:
    assert application_account(variables) == {"become": become, "user": user}


def test_what_are_no_variables() -> None:
    with pytest.raises(AnsibleFilterError, match="needs a host's variables"):
        application_account("web1")
