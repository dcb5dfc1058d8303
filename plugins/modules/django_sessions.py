#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: django_sessions
short_description: End all sessions of a Django application, or the sessions of some users
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Ends sessions in the application's storage. For C(db), the module deletes rows. For C(cache), it deletes the
    sessions' keys, and no other keys. For C(cached_db), it deletes both, and for C(file), the files of the host.
  - No server stores sessions of C(signed_cookies). They end only if C(SECRET_KEY) is replaced without a fallback, and
    the module reports this.
  - If the project has an engine of its own, the module treats it like the Django engine on which it is based.
  - If O(chdir) is set, the module loads the application's settings. Otherwise O(engine) names how sessions are kept,
    and the URLs in O(env_file) name the servers.
  - Runs on a host of the application with the application's interpreter.
options:
  chdir:
    description: The application's directory on the host, with its C(manage.py), such as C(/srv/shop/app).
    type: path
  allow_root:
    description:
      - Whether to run the application's code in O(chdir), or its O(command), as root, and only from files that belong
        to root. By default the module refuses this, because everyone who may change the application could become root.
    type: bool
    default: false
  env_file:
    description:
      - Path of the application's C(.env) on the host, by default C(.env) in O(chdir). Its settings become the
        environment of the module's process.
    type: path
  settings_module:
    description:
      - The application's settings module, such as V(shop.settings). By default C(DJANGO_SETTINGS_MODULE) in
        O(env_file).
    type: str
  engine:
    description:
      - How the application keeps sessions. V(auto) asks the application's C(SESSION_ENGINE) and needs O(chdir).
    type: str
    choices: [auto, db, cache, cached_db, file, signed_cookies]
    default: auto
  users:
    description:
      - Names of users whose sessions end, as they type them to log in. Needs O(chdir). If neither O(users) nor
        O(user_ids) is set, all sessions end, also those of visitors.
    type: list
    elements: str
    default: []
  user_ids:
    description: Ids of users whose sessions end, also of deleted users.
    type: list
    elements: str
    default: []
  database_setting:
    description:
      - If O(chdir) is not set, the name of the setting in O(env_file) with the URL of the database (PostgreSQL or
        SQLite).
    type: str
    default: DATABASE_URL
  cache_setting:
    description:
      - If O(chdir) is not set, the name of the setting in O(env_file) with the URL of the cache (Valkey or Redis).
    type: str
    default: REDIS_URL
  cache_nodes:
    description:
      - If O(chdir) is not set, further nodes of the cache as C(host:port), beside those in the URL of O(cache_setting)
        and in the catalog. If the cache names any other node, the module fails. Nodes of an AWS cache in the domain of
        the URL's host need no declaration.
    type: list
    elements: str
    default: []
  table:
    description: If O(chdir) is not set, the table of sessions.
    type: str
    default: django_session
  cache_prefix:
    description: If O(chdir) is not set, the prefix C(KEY_PREFIX:VERSION:) of the cache's keys.
    type: str
    default: ":1:"
  file_path:
    description: If O(chdir) is not set, the directory of session files (C(SESSION_FILE_PATH)).
    type: path
  cookie_name:
    description: If O(chdir) is not set, the prefix of the names of session files (C(SESSION_COOKIE_NAME)).
    type: str
    default: sessionid
  clear_cache:
    description:
      - Whether to empty the whole cache if the cache cannot list its keys (Memcached, files) and all sessions are to
        end. If false, the module refuses such a cache with O(engine=cache).
    type: bool
    default: false
  command:
    description:
      - A program that ends the sessions of the application, with its full path and arguments, instead of Django's
        engines. The module fails if the exit code is not 0, or after 300 seconds, and never shows the program's output.
    type: list
    elements: str
    default: []
  probe_url:
    description:
      - A page that returns status 200 only to users who are logged in, such as V(http://127.0.0.1:8000/account/). The
        module creates one session, and checks that the page accepts it before and refuses it after the sessions end.
        RV(not_tried) has the reason if the module cannot make this check.
      - A session counts as refused if the page answers as to a visitor who is not logged in. Answers with status 408,
        425, 429 or from 500 do not count. Needs O(chdir), and neither O(users) nor O(user_ids).
    type: str
  probe_user:
    description:
      - Name of the user of the session that the module creates. By default the first active user. This logs nobody in.
    type: str
  catalog:
    description:
      - With O(probe_url) and O(environment), the module also tries sessions that it signs with each C(SECRET_KEY) that
        the open incident has replaced. RV(not_tried) names a key that cannot be read.
    type: dict
  environment:
    description: Name of the environment, such as V(production), for O(catalog).
    type: str
  state:
    description:
      - V(absent) ends sessions. V(tried) ends no sessions; it only tries sessions with previous signing keys at
        O(probe_url).
    type: str
    choices: [absent, tried]
    default: absent
  make:
    description:
      - With O(state=tried), whether the module may create a session in the application's storage for the check, and
        remove it again. If false, it tries only sessions in cookies.
    type: bool
    default: false
  ended:
    description:
      - With O(state=tried) and O(make), whether the module first ends the session that it created, and checks that the
        page then refuses this session.
    type: bool
    default: false
  leaked:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.previous_values_info) for signing keys was
        registered, instead of O(catalog). The stores are then read once for all hosts.
    type: str
  info:
    description:
      - Name of the variable in which a result of M(watchparty.secrets.verify_info) was registered, instead of
        O(catalog). This result holds the previous keys of O(credential).
    type: str
  credential:
    description: Name of the signing key in the catalog. O(info) holds its previous keys.
    type: str
  host:
    description:
      - Name of an inventory host, whose variables replace options that are not set. The variables are C(django_chdir),
        C(django_probe_url), C(django_probe_user), C(env_deploy_path) for O(env_file), and C(rotation_python) for
        O(python). C(django_session_OPTION), such as C(django_session_table), sets O(engine), O(file_path),
        O(database_setting), O(cache_setting), O(table), O(cache_prefix), O(cookie_name) and O(clear_cache).
        C(django_become_user=root) sets O(allow_root).
    type: str
  python:
    description: The application's interpreter on the host. By default the interpreter that Ansible uses on this host.
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
  - For V(db), V(cache) and V(cached_db), run the module once (C(run_once)), and on the other hosts with O(state=tried)
    and O(ended). For V(file), run it on every host. If the cache is in each process's own memory, only a restart of the
    services ends the sessions.
  - Run the module as the application's user (C(become_user)), because session files belong to this user.
  - A thief with a valid key or password can log in again. So first replace leaked keys and passwords.
  - The caches that list their keys are Django's C(RedisCache) and C(DatabaseCache), and C(RedisCache) of django-redis
    (not tested).
  - Without O(chdir), the module reads only sessions with plain values in a cache. It counts other sessions as
    unreadable.
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
  description: Which of Django's engines keeps the sessions, or V(command).
  type: str
  returned: success
  sample: cached_db
