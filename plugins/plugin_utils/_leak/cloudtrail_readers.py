# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Readers of leaked secrets and calls with leaked access keys, from CloudTrail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import names_in
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import READS_STORES
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import cloudtrail_events
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail import CloudTrail, TrailAnswer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

LATE = "CloudTrail shows events up to 15 minutes late and keeps them for 90 days; run the query again in 15 minutes"
PAGES = 10


def question(
    setting: RotationSetup,
    credentials: Sequence[str],
    *,
    seconds: float,
    since: str = "",
    access_keys: Sequence[str] = (),
) -> Callable[[], dict[str, Any]]:
    """A function that asks CloudTrail. It reads nothing else and creates no client, so a thread may call it."""
    wanted = _wanted(setting, credentials, access_keys)
    return asking(setting.connection, wanted, seconds=seconds, since=since)


def asking(
    connection: AwsConnection,
    wanted: cloudtrail_events.WatchedItems,
    *,
    seconds: float,
    since: str = "",
) -> Callable[[], dict[str, Any]]:
    """A function that asks CloudTrail about these secrets, parameters and keys."""
    answer: dict[str, Any] = {"access_keys": sorted(wanted.keys), "asked": False}
    try:
        trail = CloudTrail(connection.bounded_client("cloudtrail", seconds))
    except AnsibleActionFail as error:
        unasked = {**answer, "messages": [f"CloudTrail was not searched: {error}"]}
        return lambda: unasked

    def ask() -> dict[str, Any]:
        trail_answer = trail.ask(
            wanted.questions(),
            since=credential_ages.moment(since) if since else None,
            seconds=seconds,
            pages=PAGES,
        )
        return {**answer, "asked": trail_answer.asked > 0, "messages": _messages(trail.region, trail_answer, wanted)}

    return ask


def _wanted(
    setting: RotationSetup, credentials: Sequence[str], access_keys: Sequence[str]
) -> cloudtrail_events.WatchedItems:
    chosen = setting.chosen(credentials)
    places = [spot.place for credential in chosen for spot in credential_graph.spots(setting.catalog, credential)]
    keys = set(access_keys)
    for credential in chosen:
        if credential.kind in READS_STORES:
            try:
                keys.add(setting.held(credential).login.username or "")
            except SecretsError:  # it is no longer to be read; the keys that were given are asked for
                continue
    return cloudtrail_events.WatchedItems(
        secrets=frozenset(names_in(SECRETS_MANAGER, places)),
        parameters=frozenset(names_in(SSM, places)),
        keys=frozenset(keys - {""}),
    )


def _messages(region: str, trail_answer: TrailAnswer, wanted: cloudtrail_events.WatchedItems) -> list[str]:
    messages = cloudtrail_events.lines(trail_answer.uses, wanted)
    if trail_answer.asked:
        messages = messages or ["CloudTrail has recorded no reader"]
        messages.append(f"CloudTrail was searched in {region} only; {LATE}")
    if trail_answer.asked and not trail_answer.problem:
        messages += [f"CloudTrail's answer is incomplete: {line}" for line in trail_answer.short]
    if trail_answer.problem:
        messages.append(
            f"CloudTrail was not searched{' further' if trail_answer.asked else ''}: {trail_answer.problem}"
        )
    elif not trail_answer.asked:
        messages.append("CloudTrail was not searched: no time was left, or AWS stores none of these credentials")
    return messages
