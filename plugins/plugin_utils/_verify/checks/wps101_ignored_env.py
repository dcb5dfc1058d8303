# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("repository")
    for name, ignored in sorted(result["ignores"].items()):
        if ignored:
            yield good("is ignored", name)
        else:
            yield bad("is not ignored by a .gitignore that git tracks", name, file=".gitignore")


CHECK = Check(
    id="WPS101",
    name="ignored-env",
    area="git",
    severity="high",
    title="Git ignores .env, .env.local and .env.production at the repository's top",
    reason="A .env that git does not ignore is committed by the next 'git add .', and stays in the history for good.",
    fix="Add '.env*' and '!.env.example' to .gitignore.",
    command="printf '%s\\n' '.env*' '!.env.example' >> .gitignore",
    look=look,
    needs=("repository",),
)
