# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

EXAMPLE = "ansible-playbook watchparty.secrets.env_example {run}"


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("repository")
    for name, settings in sorted(result["env_files"].items()):
        if not settings:
            yield good("placeholders only", name)
        for setting, line, message in settings:
            command = EXAMPLE if name.rpartition("/")[2] == ".env.example" else ""
            yield bad(f"{setting} {message}", f"{name}:{line}", file=name, line=line, command=command)
    if not result["env_files"]:
        yield good("no .env file is committed")


CHECK = Check(
    id="WPS102",
    name="committed-env",
    area="git",
    severity="high",
    title="Tracked .env files hold placeholders; tests' .env files no live values",
    reason="Everyone with access to the repository can read the values, and every clone and fork keeps them.",
    fix=(
        "Replace the values by placeholders (.env.example: ansible-playbook watchparty.secrets.env_example), or "
        "remove the file from git: git rm --cached FILE. Then rotate the values that were committed. Tests may hold "
        "values of their own in .env.test, .env.testing and .env.ci."
    ),
    scope=(
        "Tracked files with names such as .env, .env.NAME, .envrc, .flaskenv and NAME.env. Of each the first MiB.",
        "Settings with names such as API_KEY and DB_PASS, and passwords and tokens in URLs. Words are placeholders.",
        "Not .env.vault and .env.schema.",
    ),
    command=EDIT,
    look=look,
    needs=("repository",),
)
