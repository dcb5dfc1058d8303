#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_file
short_description: Write an application's .env exactly, atomically and privately
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Writes a C(.env) that every program in O(readers) reads back exactly. The file changes in one step, and at no moment
    has a wider mode than O(mode).
  - O(snapshot) names the registered result with the values, so the task's arguments contain no value. The controller
    renders the file and sends it over the connection, without a temporary file outside the folder of O(path).
  - Keeps a deploy marker (the accepted snapshot, and the snapshot on which services were healthy) and the last healthy
    file on the host, both with mode 0600. As root, they are in C(/var/lib/watchparty-secrets/NAME), or in
    C(/run/watchparty-secrets/NAME) if O(path) is below C(/run) or C(/dev/shm). NAME is the output of C(systemd-escape
    --path) for O(path). Without root, they are beside O(path), as C(.env.mark) and C(.env.healthy).
  - If the catalog of O(snapshot) declares C(files), the module writes, records and restores these files too. On a host
    with such files, the module refuses O(env) and O(merge=true).
  - As root, the module fails if an account other than root and the file's owner can write a directory of the path.
  - If O(services) is set and RV(restart_needed) is true, the module restarts the services, and asks each health URL
    from the host until its answer has status 200. Then it records the file as healthy.
  - The module fails without pipelining, with C(ANSIBLE_KEEP_REMOTE_FILES), with C(become_method=su) and with C(async),
    because Ansible would then write values to the host's disk.
options:
  path:
    description:
      - The file on the host. Its directory must exist. The module refuses a path that is not a regular file, or that
        leads over a link which another account can replace.
    type: path
    required: true
  state:
    description:
      - V(present) writes the file.
      - V(healthy) records that the services are healthy on the file.
      - V(restored) restores the last healthy file. If there was no file before, it removes the file.
      - V(stopped) stops O(services) until their next restart and leaves the file as it is.
    type: str
    choices: [present, healthy, restored, stopped]
    default: present
  snapshot:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.env_snapshot) was registered. Give either
        O(snapshot) or O(env).
      - With O(state=healthy) and O(state=restored), the snapshot of the deploy to record or to roll back. If another
        run has written another snapshot since, the file stays as it is.
    type: str
  delivery:
    description:
      - For O(state=healthy) and O(state=restored), the result RV(delivery) of the task with O(state=present). If
        another run has written other bytes since, or recorded the same bytes as healthy, O(state=restored) leaves the
        file as it is.
    type: str
  env:
    description: The settings as a mapping of strings. The action plugin removes it from the task's arguments.
    type: dict
  readers:
    description:
      - The programs that read the file. The page docs/explanation/dotenv.md shows which values each program can read.
      - By default the C(readers) in the catalog of O(snapshot).
    type: list
    elements: str
    choices: [python_dotenv, django_environ, shell, systemd, docker_compose, decouple, node, honcho, direnv, docker_run]
    default: [python_dotenv, django_environ, shell, systemd, docker_compose]
  merge:
    description: Whether to keep the other lines of an existing file. If false, the module replaces the whole file.
    type: bool
    default: false
  mark:
    description: Whether to write the deploy marker and keep the last healthy file.
    type: bool
    default: true
  backup:
    description:
      - Whether to keep a copy of a file that existed before the first deploy. If false and the first deploy fails,
        O(state=restored) removes the file, and B(the file that existed before is lost). Needs O(mark=true).
    type: bool
    default: true
  assume_healthy:
    description:
      - Whether to record the file as healthy as soon as it is written. Set this if no service is restarted for the
        file. Needs O(mark=true).
    type: bool
    default: false
  services:
    description:
      - Services to restart and health-check after a write (O(state=present), if RV(restart_needed)) or a rollback
        (O(state=restored), if RV(restored)). Needs O(mark=true) and O(assume_healthy=false).
      - Health checks do not follow redirects, use no proxy, and verify certificates. The module never returns the
        output of a command or of an application.
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
      managed:
        description:
          - Services of the catalog that have another manager than systemd, or a health command, with the keys of
            C(services) in the catalog. C(service) is the name of the service.
        type: list
        elements: dict
        default: []
        suboptions:
          service:
            description: Name of the service.
            type: str
            required: true
          manager:
            description: The program that starts the units.
            type: str
            choices: [systemd, compose, supervisor, runit, command]
            required: true
          units:
            description: Services of the compose file, programs of supervisor, or services of runit.
            type: list
            elements: str
          file:
            description: The compose file, or supervisor's configuration.
            type: str
          directory:
            description: runit's directory of services.
            type: str
          program:
            description:
              - Path of C(docker), C(supervisorctl) or C(sv). Needed only if the program is in no system directory.
            type: str
          restart:
            description: The command that restarts the service.
            type: list
            elements: str
          stop:
            description: The command that stops the service.
            type: list
            elements: str
          status:
            description: A command that ends with exit code 0 while the service runs.
            type: list
            elements: str
          pid_file:
            description: Path of the file that contains the process id of the main process.
            type: str
          health_command:
            description: A command that ends with exit code 0 when the service is healthy.
            type: list
            elements: str
          user:
            description: The account that runs the commands. Never root.
            type: str
      health_urls:
        description: URLs that must answer with status 200.
        type: list
        elements: str
        default: []
      external_health_url:
        description:
          - URL of the application, which the controller asks after all O(services.health_urls) answered with status
            200. The module records the file as healthy only if this URL answers with status 200 too.
        type: str
      health_retries:
        description: How many times to ask a URL again before the services count as unhealthy.
        type: int
        default: 30
      health_delay:
        description: Seconds between two tries of a health check.
        type: float
        default: 1
      health_timeout:
        description: Seconds that one answer may take.
        type: float
        default: 5
      restart_timeout:
        description: Seconds that all restarts together may take. A host that needs longer counts as unreachable.
        type: float
        default: 120
      record:
        description: Whether to record the file as healthy at the end. If false, record it later with O(state=healthy).
        type: bool
        default: true
  addresses:
    description:
      - Whether to also return the host's own addresses in RV(addresses). A search for unknown clients needs them.
    type: bool
    default: false
  owner:
    description:
      - Name or number of the owner. By default an existing file keeps its owner, and a new file belongs to the account
        of the task.
    type: str
  group:
    description:
      - Name or number of the group. By default the primary group of O(owner). If O(owner) is not set either, an
        existing file keeps its group.
    type: str
  mode:
    description: Octal mode of the file, as a string.
    type: str
    default: "0600"
