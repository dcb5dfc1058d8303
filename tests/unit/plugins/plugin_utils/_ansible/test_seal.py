# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleActionFail
from cryptography.fernet import Fernet

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import seal


def test_sealed_values_show_nothing_and_open_again() -> None:
    values = {"settings": {"KEY": "canary \u00e9 \ud800"}, "tries": [{"former": ["canary-2"]}]}
    result = {"changed": False, **seal.sealed(**values)}
    assert "canary" not in str(result)
    assert seal.opened(result) == {"changed": False, **values}


def test_a_result_without_sealed_values_stays_as_it_is() -> None:
    assert seal.opened({"settings": {"KEY": "plain"}}) == {"settings": {"KEY": "plain"}}


OTHER_RUN = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()


@pytest.mark.parametrize(
    "token", ["", "text", "\u00e9", OTHER_RUN], ids=["empty", "text", "not ASCII", "another run's"]
)
def test_another_runs_values_are_refused(token: str) -> None:
    with pytest.raises(AnsibleActionFail, match="belong to another run or were changed"):
        seal.opened({seal.SEALED: token})


def test_changed_values_are_refused() -> None:
    token = seal.sealed(settings={"KEY": "canary"})[seal.SEALED]
    with pytest.raises(AnsibleActionFail, match="belong to another run or were changed"):
        seal.opened({seal.SEALED: token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]})


def test_fingerprints_compare_within_a_run() -> None:
    first = seal.fingerprints({"A": "canary", "B": "canary", "C": "other", "D": "\ud800"})
    assert first["A"] == first["B"] != first["C"]
    assert "canary" not in json.dumps(first)
