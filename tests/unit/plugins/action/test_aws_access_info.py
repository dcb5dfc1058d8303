# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import yaml

from ansible_collections.watchparty.secrets.plugins.action import aws_access_info
from ansible_collections.watchparty.secrets.plugins.modules import aws_access_info as document
from tests.unit.plugins.action.test_leak_documentation import options_of, taken


def test_the_documented_options_are_those_that_it_takes() -> None:
    assert options_of(document) == taken(aws_access_info.ActionModule.extra_options)
    suboptions = yaml.safe_load(document.DOCUMENTATION)["options"]["workflow"]["suboptions"]
    assert set(suboptions) == set(aws_access_info.WORKFLOW)