count:
  description:
    - Number of sessions that were ended, or in check mode would be ended. If the cache has a copy of a row, only the
      row counts.
  type: int
  returned: unless O(command) is set
  sample: 412
stores:
  description: The number of ended sessions by store, in the order in which the module emptied the stores.
  type: list
  elements: dict
  returned: success
  contains:
    store:
      description: V(db), V(cache) or V(file).
      type: str
    count:
      description: Number of sessions in this store. If the cache has a copy of a row, only the row counts.
      type: int
    unreadable:
      description: Number of sessions whose user is unknown. V(0) if all sessions end.
      type: int
  sample:
    - {store: db, count: 412, unreadable: 0}
    - {store: cache, count: 3, unreadable: 0}
doubtful:
  description:
    - Stores in which sessions may still be valid, in the order of RV(stores). If the application refused an ended
      session at O(probe_url), the list has only caches in a process's own memory.
  type: list
  elements: dict
  returned: with O(state=absent)
  contains:
    store:
      description: V(db), V(cache) or V(file).
      type: str
    why:
      description: Reason why sessions may still be valid.
      type: str
    options:
      description: Options of this module that may differ from the application's settings.
      type: list
      elements: str
    restart:
      description: Whether only a restart of the services ends these sessions.
      type: bool
  sample:
    - store: cache
      why: 'the database had 412 and the cache no copy of any, under keys that begin with shop:1:'
      options: [cache_prefix, cache_setting]
      restart: false
tried:
  description: One line for each old session that the application refused.
  type: list
  elements: str
  returned: success
accepted:
  description: One line for each old session that the application still accepts. The module does not fail.
  type: list
  elements: str
  returned: success
not_tried:
  description: One line for each check that could not be made, with the reason.
  type: list
  elements: str
  returned: success
only_the_key:
  description: Whether only a new C(SECRET_KEY) ends the sessions.
  type: bool
  returned: success
"""
