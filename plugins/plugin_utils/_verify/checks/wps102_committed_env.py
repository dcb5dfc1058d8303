# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tracked .env files hold placeholders only, those of tests no live value."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("repository")
    for name, settings in sorted(result["env_files"].items()):
        if not settings:
            yield good("placeholders only", name)
        for setting, line, message in settings:
            yield bad(f"{setting} {message}", f"{name}:{line}", file=name, line=line)
    if not result["env_files"]:
        yield good("no .env file is committed")


CHECK = Check(
    id="WPS102",
    name="committed-env",
    area="git",
    severity="high",
    title="Tracked .env files hold placeholders only, those of tests no live value",
    reason="Everyone with access to the repository can read the values, and every clone and fork keeps them.",
    fix=(
        "Write placeholders: ansible-playbook watchparty.secrets.env_example. Then rotate the values that were "
        "committed."
    ),
    command="ansible-playbook watchparty.secrets.env_example {run}",
    look=look,
    needs=("repository",),
)
