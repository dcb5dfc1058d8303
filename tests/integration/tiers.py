# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tests run where: make test has a selection of what takes long, make long the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from sandbox.binaries import installed_postgres

BOTH = (
    "test_bad_input.py::test_what_is_wrong_with_a_host",
    "test_canary.py::test_async",
    "test_canary.py::test_no_value_is_anywhere_else[linear",
    "test_canary.py::test_what_would_put_values_on_the_hosts_disk_is_refused[files",
    "test_console.py",
    "test_deploy.py::test_a_deploy_its_repetition",
    "test_deploy.py::test_a_host_of_another_environment",
    "test_deploy.py::test_an_environment_named",
    "test_deploy.py::test_an_unhealthy_host_goes_back_and_the_rollout_stops[500",
    "test_deploy.py::test_an_unreachable_host",
    "test_deploy.py::test_limit",
    "test_encrypted_env.py::test_nothing_is_seen",
    "test_github_sync.py::test_what_arrives",
    "test_paths.py::test_a_relative_path[env_example",
    "test_provision_values.py",
    "test_rotate.py::test_the_plan_is_shown",
    "test_tags.py::test_provision",
    "test_tags.py::test_verify",
    "test_terminal.py::test_several_lines_confirm",
    "test_terminal.py::test_what_is_pasted",
)
"""Starts of tests that run with the older Ansible too: of what its templates, options, masking, prompts, connections
and rollouts decide. One version is enough for servers' protocols, and for what plugins decide: their unit tests run
with both.
"""
SELECTED = {
    "test_aws_access.py": (),
    "test_aws_access_key": ("from_end_to_end",),
    "test_aws_as_it_is": (),  # the simulation's reads are behind by up to 30 acts, and its answers are lost
    "test_canary_leak": (),
    "test_canary_rotation": ("no_value_is_anywhere_else", "each_safeguard"),
    "test_django_sessions": ("looked_for_elsewhere", "applications_source[cached_db]"),
    "test_former_keys": ("access_keys",),
    "test_former_logins": ("test_postgresql", "test_valkey"),
    "test_import": (),
    "test_github_rotation": (),
    "test_leak_immediate": (),
    "test_leak_issued": (),
    "test_leak_lost": (),
    "test_leak_parties": (),
    "test_leak_response": ("from_a_paste",),
    "test_leak_scan": ("without_aws",),
    "test_leak_shop": ("contained",),
    "test_leaked_ssh_key": (),
    "test_least_privilege": ("deploys_and_rotations",),
    "test_provision_killed": (),
    "test_provision_values": (),
    "test_real_rotation": (),
    "test_rotate.py": (),
    "test_rotate_bad_input": (),
    "test_rotate_deploys": (),
    "test_rotate_faults": (),  # the simulation loses hosts at every act, test_canary_rotation has a health that fails
    "test_rotate_later": (),
    "test_rotate_third_party": ("third_partys_value",),
    "test_rotate_two": (),  # the simulation stops controllers at every act; in test_journal_store two append at once
    "test_rotation_elasticache": (),
    "test_rotation_parts": (),
    "test_rotation_valkey": (),
    "test_session_probe": ("refused[db]", "loudly[signed_cookies]", "keeps_nobody_logged_in[engine]"),
    "test_sessions": ("over_each_of_djangos[db]",),
    "test_ssh_key.py": ("from_end_to_end",),
    "test_ssh_logins": (),
    "test_valkey_user_killed": (),
    "test_vault_database": (),
    "test_values_terminal": (),
    "test_verify_hosts": (),
    "test_verify_tls": ("from_outside",),
    "test_verify.py": ("healthy_application", "mistakes_on_hosts", "test_mistakes_in_aws", "in_the_repository"),
}
"""Of the slow tests in these files, those that make test runs."""
PLANNED = (
    "a folder of kinds that is not there",
    "an externally issued value is not given",
    "a token that cannot be parsed",
    "no administrator",
    "not found at a place",
    "words that are not understood",
)
"""Bad input to a rotation whose words the unit tests of its plan and of the questions ask for."""
DECIDED = (
    "test_a_file_that_tells_nothing",
    "test_nothing_is_touched[credential]",
    "test_nothing_is_touched[no terminal]",
    "test_nothing_is_touched[nothing]",
    "test_nothing_is_touched[other typos]",
)
"""Bad input to a leak response whose words the unit tests of its impact and of the questions ask for."""
RARELY = (
    "test_alerts.py::test_a_rotation_that_is_rolled_back",  # test_events has an event for each outcome that is recorded
    "test_alerts.py::test_a_rotation_that_stands_still",  # test_segment announces it, and who is killed goes on
    "test_alerts.py::test_who_hangs",  # tests/hostile/test_receivers has them hang, test_events that they stop nothing
    "test_audit_log.py::test_a_log_from_its_first_record_to_its_verification[s3]",
    "test_demo.py::test_interrupted_it_leaves_nothing[PostgreSQL",
    "test_demo.py::test_interrupted_it_leaves_nothing[sample application-2]",
    "test_demo.py::test_interrupted_it_leaves_nothing[new values",
    "test_demo.py::test_interrupted_it_leaves_nothing[Write",
    "test_demo.py::test_it_ends_healthy",  # as test_demo_bare's newcomer sees it
    "test_demo.py::test_kept_it_stays",
    "test_demo_bare.py",  # each installs all packages, as make test does on a machine that has none
    "test_deploy.py::test_an_unhealthy_host_goes_back_and_the_rollout_stops[fail]",
    "test_host_order.py::test_hosts_that_are_left_out[leak_response",
    "test_killed.py::test_killed_between_two_batches",
    "test_leak_alert.py::test_what_is_known_is_contained",
    "test_leak_bad_input.py::test_a_chain_is_as_long",
    "test_leak_bad_input.py::test_a_drill_by_a_variable",
    "test_leak_bad_input.py::test_hosts_that_a_limit_leaves_out[drill]",
    "test_leak_bad_input.py::test_nothing_is_touched[a date to come]",
    "test_leak_bad_input.py::test_nothing_is_touched[a value]",
    "test_leak_bad_input.py::test_nothing_is_touched[host]",
    "test_load.py::test_a_brokers_password",
    "test_load.py::test_a_key_without_a_fallback",
    "test_load.py::test_tasks_without_a_worker",
    "test_rotate.py::test_a_second_run_does_nothing",
    "test_rotate.py::test_all_kinds_in_one_run",
    "test_rotate_third_party.py::test_a_third_partys_value",
    "test_audit_log.py::test_a_cut_off_body_is_found[s3]",
    "test_audit_log.py::test_every_call_fails_at_its_first_try",  # test_backends loses any of its answers
    "test_canary.py::test_no_value_is_anywhere_else[free]",
    "test_canary.py::test_the_search_finds_what_a_broken_masking_lets_out[a command line holds a value]",
    "test_canary.py::test_the_search_finds_what_a_broken_masking_lets_out[a copy lies beside the file]",
    "test_canary.py::test_the_search_finds_what_a_broken_masking_lets_out[others may read the file]",
    "test_canary.py::test_the_search_finds_what_a_broken_masking_lets_out[the diff shows values]",
    "test_canary.py::test_the_search_finds_what_a_broken_masking_lets_out[the health answer is printed]",
    "test_canary.py::test_the_search_finds_what_a_broken_masking_lets_out[the snapshot holds values]",
    "test_canary.py::test_the_search_finds_what_a_broken_masking_lets_out[the snapshot's result is not masked]",
    "test_vault_values.py::test_a_deleted_secret_is_restored",  # test_apply_vault restores, test_vault_store deletes
    "test_vault_values.py::test_github_gets_what_vault_holds",  # test_github_sync sends, test_vault_deploy reads
    "test_vault_rotation.py::test_an_abort_after_a_kill",  # test_vault_store rolls back from the same kill
    "test_vault_rotation.py::test_an_abort_that_is_killed",  # test_rollback_killed is over the same acts
    "test_vault_rotation.py::test_killed_again",  # test_vault_store goes on from each write
    "test_vault_rotation.py::test_the_server_restarts",  # test_vault_deploy seals it, test_rotate_faults loses a host
    "test_vault_rotation.py::test_what_somebody_else_writes",
    "test_audit_log.py::test_a_copy_is_made_by_hand",
    "test_audit_log.py::test_a_runners_workspace",
    "test_audit_log.py::test_bad_input[options0",
    "test_audit_log.py::test_bad_input[options2",
    "test_audit_log.py::test_a_cut_off_body_is_found[logs]",
    "test_by_hand.py::test_finished",
    "test_by_hand_aws.py::test_a_key_is_made_healthy",  # test_by_hand types the same page for a password
    "test_by_hand_aws.py::test_a_key_is_rolled_back",
    "test_by_hand_aws.py::test_a_token_is",
    "test_by_hand.py::test_rolled_back[promoted]",
    "test_canary_rotation.py::test_the_search_finds_what_is_let_out",
    "test_killed.py::test_killed_while_it_goes_back",
    "test_rotate_bad_input.py::test_bad_input[ElastiCache]",
    "test_rotate_bad_input.py::test_bad_input[a key with another use]",
    "test_rotate_bad_input.py::test_bad_input[an externally issued value is empty]",
    "test_rotate_bad_input.py::test_bad_input[an administrator without a password]",
    "test_rotate_bad_input.py::test_bad_input[no setting of previous keys]",
    "test_rotate_bad_input.py::test_bad_input[appears in nothing]",
    "test_rotate_bad_input.py::test_bad_input[no place holds it]",
    "test_rotate_bad_input.py::test_bad_input[no such secret]",
    "test_rotate_bad_input.py::test_bad_input[two passwords]",
    "test_rotate_bad_input.py::test_bad_input[two user names]",
    "test_rotate_bad_input.py::test_bad_input[unknown kind]",
    *(f"test_rotate_bad_input.py::test_bad_input[{row}]" for row in PLANNED),
    *(f"test_leak_bad_input.py::{start}" for start in DECIDED),
    "test_rotate_bad_input.py::test_a_file_of_values_that_others_can_read",
    "test_rotate_bad_input.py::test_the_server_says_no[a right is missing, a user needs no password; in check mode]",
    "test_rotate_faults.py::test_somebody_writes_other_keys",
    "test_rotate_killed.py::test_another_controller_takes_it_back",  # test_rollback_killed kills at every act
    "test_tags.py::test_every_playbook_refuses_to_leave",  # its look at the tags runs always, as for a tag it has not
    "test_sessions.py::test_the_session_engine_over_each_of_djangos[file]",
    "test_valkey_purge.py::test_a_thousand_of_a_million",
    "test_sessions.py::test_the_session_engine_over_each_of_djangos[cache]",
    "test_sessions.py::test_the_session_engine_over_each_of_djangos[cached_db]",
    "test_sessions.py::test_the_session_engine_over_each_of_djangos[signed_cookies]",
)
"""Starts of tests whose like make test has already."""


