# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which versions a scrub leaves readable, why, and what scrubs them later."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, PendingTask
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import scrub_exceptions

DUE = "2026-12-09T10:00:00Z"
BY_HAND = "no run scrubs the version then: deny its id by hand in the secret's policy"
REPLACED = "holds the previous value of x, which r1 replaced. Revoke this value"
FORMER = f"From {DUE} on, {{}} it: ansible-playbook watchparty.secrets.rotate -e rotation_credentials=x"
AGAIN = "once that is done, the same command scrubs the version"
LATER = f"{AGAIN}"


def journal(**extra: Any) -> Journal:
    entry = {"id": "r1/x", "credential": "x", "due": DUE, "rotation": "r1", "secrets": {"core": "v1"}, **extra}
    return Journal(pending_tasks={"r1/x": PendingTask(**entry)})


@pytest.mark.parametrize(
    ("extra", "leaked", "message"),
    [
        (
            {"act": "confirm"},
            ["x"],
            f"{REPLACED}, then run the same command with -e leak_revoked=x, which scrubs the version",
        ),
        (
            {"act": "confirm"},
            [],
            (
                f"{REPLACED}, then confirm it by "
                f"ansible-playbook watchparty.secrets.rotate -e rotation_revoked=x; {BY_HAND}"
            ),
        ),
        ({"act": "drop_fallback"}, [], f"holds the previous key of x. {FORMER.format('drop')}; {BY_HAND}"),
        ({"act": "revoke"}, [], f"holds the previous value of x. {FORMER.format('revoke')}; {BY_HAND}"),
        (
            {"act": "revoke"},
            ["x"],
            f"holds the previous value of x. {FORMER.format('revoke')}; {AGAIN}",
        ),
        (
            {"act": "revoke", "hosts": ("web2",)},
            ["x"],
            "holds a value that is still authorized on web2; a run scrubs the version once they reject the value",
        ),
    ],
)
def test_what_an_open_pending_task_names(extra: dict[str, Any], leaked: list[str], message: str) -> None:
    assert scrub_exceptions.spared(journal(**extra), leaked) == {("core", "v1"): message}


def test_one_version_that_several_need() -> None:
    both = {name: PendingTask(name, name[3:], "confirm", DUE, name[:2], {"core": "v1"}) for name in ("r1/x", "r2/y")}
    (message,) = scrub_exceptions.spared(Journal(pending_tasks=both), ["x", "y"]).values()
    assert message.startswith("holds the previous value of x, which r1 replaced. ")
    assert "; and holds the previous value of y, which r2 replaced. " in message


def test_nothing() -> None:
    assert scrub_exceptions.spared(Journal(), ["x"]) == {}
