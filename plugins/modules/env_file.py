#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_file
short_description: Write an application's .env exactly, atomically and privately
version_added: 0.1.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Writes a C(.env) that every chosen reader reads back exactly, in one step and never with a wider mode than asked
    for.
  - The values come from a registered result of M(watchparty.secrets.env_snapshot), named by O(snapshot), so that the
    task's arguments hold no value. An action plugin renders the file on the controller and hands the module one opaque
    string inside the pipelined connection.
  - Keeps a mark (which snapshot was accepted and which one the services were healthy on) and the last healthy
    file, both 0600. As root they lie in a directory of root's, C(/var/lib/watchparty-secrets/NAME), or
    C(/run/watchparty-secrets/NAME) for a file below C(/run) or C(/dev/shm); NAME is what C(systemd-escape --path)
    makes of O(path). Any other account keeps them beside the file, as C(.env.mark) and C(.env.healthy).
  - As root it refuses a directory on the way to the file that belongs to an account other than root and the file's
    owner, or that others may write.
  - With O(services) it goes on where RV(restart_needed) says so. It restarts them, asks each health address on the host
    itself until it answers 200, looks whether the systemd units stayed up, and records the file as healthy. A failure
    leaves the file unrecorded, and the result says what was written.
  - Refuses to send anything where it would touch the host's disk on the way, that is without pipelining, with
    C(ANSIBLE_KEEP_REMOTE_FILES), with C(become_method=su) or with C(async).
options:
  path:
    description:
      - The file on the host. Its directory must exist. Anything but a regular file is refused. So is a symbolic link in
        any component, unless root or the account that writes made it where no other account can replace it.
    type: path
    required: true
  state:
    description:
      - V(present) writes the file. V(healthy) records that the services are healthy on it. V(restored) puts the last
        healthy file back, or removes the file where there was none before.
    type: str
    choices: [present, healthy, restored]
    default: present
  snapshot:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.env_snapshot) was registered.
      - Exactly one of O(snapshot) and O(env) is needed. With O(state=healthy) and O(state=restored) it says which
        deploy is meant; a file that another run wrote since is left as it is. Only O(delivery) tells such a file from
        one that holds the same snapshot again.
    type: str
  delivery:
    description:
      - RV(delivery) of the execution that wrote the file, for O(state=healthy) and O(state=restored). Where other bytes
        were written since, the file is left as it is, also when it holds the same snapshot again. So is one that
        another run, which delivered the same bytes, recorded as healthy, with O(state=restored).
    type: str
  env:
    description: The settings as a mapping of strings. The action plugin takes it out of the task's arguments.
    type: dict
  content:
    description: The rendered file. Set by the action plugin; giving it yourself is an error.
    type: str
  snapshot_id:
    description: Name of the snapshot. Set by the action plugin.
    type: str
  journal:
    description: Journal number that the snapshot was read under. Set by the action plugin.
    type: int
    default: 0
  fingerprint_key:
    description: Key of this run's fingerprints. Set by the action plugin, random, and never kept.
    type: str
  readers:
    description:
      - The programs that read the file. See the page docs/explanation/dotenv.md for what each can carry.
      - A O(snapshot) brings the C(readers) of its catalog, which are used unless this option is given.
    type: list
    elements: str
    choices: [python_dotenv, django_environ, shell, systemd, docker_compose, decouple, node, honcho, direnv, docker_run]
    default: [python_dotenv, django_environ, shell, systemd, docker_compose]
  merge:
    description: Keep the other lines of a present file instead of replacing the whole file.
    type: bool
    default: false
  mark:
    description: Whether to keep the mark and the last healthy file.
    type: bool
    default: true
  backup:
    description:
      - Whether a file that is there before the first deploy is kept for a rollback. Without it, a first deploy that
        fails leaves no file. Needs O(mark=true).
    type: bool
    default: true
  assume_healthy:
    description:
      - Whether the file counts as healthy as soon as it is written, because no service is restarted for it. Saves a
        second task with O(state=healthy). Needs O(mark=true).
    type: bool
    default: false
  services:
    description:
      - The services that are restarted and health-checked on the file, for O(state=present) where RV(restart_needed)
        says so, and for O(state=restored) where RV(restored) does. Needs O(mark=true), and O(assume_healthy=false).
      - Redirects are not followed, certificates are checked, and proxies are not used. What a command or an application
        prints is never reported, since it may show settings.
    type: dict
    suboptions:
      command:
        description: A command that restarts every service, instead of O(services.units). It is not run through a shell.
        type: str
      units:
        description: systemd units, restarted one after the other.
        type: list
        elements: str
        default: []
      health_urls:
        description: Addresses that must answer 200.
        type: list
        elements: str
        default: []
      external_health_url:
        description:
          - An address that is asked from the controller once O(services.health_urls) are healthy, before the file is
            recorded as healthy. Nothing is sent to the host where it is not an http or https address.
        type: str
      health_retries:
        description: How often an address is asked again before the services count as unhealthy.
        type: int
        default: 30
      health_delay:
        description: Seconds between two tries.
        type: float
        default: 1
      health_timeout:
        description: Seconds that an answer may take in all.
        type: float
        default: 5
      restart_timeout:
        description:
          - Seconds that restarting everything may take. A host that needs longer counts as lost.
        type: float
        default: 120
      record:
        description:
          - Whether the file is recorded as healthy in the end. A restored file never is; the next
            delivery records it. Without it, O(state=healthy) does so later.
        type: bool
        default: true
  addresses:
    description:
      - Whether to tell the host's own addresses too, which whoever looks for foreign sessions needs. Saves a task.
    type: bool
    default: false
  owner:
    description: Name or number of the owner. A present file keeps its owner by default.
    type: str
  group:
    description:
      - Name or number of the group. By default the primary group of O(owner); without O(owner), a present file keeps
        its group.
    type: str
  mode:
    description: Octal mode of the file, as a string.
    type: str
    default: "0600"
