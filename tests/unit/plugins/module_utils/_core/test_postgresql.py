# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import (
    ConnectionTarget,
    DatabaseError,
    identifier,
    known,
    literal,
    logins_of,
    not_connected,
    parse_url,
    recorded,
    refusal,
    refuse_older,
    with_record,
)

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(user=TEXT, password=TEXT, database=TEXT, port=st.integers(1, 65535))
def test_what_a_url_holds_comes_out(user: str, password: str, database: str, port: int) -> None:
    parts = [quote(part, safe="") for part in (user, password, database)]
    target = parse_url("postgresql://{}:{}@db.example.com:{port}/{}".format(*parts, port=port), "login_url")
    assert target.keywords() == {
        "user": user,
        "password": password,
        "host": "db.example.com",
        "port": str(port),
        "dbname": database,
    }


@pytest.mark.parametrize(
    ("url", "keywords"),
    [
        ("postgres://u:p@h/d", {"host": "h", "dbname": "d"}),
        ("postgis://u:p@h", {"host": "h"}),
        ("postgresql://u:p@[::1]:5433/d", {"host": "::1", "port": "5433", "dbname": "d"}),
        ("postgresql://u:p@a:1,b:2/d", {"host": "a,b", "port": "1,2", "dbname": "d"}),
        ("postgresql://u:p@%2Frun%2Fpg/d", {"host": "/run/pg", "dbname": "d"}),
        ("postgresql:///d?host=/run/pg&user=u&password=p&port=6", {"host": "/run/pg", "port": "6", "dbname": "d"}),
        (
            "postgresql://u:p@h/d?sslmode=require&conn_max_age=60&options=-c%20geqo%3Doff#x",
            {"host": "h", "dbname": "d", "sslmode": "require", "options": "-c geqo=off"},
        ),
    ],
)
def test_spellings_of_urls(url: str, keywords: dict[str, str]) -> None:
    assert parse_url(url, "login_url").keywords() == {"user": "u", "password": "p", **keywords}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("canary", "not a PostgreSQL URL"),
        ("mysql://u:canary@h/d", "not a PostgreSQL URL"),
        ("postgresql://:canary@h/d", "names no user"),
        ("postgresql://u:canary%zz@h/d", "two hexadecimal"),
        ("postgresql://u:canary%ff@h/d", "not UTF-8"),
        ("postgresql://u:canary%00@h/d", "NUL"),
        ("postgresql://u:canary@h:five/d", "not a number"),
        ("postgresql://u:can/ary@h/d", "not a number|names no user"),
    ],
)
def test_a_url_that_cannot_be_read_is_not_shown(url: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message) as caught:
        parse_url(url, "login_url")
    assert str(caught.value).startswith("login_url ")
    assert not re.search("canary|can/ary", str(caught.value))


def test_a_target_prints_no_password() -> None:
    target = parse_url("postgresql://u:canary@h/d", "login_url")
    assert "canary" not in f"{target!r} {target} {[target]} {target.place}"
    assert ConnectionTarget("u", "p", "", "", "", {}).place == "database u at the local socket, port 5432"


def test_identifiers() -> None:
    assert identifier('a"b') == '"a""b"'
    assert logins_of("shop") == ("shop_a", "shop_b")
    for wrong in ("", "a\0b"):
        with pytest.raises(DatabaseError, match="empty or has a NUL"):
            identifier(wrong)
    with pytest.raises(DatabaseError, match="63 bytes"):
        logins_of("ü" * 31)


def test_literals() -> None:
    assert literal("it's") == "'it''s'"
    assert literal("a\\'b") == "E'a\\\\''b'"


@given(st.none() | st.text(), st.integers(0, 10**9))
def test_a_comment_keeps_what_people_wrote(comment: str | None, number: int) -> None:
    once = with_record(comment, number)
    assert recorded(once, "x") == number
    assert with_record(with_record(comment, number + 1), number) == once
    assert once.startswith(comment or "")


