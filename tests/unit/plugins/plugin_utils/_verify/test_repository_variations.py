# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a legitimate repository holds and no check of git or CI reports, with the real git, gitleaks and zizmor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    collect_repository,
    collect_scan,
    zizmor,
)
from tests.unit.plugins.plugin_utils._scan.scan_world import git
from tests.unit.plugins.plugin_utils._verify import verify_facts

DIGEST = "0" * 64
LEGITIMATE = {
    ".gitignore": ".env\n.env.local\n.env.production\n",
    "README.md": """# Shop
    export SECRET_KEY=your-secret-key-here
    export DATABASE_URL=postgres://shop:password@localhost:5432/shop
    export DATABASE_URL=postgres://user:secret@db.example.com:5432/shop
    export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
    export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
    curl -H "Authorization: Bearer $TOKEN" https://api.example.com
    STRIPE_KEY=sk_test_4eC39HqLyjWDarjtT1zdp7dc
""",
    ".env.example": "SECRET_KEY=change_me\nDATABASE_URL=postgres://shop:postgres@localhost/shop\n",
    ".env.test": f"SECRET_KEY=test-key-0123456789abcdef{DIGEST[:30]}xyz\nAPI_TOKEN=9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c\n",
    ".env.schema": "# @required @sensitive\nSECRET_KEY=\nSTRIPE_KEY=exec('op read op://vault/stripe/key')\n",
    ".env.vault": 'DOTENV_VAULT_PRODUCTION="s7NYXa809k/bVSPwIAmJhPJmEGTtU0hG58hOZy7I0ix6y5HP8LsHBsZCYC/gw5D"\n',
    "env.py": 'import os\n\nSECRET_KEY = os.environ["SECRET_KEY"]\n',
    ".github/workflows/test.yml": f"""name: test
on: push
permissions: {{contents: read}}
concurrency: {{group: test, cancel-in-progress: true}}
jobs:
  test:
    name: test
    runs-on: ubuntu-latest
    services:
      postgres:
        image: postgres@sha256:{DIGEST}
        env: {{POSTGRES_PASSWORD: test-only-password, POSTGRES_USER: shop}}
    env:
      DATABASE_URL: postgres://shop:test-only-password@localhost:5432/shop
      HAS_TOKEN: ${{{{ secrets.CODECOV != '' }}}}
    steps:
      - run: python -m pytest
      - if: ${{{{ secrets.CODECOV != '' }}}}
        run: echo "codecov is set, $HAS_TOKEN"
      - run: psql postgres://shop:test-only-password@127.0.0.1/shop -c 'select 1'
        env: {{PGPASSWORD: test-only-password}}
""",
}


@pytest.mark.skipif(
    not (gitleaks.installed() and zizmor.installed()),
    reason="no gitleaks or no zizmor: false alarms were not looked for",
)
def test_no_false_alarm_in_a_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    for name, text in LEGITIMATE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "add", "-A", "--force")
    git(tmp_path, "commit", "-q", "-m", "everything")
    parts: dict[str, Any] = {
        "repository": collect_repository.gather(str(tmp_path), verify_facts.catalog(), frozenset()),
        "workflows": collect_repository.workflows(str(tmp_path)),
        "zizmor": collect_repository.zizmor(str(tmp_path)),
        "unknown_secrets": collect_scan.unknown(str(tmp_path), None, []),
    }
    checks = [check for check in verify_check.registry() if set(check.needs) & set(parts)]
    results = verify_check.run_checks(checks, verify_facts.facts(**parts))
    alarms = {
        result.check.id: [outcome.message for outcome in result.outcomes]
        for result in results
        if result.status in (FAIL, NOT_CHECKED)
    }
    assert alarms == {}