attributes:
  check_mode:
    description: Reports what would change and writes nothing. Fails if a restart would not find a unit.
    support: full
  diff_mode:
    description: Shows names, kinds of change and fingerprints of this run, never a value.
    support: full
  idempotent:
    description: A second run changes nothing, except that it corrects a changed owner or mode.
    support: full
  action:
    description: Renders the file on the controller.
    support: full
seealso:
  - module: watchparty.secrets.env_snapshot
  - name: Dialects of .env
    description: Which values each program can read.
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

- name: Record the file as healthy after another task restarted the services
  watchparty.secrets.env_file:
    path: /srv/watchparty/.env
    state: healthy
    snapshot: env_snapshot
    delivery: "{{ delivered.delivery | default(omit) }}" # of the execution that wrote it; check mode has none
"""

RETURN = r"""
path:
  description: Path of the file.
  type: str
  returned: always
  sample: /srv/watchparty/.env
mode:
  description: Octal mode of the file.
  type: str
  returned: when the file exists
  sample: "0600"
restart_needed:
  description: Whether the file differs from the file on which the services were last healthy.
  type: bool
  returned: when O(state=present), also after a failed restart or health check
healthy:
  description: Whether the deploy marker names the file as healthy after this run.
  type: bool
  returned: when O(state=present) or O(state=healthy), not in check mode
healthy_at:
  description: When the controller learned that the services are healthy, in seconds since 1970.
  type: float
  returned: when RV(healthy)
restored:
  description:
    - Whether the last healthy file was restored. V(false) means that there was no such file, and the module removed the
      new one.
  type: bool
  returned: when O(state=restored), also after a failed restart or health check
health:
  description: The last answer of each health URL.
  type: list
  elements: dict
  returned: when O(services) were restarted
  sample: [{url: "http://127.0.0.1:8000/health/", status: 200, seconds: 0.012}]
delivery:
  description: Id of the write that last changed the bytes of the file, for O(delivery).
  type: str
  returned: when O(state=present) and O(mark=true), not in check mode, also after a failed restart or health check
  sample: 8c1f0e7b5a2d9463
changes:
  description: Names of the changed settings, by kind of change.
  type: dict
  returned: when O(state=present)
  sample: {added: [SENTRY_DSN], changed: [SECRET_KEY], removed: []}
files:
  description: Paths of the other files that were written or removed.
  type: list
  elements: str
  returned: when O(state=present)
unusable:
  description:
    - Whether the host could not take the file, or gave an invalid answer. A leak response skips and names such a host,
      so that the other hosts get new values.
  type: bool
  returned: when O(state=present) failed before the file was delivered
lost:
  description:
    - Whether the host was unreachable before or during the task. The task then fails, so that C(rescue) runs.
  type: bool
  returned: when the host was unreachable
addresses:
  description: The host's own addresses, as C(hostname -I) prints them. Empty if the host has no such program.
  type: list
  elements: str
  returned: when O(addresses=true), also in a failure
  sample: [192.0.2.11, "2001:db8::11"]
snapshot_id:
  description: Id of the snapshot.
  type: str
  returned: when O(snapshot) is given
  sample: s-5f2b8c01a9d3e417
"""