SLOW = 20
"""So many quick tests take about as long as a slow one."""
LONGEST = (
    *("test_demo_bare.py", "test_outputs.py", "test_rotate_killed.py", "test_leak_killed.py", "test_provision.py"),
    *("test_canary_rotation.py", "test_frozen_rotation.py"),
)
"""Files whose one slow test takes more than a minute of the processor."""
FROM_PYPI = "[embedded"
"""In the names of tests that drive the servers from PyPI too, which those from Debian's packages stand for."""


def assign(items: Iterable[pytest.Item]) -> None:
    """Give each test the marks that its file says."""
    for item in items:
        name = item.nodeid.partition("tests/integration/")[2]
        if name and not name.startswith(BOTH):
            item.add_marker(pytest.mark.servers)
        if name.startswith(RARELY) or (FROM_PYPI in name and installed_postgres() is not None):
            item.add_marker(pytest.mark.long)
        selected = next((chosen for start, chosen in SELECTED.items() if name.startswith(start)), None)
        slow = item.get_closest_marker("slow") is not None
        if slow and selected is not None and not any(part in name for part in selected):
            item.add_marker(pytest.mark.long)


def longest_first(items: list[pytest.Item]) -> None:
    """Files that take long go first, so that none begins when the other processes have nothing left."""
    weights: Counter[str] = Counter()
    for item in items:
        left_out = item.get_closest_marker("long") or item.get_closest_marker("hosts")
        weights[_file(item)] += 0 if left_out else SLOW if item.get_closest_marker("slow") else 1
    items.sort(key=lambda item: (not _file(item).endswith(LONGEST), -weights[_file(item)]))


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
