# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts a host's Python only if the application cannot change it.

Anybody who can change an interpreter, its standard library or a directory above them controls the executing account,
and reads what it receives. Root trusts root's files. Another account that receives private values trusts root, itself
and the account that Ansible logged in as (``SUDO_UID``).

A shell script checks this, because the interpreter cannot be asked about itself. The script trusts the system's own
directories, if links lead nowhere else, so that a deploy costs nothing more. Python then checks its packages
(``trusted_imports``).
"""

from __future__ import annotations

import shlex

from ansible_collections.watchparty.secrets.plugins.module_utils._host.trusted_imports import UNTRUSTED

REMEDY = (
    "Another account may change it, and then read the values that are sent. Set rotation_python to an "
    "interpreter that belongs to root. To make one: ansible-playbook watchparty.secrets.host -e app_host_rotation=true"
)

_GATE = r"""
private=$1 ours=$2
shift 2
untrusted() { echo "%(untrusted)s$1" >&2; exit 126; }
if [ "${1##*/}" = env ]; then
  shift
  case $1 in -*) untrusted "$1 is an option of env; give the interpreter without options of env" ;; esac
  while case $1 in *=*) ;; *) false ;; esac; do
    export "$1"
    shift
  done
fi
p=$(command -v "$1") || { echo "$1: not found" >&2; exit 127; }
shift
# The programs of this check are the system's own, whatever the account's PATH says.
given=$PATH
PATH=/usr/bin:/bin:/usr/sbin:/sbin
start() {
  PATH=$given
  exec "$p" "$@"
}
systems_own() {
  to=$p
  for hop in 1 2 3 4 5 6 7 8; do
    case $to in
      *..*) return 1 ;;
      /usr/bin/* | /usr/libexec/* | /bin/* | /etc/alternatives/*) ;;
      *) return 1 ;;
    esac
    [ -h "$to" ] || return 0
    next=$(readlink "$to")
    case $next in /*) to=$next ;; *) to=${to%%/*}/$next ;; esac
  done
  return 1
}
is_interpreter() { case $#/${p##*/} in $ours/* | */*python* | */*pypy*) ;; *) return 1 ;; esac; }
! is_interpreter "$@" || ! systems_own || start "$@"
u=$(id -u)
[ "$private" = yes ] || [ "$u" = 0 ] || start "$@"
is_interpreter "$@" || untrusted "$p starts another program; give the interpreter itself"
by=${SUDO_UID:-$u} g=
[ "$u" != 0 ] || by=0
case $p in /*) ;; *) untrusted "$p is not an absolute path" ;; esac
set -f
[ "$u" = 0 ] || [ "$(id -gn)" != "$(id -un)" ] || g=$(id -g)
all=/
walk() {
  [ "$2" -lt 40 ] || untrusted "$1 has too many links"
  cur= rest=$1
  while [ -n "$rest" ]; do
    part=${rest%%%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
    [ -n "$part" ] || continue
    all="$all
$cur/$part"
    if [ -h "$cur/$part" ]; then
      to=$(readlink "$cur/$part")
      case $to in /*) ;; *) to=$cur/$to ;; esac
      walk "$to${rest:+/$rest}" $(($2 + 1))
      return
    fi
    cur=$cur/$part
  done
}
walk "$p" 0
pyenv=${p%%/*}/../bin/pyenv
if [ "$(basename "${p%%/*}")" = shims ] && [ -x "$pyenv" ]; then
  # Its script starts what a file in the present directory may name.
  walk "$pyenv" 0
  p=$(cd / && PATH=$given && PYENV_ROOT=${p%%/*/*} "$pyenv" which "${p##*/}") || exit 127
  walk "$p" 0
fi
lib=${cur%%/*}/..
for cfg in "${p%%/*}/pyvenv.cfg" "${p%%/*}/../pyvenv.cfg"; do
  [ -f "$cfg" ] || continue
  walk "$cfg" 0
  home=$(sed -n 's/^[[:space:]]*[Hh][Oo][Mm][Ee][[:space:]]*=[[:space:]]*//p' "$cfg")
  walk "$home" 0
  lib="$lib
$home/.."
done
set +f
IFS='
'
for one in $lib; do
  for part in "$one"/lib/python3* "$one"/lib64/python3* "$one"/lib/libpython3* "$one"/lib64/libpython3*; do
    [ ! -e "$part" ] || walk "$(readlink -f "$part")" 0
  done
done
set -f
bad=$(find $all -maxdepth 0 \( ! -user 0 ! -user "$u" ! -user "$by" -o ! -type l ! -perm -1000 \
  \( -perm -002 -o -perm -020 ${g:+"!"} ${g:+-group} ${g:+"$g"} \) \) -print 2>&1 | head -n 1)
[ -z "$bad" ] || untrusted "$bad"
unset IFS
start "$@"
""" % {"untrusted": UNTRUSTED}


def command(python: str, *arguments: str, private: bool) -> str:
    """The shell command that starts ``python``, already quoted for a shell, with these arguments.

    ``private``: Python receives values that the application's own account must not have.
    """
    gate = shlex.join(["/bin/sh", "-c", _GATE, "sh", "yes" if private else "no", str(len(arguments))])
    return f"{gate} {python} {shlex.join(arguments)}"
