# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible finds each playbook of an installed collection by its full name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.playbooks.variables import PLAYBOOKS


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_no_folder_has_the_name_of_a_playbook(playbook: Path) -> None:
    """For watchparty.secrets.NAME Ansible takes a path NAME before NAME.yml, and a folder is an error."""
    assert not playbook.with_suffix("").exists()
