# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The workflow that deploys an application from GitHub, generated from its catalog. It holds no value of a store."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import SECRET

ACTIONS = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "aws-actions/configure-aws-credentials": ("e6de054238d6b7531b4efff3b6587d9aade6a06c", "v6.2.3"),
}
"""The pinned commit of each action, and the release whose tag named this commit."""
KEY, KNOWN_HOSTS, ROLE = "SSH_PRIVATE_KEY", "SSH_KNOWN_HOSTS", "AWS_ROLE_TO_ASSUME"
LOCAL = ("local", "ci")
"""Environments that no workflow deploys."""
_INPUTS = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*")


@dataclass(frozen=True)
class Options:
    """Properties of the workflow that the catalog does not have."""

    branch: str = "main"
    """The branch whose pushes deploy the first environment."""
    inventory: str = "deploy/inventory"
    requirements: str = "deploy/requirements.txt"
    """The requirements file of pip: Ansible and boto3, pinned."""
    collections: str = "deploy/requirements.yaml"
    """The requirements file of ansible-galaxy: this collection, pinned."""
    python: str = "3.13"
    runner: str = "ubuntu-24.04"
    playbook: str = "watchparty.secrets.deploy"


def workflow(catalogs: Mapping[str, Catalog], options: Options) -> str:
    """The file for ``.github/workflows``: one job for each environment, in this order. Raises :class:`CatalogError`."""
    odd = [
        f"{name}: {text!r} may hold letters, digits, dots, slashes, - and _ only"
        for name, text in vars(options).items()
        if not _INPUTS.fullmatch(str(text))
    ]
    wanted = {name: catalog for name, catalog in catalogs.items() if name not in LOCAL}
    if not wanted:
        odd.append("environments: names no environment that a workflow can deploy")
    missing = [
        f"environments.{name}.region: is required, because a runner of GitHub has no region"
        for name, catalog in wanted.items()
        if not catalog.region
    ]
    if odd or missing:
        raise CatalogError(odd + missing)
    names = list(wanted)
    lines = [
        "# Made from the catalog by the playbook github_workflow; change it there.",
        "name: Deploy",
        "",
        "on:",
        "  push:",
        f"    branches: [{options.branch}]",
        "  workflow_dispatch:",
        "    inputs:",
        "      environment:",
        "        description: Where to",
        "        type: choice",
        f"        options: [{', '.join(names)}]",
        "",
        "permissions: {}",
        "",
        "jobs:",
    ]
    for at, name in enumerate(names):
        lines += _job(wanted[name], name, options, pushed=at == 0)
    return "\n".join(lines).rstrip("\n") + "\n"


def _job(catalog: Catalog, name: str, options: Options, *, pushed: bool) -> list[str]:
    where = catalog.github.environment if catalog.github else name
    chosen = f"inputs.environment == '{name}'"
    when = f"github.event_name == 'push' || {chosen}" if pushed else chosen
    return [
        f"  {name}:",
        f"    name: Deploy to {name}",
        f"    if: {when}",
        f"    runs-on: {options.runner}",
        "    timeout-minutes: 60",
        "    # Its reviewers approve, and its name is in the subject that AWS trusts.",
        f"    environment: {where if re.fullmatch('[A-Za-z][A-Za-z0-9_-]*', where) else json.dumps(where)}",
        "    # A deploy that has begun is not cut short by the next one.",
        "    concurrency:",
        f"      group: deploy-{name}",
        "      cancel-in-progress: false",
        "    permissions:",
        "      contents: read # to check out",
        "      id-token: write # to be recognised by AWS",
        "    steps:",
        *_step("Check out", "actions/checkout", {"persist-credentials": "false"}),
        *_step("Set up Python", "actions/setup-python", {"python-version": json.dumps(options.python)}),
        "      - name: Install Ansible and the collection",
        "        run: |",
        f"          python -m pip install --disable-pip-version-check -r {options.requirements}",
        f"          ansible-galaxy collection install -r {options.collections}",
        *_step("Become the deploy role", "aws-actions/configure-aws-credentials", _aws(catalog, name)),
        *_deploy(catalog, name, options),
        "",
    ]


def _step(title: str, action: str, values: Mapping[str, str]) -> list[str]:
    commit, version = ACTIONS[action]
    lines = [f"      - name: {title}", f"        uses: {action}@{commit} # {version}", "        with:"]
    return lines + [f"          {name}: {text}" for name, text in values.items()]


def _aws(catalog: Catalog, name: str) -> dict[str, str]:
    account = catalog.expected_account_id
    role = catalog.aws.roles["deploy"] if catalog.aws else ""
    arn = f"arn:aws:iam::{account}:role/{role}" if account and role else _expression(f"vars.{ROLE}")
    return {
        "role-to-assume": arn,
        "aws-region": str(catalog.region),
        "role-session-name": f"deploy-{name}-{_expression('github.run_id')}",
        "mask-aws-account-id": "true",
        **({"allowed-account-ids": json.dumps(account)} if account else {}),
    }


def _deploy(catalog: Catalog, name: str, options: Options) -> list[str]:
    """The key goes through a pipe into an agent that ends with the step. No file ever holds the key."""
    inventory = [setting for setting in catalog.settings.values() if setting.github and setting.inventory]
    values = {KEY: _read(catalog.settings.get(KEY), KEY), KNOWN_HOSTS: _read(catalog.settings.get(KNOWN_HOSTS))}
    values.update({setting.name: _read(setting) for setting in inventory if setting.name not in values})
    return [
        "      - name: Deploy",
        "        env:",
        *(f"          {key}: {text}" for key, text in values.items()),
        "        run: |",
        "          set -euo pipefail",
        '          known_hosts="$RUNNER_TEMP/known_hosts"',
        f'          if [ -z "${KNOWN_HOSTS}" ]; then',
        f'            echo "::error::{KNOWN_HOSTS} is empty; store the lines of ssh-keyscan in it, once compared"',
        "            exit 1",
        "          fi",
        f'          printf \'%s\\n\' "${KNOWN_HOSTS}" > "$known_hosts"',
        '          eval "$(ssh-agent -s)" > /dev/null',
        "          trap 'ssh-agent -k > /dev/null' EXIT",
        f"          printf '%s\\n' \"${KEY}\" | ssh-add -q -",
        f"          unset {KEY}",
        "          export ANSIBLE_HOST_KEY_CHECKING=True",
        '          export ANSIBLE_SSH_COMMON_ARGS="-o UserKnownHostsFile=$known_hosts -o StrictHostKeyChecking=yes"',
        f"          ansible-playbook -i {options.inventory} {options.playbook} -e app_environment={name}",
    ]


def _read(setting: Setting | None, name: str = KNOWN_HOSTS) -> str:
    """The expression that reads a setting at GitHub.

    If the catalog does not sync the setting, the SSH key is a secret, and any other setting is a variable.
    """
    if setting is not None and setting.github:
        return _expression(f"{'secrets' if setting.github == SECRET else 'vars'}.{setting.name.upper()}")
    return _expression(f"secrets.{name}" if name == KEY else f"vars.{name}")


def _expression(text: str) -> str:
    return "${{ " + text + " }}"


def order(names: Sequence[str]) -> list[str]:
    """Puts production first, because a push deploys the first environment."""
    return sorted(names, key=lambda name: (name != "production", name))
