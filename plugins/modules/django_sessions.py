#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: django_sessions
short_description: End the sessions of a Django application, everybody's or those of some users
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - "Ends sessions where the application keeps them, by what truly ends them in each of Django's five engines: C(db)
    deletes rows; C(cache) deletes its keys; C(cached_db) deletes both, the rows first, since either alone leaves users
    logged in; C(file) deletes the files of the host."
  - Sessions of C(signed_cookies) are on no server. They end when C(SECRET_KEY) is replaced and no fallback is kept, and
    the module says so instead.
  - Other keys of the cache stay.
  - An engine of the project's own is taken for that of Django's upon which it builds.
  - A session's signature is not asked, so sessions are found whatever became of the key that signed them.
  - With O(chdir), the application itself is asked, by its settings. Without it, O(engine) says how sessions are kept,
    and the URLs in O(env_file) say where.
  - Runs on a host of the application with the application's interpreter. No value travels from it, and none to it
    but the former keys that O(catalog) asks for.
options:
  chdir:
    description: The application's directory on the host, where its C(manage.py) is.
    type: path
  allow_root:
    description:
      - Run the application's code of O(chdir) as root. Refused by default, since whoever may change the application, or
        write what it unpickles out of its cache, would become root.
      - Even then only files are imported that belong to root.
    type: bool
    default: false
    version_added: 0.4.0
  env_file:
    description:
      - The application's C(.env) on the host. By default C(.env) in O(chdir), where there is one.
      - What it holds becomes the environment of this one process, so the settings find it as the application's do.
    type: path
  settings_module:
    description: The application's settings module; by default C(DJANGO_SETTINGS_MODULE) of O(env_file).
    type: str
  engine:
    description:
      - How sessions are kept. V(auto) asks the application's C(SESSION_ENGINE) and needs O(chdir).
    type: str
    choices: [auto, db, cache, cached_db, file, signed_cookies]
    default: auto
  users:
    description:
      - Names of users whose sessions end, as they log in by. One that is unknown stops the module before anything is
        ended. Needs O(chdir).
      - Without O(users) and O(user_ids), everybody's sessions end, also those of visitors who are not logged in.
    type: list
    elements: str
    default: []
  user_ids:
    description: Ids of users whose sessions end, also of users who exist no more.
    type: list
    elements: str
    default: []
  database_setting:
    description: Without O(chdir), the name in O(env_file) of the URL of the database, PostgreSQL or SQLite.
    type: str
    default: DATABASE_URL
  cache_setting:
    description: Without O(chdir), the name in O(env_file) of the URL of the cache, Valkey or Redis.
    type: str
    default: REDIS_URL
  cache_nodes:
    description:
      - Without O(chdir), the addresses C(host:port) of the cache's other nodes. A node that only a server names gets no
        login. What the catalog declares for the setting is added.
    type: list
    elements: str
    default: []
  table:
    description: Without O(chdir), the table of sessions.
    type: str
    default: django_session
  cache_prefix:
    description: Without O(chdir), what the cache's keys begin with, C(KEY_PREFIX:VERSION:).
    type: str
    default: ":1:"
  file_path:
    description: Without O(chdir), the directory of session files, C(SESSION_FILE_PATH).
    type: path
  cookie_name:
    description: Without O(chdir), what the names of session files begin with, C(SESSION_COOKIE_NAME).
    type: str
    default: sessionid
  clear_cache:
    description:
      - Empties the whole cache where it cannot list its keys (Memcached, files). With O(engine=cache), such a cache is
        refused without it. It ends everybody's sessions only.
    type: bool
    default: false
  probe_url:
    description:
      - A page that only those who are logged in get with status 200, such as V(http://127.0.0.1:8000/account/). With
        it, one session is made before all are ended, seen to be accepted there, and must be refused afterwards.
      - Refused is what is answered as to those who are not logged in, with a redirect to the same place or with the
        same status, but for 408, 425, 429 and 500 or more. Any other answer is reported in RV(not_tried).
      - Needs O(chdir), and that everybody's sessions end. Redirects are not followed. A failed try is reported in
        RV(not_tried) and keeps no session from being ended.
    type: str
  probe_user:
    description: Name of the user whose session that is; by default the first active user. No user is logged in.
    type: str
  catalog:
    description:
      - With O(probe_url) and O(environment), sessions are tried too that a C(SECRET_KEY) signed which the open incident
        has replaced. The keys are read from AWS on the controller and travel on standard input. What cannot be read is
        reported in RV(not_tried) with O(state=absent).
    type: dict
  environment:
    description: The environment of O(catalog).
    type: str
  state:
    description:
      - V(absent) ends sessions. V(tried) ends none, and only tries at O(probe_url) sessions that former keys signed.
    type: str
    choices: [absent, tried]
    default: absent
    version_added: 0.3.0
  make:
    description:
      - With O(state=tried), whether a session may be made for it where the application keeps them, and be removed
        again. Without it only sessions in cookies are tried.
    type: bool
    default: false
    version_added: 0.3.0
  ended:
    description:
      - With O(state=tried) and O(make), whether the session that is made is ended before anything else is tried. It
        must be refused then, which shows what this host makes of one that was ended on another.
    type: bool
    default: false
    version_added: 0.3.0
  leaked:
    description:
      - Instead of O(catalog), the name of the variable in which a result of M(watchparty.secrets.previous_values_info)
        was registered, asked for signing keys alone. One read serves every host.
    type: str
    version_added: 0.3.0
  info:
    description:
      - Instead of O(catalog), the name of the variable in which a result of M(watchparty.secrets.verify_info) was
        registered, which holds the former keys of O(credential).
    type: str
    version_added: 0.3.0
  credential:
    description: The signing key whose former ones O(info) holds.
    type: str
    version_added: 0.3.0
  python:
    description: The application's interpreter on the host; Ansible's own there by default.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Counts the sessions that would end.
    support: full
  diff_mode:
    description: Sessions are counted, not listed.
    support: none
  idempotent:
    description: A second run ends the sessions that began meanwhile.
    support: partial
  action:
    description: Sends the module to the application's interpreter.
    support: full
notes:
  - "Run it once for V(db), V(cache) and V(cached_db), which all hosts share (C(run_once)), and on every host for
    V(file). O(state=tried) with O(ended) shows for each of the others that it refuses what was ended. A cache in each
    process's own memory is emptied by a restart of the services only, and the module says so."
  - Run it as the application's user (C(become_user)). Session files belong to that user.
  - A request that was under way does not bring its session back, since Django refuses to save one that is gone.
  - Ended sessions do not keep a thief out who still has a valid key or password. Replace those first.
  - "The caches that list their keys are Django's C(RedisCache) and C(DatabaseCache), and C(RedisCache) of django-redis,
    which was read and not run."
  - Through the application, a session in the cache is read as the application does. Without it, a session there that
    holds other than plain values is not read, for reading it could run a program; it counts as unreadable.
seealso:
  - module: watchparty.secrets.valkey_purge
"""

EXAMPLES = r"""
- name: End everybody's sessions
  watchparty.secrets.django_sessions:
    chdir: /srv/app
    python: /srv/app/venv/bin/python
  become: true
  become_user: app
  run_once: true

- name: End the sessions of two users
  watchparty.secrets.django_sessions:
    chdir: /srv/app
    python: /srv/app/venv/bin/python
    users: [ana, ben]
  become: true
  become_user: app
  run_once: true
  register: ended

- name: How many that were
  ansible.builtin.debug:
    msg: "{{ ended.count }} sessions in {{ ended.engine }}"

- name: End everybody's sessions without the application's source
  watchparty.secrets.django_sessions:
    engine: cached_db
    env_file: /srv/app/.env
    python: /srv/app/venv/bin/python
  run_once: true
"""

RETURN = r"""
engine:
  description: Which of Django's engines keeps the sessions.
  type: str
  returned: success
  sample: cached_db
count:
  description: Number of sessions ended; in check mode, of those that would be. A copy in the cache does not count.
  type: int
  returned: success
  sample: 412
stores:
  description: The same by place, in the order in which they were emptied.
  type: list
  elements: dict
  returned: success
  contains:
    store:
      description: V(db), V(cache) or V(file).
      type: str
    count:
      description: Number of sessions there. A copy that went with its row counts there only.
      type: int
    unreadable:
      description: Number of sessions of which it is not known whose they are; 0 where everybody's end.
      type: int
  sample:
    - {store: db, count: 412, unreadable: 0}
    - {store: cache, count: 3, unreadable: 0}
doubtful:
  description:
    - Where sessions may live on all the same, in the order of RV(stores). A cache that a session which was ended was
      seen to be refused from is left out, unless each process has its own.
  type: list
  elements: dict
  returned: with O(state=absent)
  contains:
    store:
      description: V(db), V(cache) or V(file).
      type: str
    why:
      description: What tells it, in words.
      type: str
    options:
      description: Options that may not be as the application has it.
      type: list
      elements: str
    restart:
      description: Whether a restart of the services ends them, and nothing else does.
      type: bool
  sample:
    - store: cache
      why: 'the database had 412 and the cache no copy of any, under keys that begin with shop:1:'
      options: [cache_prefix, cache_setting]
      restart: false
tried:
  description: Old sessions that the application refused, in words.
  type: list
  elements: str
  returned: success
accepted:
  description: Old sessions that the application still accepts. What that means is the caller's; nothing fails.
  type: list
  elements: str
  returned: success
not_tried:
  description: The parts that were not tried, each with the reason.
  type: list
  elements: str
  returned: success
only_the_key:
  description: Whether the sessions end by a new C(SECRET_KEY) only.
  type: bool
  returned: success
"""
