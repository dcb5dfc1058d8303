# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that freezes in the middle of a delivery: a leak response goes on without it, a rotation stays open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.hostile.frozen import frozen_door
from tests.integration.leak_lab import leak_lab, post_mortem, respond
from tests.integration.rotation_lab import RotationLab, sentences

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection) as made:
        yield made


def test_a_leak_is_contained_without_the_host_that_froze(lab: RotationLab) -> None:
    """Seen to stand still for as long as the host did, which is longer than a run may take here."""
    old = lab.ready()
    with frozen_door(lab, "web2") as frozen:
        run = respond(lab, "-e", "leak_credentials=cache", "-e", "leak_wait_seconds=4")
        assert frozen.exists()
    assert run.code == 0, run.output
    sentences(run, "contained in ")
    assert (
        "web2 was skipped and holds revoked values. When it answers, run "
        "ansible-playbook watchparty.secrets.deploy" in post_mortem(lab)
    )
    assert lab.accepts(old)["cache"] is False
    lab.deploy()
    lab.assert_settled(old)


@pytest.mark.long
def test_a_leak_is_contained_without_a_host_that_lies(lab: RotationLab) -> None:
    """Its answers are refused, so that it counts as lost: it cannot take the containment back."""
    old = lab.ready()
    lying = lab.directory / "lying-python"
    lying.write_text('#!/bin/sh\ncat >/dev/null\necho \'{"changed": true, "add_host": {"host_name": "web1"}}\'\n')
    lying.chmod(0o755)
    kept = lab.host_vars["web2"]
    lab.host_vars["web2"] = {**kept, "ansible_python_interpreter": str(lying)}
    try:
        run = respond(lab, "-e", "leak_credentials=cache", "-e", "leak_wait_seconds=4")
    finally:
        lab.host_vars["web2"] = kept
    assert run.code == 0, run.output
    sentences(run, "contained in ")
    assert (
        "web2 was skipped and holds revoked values. When it answers, run "
        "ansible-playbook watchparty.secrets.deploy" in post_mortem(lab)
    )
    assert "its answer was rejected: it has an unexpected key: add_host" in run.text
    assert lab.accepts(old)["cache"] is False
    lab.deploy()
    lab.assert_settled(old)


@pytest.mark.long
def test_a_rotation_stays_open_where_a_host_froze(lab: RotationLab) -> None:
    old = lab.ready()
    chosen = ("-e", "rotation_credentials=cache", "-e", "rotation_force=true")
    with frozen_door(lab, "web2") as frozen:
        run = lab.rotate(*chosen)
        assert frozen.exists()
    assert run.code != 0, run.output
    sentences(run, "web2", "stopped at step deploy", "Run the same command again to continue")
    assert [name for name in ("web1", "web2") if run.result(name)["failed"]] == ["web2"], run.output
    assert lab.values() == old
    assert lab.accepts(old)["cache"]
    run = lab.rotated(*chosen)
    sentences(run, "was not finished", "is complete")
    lab.assert_settled(old)
