# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Queries to MySQL and MariaDB for a baseline. The server answers long texts as SHA-256."""

from __future__ import annotations

GRANTS = (
    (
        "SELECT GRANTEE, '', '', '', PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.USER_PRIVILEGES "
        "WHERE PRIVILEGE_TYPE <> 'USAGE' OR IS_GRANTABLE = 'YES'"
    ),
    "SELECT GRANTEE, TABLE_SCHEMA, '', '', PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.SCHEMA_PRIVILEGES",
    (
        "SELECT GRANTEE, TABLE_SCHEMA, TABLE_NAME, '', PRIVILEGE_TYPE, IS_GRANTABLE "
        "FROM information_schema.TABLE_PRIVILEGES"
    ),
    (
        "SELECT GRANTEE, TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, PRIVILEGE_TYPE, IS_GRANTABLE "
        "FROM information_schema.COLUMN_PRIVILEGES"
    ),
)
"""Rights that the server uses, whatever its tables have. Six columns."""
ROLE_RIGHTS = (
    "SELECT User, JSON_VALUE(Priv, '$.access') FROM mysql.global_priv "
    "WHERE JSON_VALUE(Priv, '$.is_role') IN ('1', 'true')"
)
"""Global rights of MariaDB's roles, which its information_schema lacks."""
ROUTINE_GRANTS = "SELECT User, Host, Db, Routine_name, Routine_type, Proc_priv FROM mysql.procs_priv"
PROXY_GRANTS = "SELECT User, Host, Proxied_user, Proxied_host, With_grant FROM mysql.proxies_priv"
MEMBERS = {
    True: "SELECT User, Host, Role, '', Admin_option FROM mysql.roles_mapping",
    False: "SELECT TO_USER, TO_HOST, FROM_USER, FROM_HOST, WITH_ADMIN_OPTION FROM mysql.role_edges",
}
DEFAULT_ROLES = {
    True: (
        "SELECT User, Host, JSON_VALUE(Priv, '$.default_role'), '' FROM mysql.global_priv "
        "WHERE JSON_VALUE(Priv, '$.default_role') <> ''"
    ),
    False: "SELECT USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles",
}
"""Queries by whether the server is MariaDB, whose roles have no host."""
SECOND_PASSWORDS = (
    "SELECT User, Host, SHA2(JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.additional_password')), 256) "
    "FROM mysql.user WHERE JSON_EXTRACT(User_attributes, '$.additional_password') IS NOT NULL"
)
EVENTS = (
    "SELECT EVENT_SCHEMA, EVENT_NAME, DEFINER, CONCAT_WS(' ', STATUS, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, "
    "INTERVAL_FIELD), SHA2(EVENT_DEFINITION, 256) FROM information_schema.EVENTS"
)
TRIGGERS = (
    "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, DEFINER, CONCAT_WS(' ', ACTION_TIMING, EVENT_MANIPULATION, 'on', "
    "EVENT_OBJECT_TABLE), SHA2(ACTION_STATEMENT, 256) FROM information_schema.TRIGGERS"
)
ROUTINES = (
    "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, DEFINER, CONCAT('security ', SECURITY_TYPE), "
    "SHA2(ROUTINE_DEFINITION, 256), ROUTINE_TYPE FROM information_schema.ROUTINES"
)
LOADABLE_FUNCTIONS = "SELECT name, dl FROM mysql.func"
PLUGINS = "SELECT PLUGIN_NAME, PLUGIN_LIBRARY FROM information_schema.PLUGINS WHERE PLUGIN_LIBRARY IS NOT NULL"
COMPONENTS = "SELECT component_urn FROM mysql.component"
LINKS = {
    True: "SHOW ALL SLAVES STATUS",
    False: (
        "SELECT CHANNEL_NAME Connection_name, HOST Master_Host, PORT Master_Port, USER Master_User "
        "FROM performance_schema.replication_connection_configuration"
    ),
}
OF_A_LINK = ("Connection_name", "Master_Host", "Master_Port", "Master_User")
SERVERS = (
    "SELECT Server_name, Host, Port, Username, Wrapper, SHA2(CONCAT_WS(' ', Db, Password, Socket), 256) "
    "FROM mysql.servers"
)
SETTINGS = (
    *("event_scheduler", "general_log", "local_infile", "log_bin_trust_function_creators", "mandatory_roles"),
    *("plugin_dir", "require_secure_transport", "secure_file_priv"),
)
SECRET_SETTINGS = ("init_connect", "init_file", "init_replica", "init_slave")
VARIABLES = "SHOW GLOBAL VARIABLES WHERE Variable_name IN (%s)" % ", ".join(
    "'%s'" % name for name in (*SETTINGS, *SECRET_SETTINGS)
)