attributes:
  check_mode:
    description: Reports what would change and writes nothing.
    support: full
  diff_mode:
    description: Shows names, kinds of change and fingerprints of this run, never a value.
    support: full
  idempotent:
    description: A second run changes nothing, and mends owner and mode that drifted.
    support: full
  action:
    description: Renders the file on the controller.
    support: full
seealso:
  - module: watchparty.secrets.env_snapshot
  - name: Dialects of .env
    description: Which value which reader can carry.
    link: https://github.com/watchparty/secrets/blob/main/docs/explanation/dotenv.md
"""

EXAMPLES = r"""
- name: Read the environment once
  watchparty.secrets.env_snapshot:
    catalog: "{{ secrets_catalog }}"
    environment: production
  register: env_snapshot
  run_once: true

- name: Deliver it
  watchparty.secrets.env_file:
    path: /srv/watchparty/.env
    snapshot: env_snapshot
    owner: watchparty

- name: Deliver it, restart what reads it, and record that it is healthy
  watchparty.secrets.env_file:
    path: /srv/watchparty/.env
    snapshot: env_snapshot
    owner: watchparty
    services:
      units: [watchparty-web.service, watchparty-worker.service]
      health_urls: ["http://127.0.0.1:8000/health/"]

- name: Record that services that were restarted otherwise are healthy on it
  watchparty.secrets.env_file:
    path: /srv/watchparty/.env
    state: healthy
    snapshot: env_snapshot
    delivery: "{{ delivered.delivery | default(omit) }}" # of the execution that wrote it; check mode has none
"""

RETURN = r"""
path:
  description: The file.
  type: str
  returned: always
  sample: /srv/watchparty/.env
mode:
  description: The file's mode, octal.
  type: str
  returned: when a file is there
  sample: "0600"
restart_needed:
  description: Whether the file is another than the one that the services were healthy on.
  type: bool
  returned: when O(state=present), also after a failed restart or health check
healthy:
  description: Whether the mark names the file as healthy after this run.
  type: bool
  returned: unless O(state=restored), not in check mode
healthy_at:
  description: When the controller learned it, in seconds since 1970.
  type: float
  returned: when RV(healthy)
restored:
  description: Whether a former file is in place again; false means that there was none and the path is empty.
  type: bool
  returned: when O(state=restored), also after a failed restart or health check
health:
  description: The last answer of each address.
  type: list
  elements: dict
  returned: when O(services) were restarted
  sample: [{url: "http://127.0.0.1:8000/health/", status: 200, seconds: 0.012}]
delivery:
  description: Name of the last write of other bytes at this path, for O(delivery).
  type: str
  returned: when O(state=present) and O(mark=true), not in check mode, also after a failed restart or health check
  sample: 8c1f0e7b5a2d9463
changes:
  description: Names of the settings by kind of change.
  type: dict
  returned: when O(state=present)
  sample: {added: [SENTRY_DSN], changed: [SECRET_KEY], removed: []}
unusable:
  description:
    - Whether the host did not take the file, or answered what it never answers. A leak response leaves such a host out
      and names it, so that no host keeps the others from new values. Set by the action plugin.
  type: bool
  returned: when O(state=present) failed before the file was delivered
lost:
  description:
    - Whether the host could not be reached, or was lost on the way. The task fails then, so that C(rescue) runs.
      Set by the action plugin.
  type: bool
  returned: when it is
addresses:
  description: The host's own addresses, as C(hostname -I) tells them; empty where there is no such program.
  type: list
  elements: str
  returned: when O(addresses=true), also in a failure
  sample: [192.0.2.11, "2001:db8::11"]
snapshot_id:
  description: Name of the snapshot.
  type: str
  returned: when O(snapshot) is given
  sample: s-5f2b8c01a9d3e417
"""
