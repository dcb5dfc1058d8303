#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: valkey_purge
short_description: Delete the keys in Valkey that C(purge) in the catalog declares, and no other keys
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Deletes keys in Valkey (or Redis 6.2 and newer) that match the patterns under C(purge) in the catalog, in a cluster
    on every primary. If an address is a replica, the module deletes the keys on the replica's primary.
  - Uses C(SCAN) and C(UNLINK) in small steps, so that other clients do not wait.
  - The module checks all servers and patterns before it deletes the first key, and never deletes a queue. If it finds a
    blocker, it deletes no key.
  - Runs on a host of the application with the application's interpreter, which has redis-py, and logs in as the
    application does. It was not tested on ElastiCache.
options:
  snapshot:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.env_snapshot) was registered. By default the
        module reads the stores again, which is needed if a password has changed since.
    type: str
  entries:
    description: Names of entries in C(purge) of the catalog. By default all.
    type: list
    elements: str
  kinds:
    description:
      - Kinds of entries to purge. If V(sessions) is not listed, keys of sessions stay, even if an entry of a cache in
        the same database matches them.
    type: list
    elements: str
    choices: [cache, sessions]
    default: [cache, sessions]
  batch:
    description: Number of keys to delete with one command, 1 to 10000.
    type: int
    default: 500
  python:
    description:
      - The application's interpreter on the host, with the driver of the server. By default the interpreter that
        Ansible uses on this host.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
attributes:
  check_mode:
    description: Reads the names of all keys, reports every blocker, and counts the keys.
    support: full
  diff_mode:
    description: Keys are counted, not listed.
    support: none
  idempotent:
    description: A second run deletes keys that the application has written since.
    support: partial
  action:
    description: Resolves names to values on the controller.
    support: full
notes:
  - The module logs in only to primaries that the catalog declares in C(server.nodes) of the administrator or of the
    credential. For ElastiCache and MemoryDB, the domain of the deployment is enough.
  - The catalog refuses a pattern that can match what Celery (C(celery*), C(_kombu.*), C(unacked*)), Channels
    (C(asgi*)), RedBeat, RQ or Dramatiq store. V(*) is accepted for a database that only the cache uses.
  - A setting belongs to a broker if its name contains C(BROKER), C(CELERY), C(RESULT_BACKEND), C(CHANNEL_LAYER) or
    C(CHANNELS). C(broker) of the setting in the catalog overrides this.
  - If a broker also uses the database, no pattern may match the broker's keys. The module reads the names of queues,
    also of empty queues, from Celery's bindings. In such a database, each list, sorted set or stream counts as a
    broker's key.
  - The module compares the servers' answers to C(INFO) to find out whether two settings lead to the same database. If
    the user may not run C(INFO), the module assumes this for databases with the same number.
  - In any other database, the module also fails if it finds keys that look like a broker's keys.
  - The user needs C(+scan +type +unlink +sscan), and in a cluster C(+cluster|slots). With C(+info) and C(+hello), the
    module can check more.
seealso:
  - module: watchparty.secrets.django_sessions
"""

EXAMPLES = r"""
# The catalog has:
#   purge:
#     cache: {setting: REDIS_URL, keys: [":1:*"]}
#     sessions: {setting: SESSION_REDIS_URL, keys: ["session:*"]}
- name: Empty the caches, and leave everybody logged in
  watchparty.secrets.valkey_purge:
    catalog: "{{ secrets_catalog }}"
    environment: "{{ app_environment }}"
    kinds: [cache]
    python: /srv/app/venv/bin/python
  run_once: true
  register: purge

- name: How much it was
  ansible.builtin.debug:
    msg: "{{ purge.count }} keys in {{ purge.milliseconds }} ms"
"""

RETURN = r"""
not_reached:
  description:
    - Whether the host could not be reached. The task then fails, and Ansible does not count the host as unreachable.
  type: bool
  returned: when the host cannot be reached
detail:
  description: Error of the connection.
  type: str
  returned: when the host cannot be reached
count:
  description: Number of keys that were deleted, or in check mode would be deleted.
  type: int
  returned: success
  sample: 1000
milliseconds:
  description: Milliseconds from the first connection to the last deletion.
  type: int
  returned: success
  sample: 412
purged:
  description: The result for each entry of C(purge) in the catalog.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the entry.
      type: str
    kind:
      description: V(cache) or V(sessions).
      type: str
    setting:
      description: The setting whose URL was used.
      type: str
    database:
      description: Number of the database.
      type: int
    nodes:
      description: Addresses of the primaries of this database.
      type: list
      elements: str
    count:
      description: Number of keys that were deleted, or in check mode would be deleted.
      type: int
    spared:
      description: Number of keys that the patterns match and that stay because they are sessions.
      type: int
    milliseconds:
      description: Milliseconds that the deletion took. V(0) in check mode.
      type: int
  sample:
    - {name: cache, kind: cache, setting: REDIS_URL, database: 0, nodes: ["10.0.2.7:6379"], count: 1000, spared: 0,
       milliseconds: 95}
"""