@pytest.mark.parametrize("line", ['{"watchparty.secrets"', '{"watchparty.secrets": {}}', '{"watchparty.secrets": 7}'])
def test_a_record_that_cannot_be_read_stops_the_run(line: str) -> None:
    with pytest.raises(DatabaseError, match="role shop_a is damaged"):
        recorded(f"The shop's login\n{line}", "shop_a")


def test_other_comments_are_no_record() -> None:
    assert recorded(None, "x") == recorded("", "x") == recorded('{"owner": "team"}', "x") == 0


def test_a_higher_number_wins() -> None:
    comment = with_record(None, 7)
    refuse_older(comment, "x", 7)
    refuse_older(comment, "x", 8)
    with pytest.raises(DatabaseError, match=r"number 7; this run read number 6\)") as caught:
        refuse_older(comment, "x", 6)
    assert caught.value.reason == "overtaken"


@pytest.mark.parametrize(
    ("address", "addresses", "answer"),
    [
        ("10.0.0.7", ["10.0.0.7"], True),
        ("10.0.0.7", ["10.0.0.0/24"], True),
        ("10.0.0.7", ["10.0.0.8", "fd00::7"], False),
        ("::ffff:10.0.0.7", ["10.0.0.7"], True),
        ("fd00::7", ["FD00:0::0007"], True),
        (None, ["local"], True),
        (None, ["127.0.0.1"], False),
        ("127.0.0.1", ["local"], False),
        ("10.0.0.7", [], False),
    ],
)
def test_known_addresses(address: str | None, addresses: list[str], answer: bool) -> None:
    assert known(address, addresses) is answer


def test_an_address_must_be_one() -> None:
    with pytest.raises(DatabaseError, match="web1 is neither an IP address"):
        known("10.0.0.7", ["web1"])


AT = 'connection to server at "10.0.0.5", port 5432 failed: '


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (AT + 'FATAL:  password authentication failed for user "u"', "wrong_password"),
        ("FATAL:  SASL authentication failed", "wrong_password"),
        (AT + 'FATAL:  role "u" is not permitted to log in', "no_login"),
        (AT + 'FATAL:  too many connections for role "u"', "role_limit"),
        (AT + 'FATAL:  too many connections for database "d"', "database_limit"),
        (AT + "FATAL:  sorry, too many clients already", "limit"),
        (AT + "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "limit"),
        (AT + 'FATAL:  database "d" does not exist', "no_database"),
        (AT + 'FATAL:  role "u" does not exist', "no_role"),
        (AT + 'FATAL:  permission denied for database "d"', "no_connect"),
        (AT + 'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "u", database "d", SSL off', "not_from_here"),
        (AT + "FATAL:  the database system is starting up", "starting"),
        (AT + "server does not support SSL, but SSL was required", "tls"),
        (AT + "SSL error: certificate verify failed", "tls"),
        (
            AT + "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
            "unreachable",
        ),
        ('could not translate host name "db" to address: Name or service not known', "unreachable"),
        ("connection timeout expired", "unreachable"),
        ("server closed the connection unexpectedly", "unreachable"),
        (AT + "FATAL:  Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", "refused"),
        (AT + "ФАТАЛЬНО:  пользователь не прошёл проверку подлинности", "refused"),
    ],
)
def test_what_a_failed_connection_means(message: str, reason: str) -> None:
    result = refusal(message)
    assert result.reason == reason
    error = not_connected(result, parse_url("postgresql://u:canary@h/d", "login_url"), "login_url")
    assert error.reason == reason
    assert str(error).startswith("login_url (u to database d at h, port 5432): ")
    assert "canary" not in str(error)
    assert "{" not in str(error)


def test_only_the_logins_own_refusal_proves_it() -> None:
    proof = {"wrong_password", "no_login", "no_role", "not_from_here", "refused"}
    passing = {"limit", "starting", "unreachable"}
    for message, reason in (
        ("too many connections for role", "role_limit"),
        ('database "d" does not exist', "no_database"),
    ):
        assert refusal(message).reason == reason
        assert not refusal(message).proves_refusal
        assert not refusal(message).may_pass
    assert refusal("password authentication failed").proves_refusal
    assert refusal("Connection refused").may_pass
    assert not proof & passing
