# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The format of ``.env.enc``: an encrypted line for each setting, and a MAC over the whole file.

``_stores/env_keys.py`` wraps the file key of 32 bytes. Values are padded and encrypted by AES-SIV, so that the same
value under the same file key has the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Compose, Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import EncryptedEnvError

FORMAT = "watchparty.secrets/env.enc/1"
KEY_BYTES = 32
LARGEST = 4 << 20
"""Most bytes of a file."""
SMALLEST_BUCKET = 128
"""Least bytes of a padded value. Each larger size is twice the previous one."""
_LENGTH = 4
_MAC_BYTES = 32
_CONTEXT = ("application", "environment", "catalog")
_HEAD = re.compile(
    r"# %s application=([A-Za-z0-9_.-]+) environment=([a-z0-9][a-z0-9_-]*) catalog=([0-9a-f]{64}) "
    r"journal=([0-9]{1,12}) written=([0-9TZ:-]{20})" % re.escape(FORMAT)
)
_SETTING = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=([A-Za-z0-9+/]+={0,2})")
_KEY_LINE, _MAC_LINE = "# key: ", "# mac: "


@dataclass(frozen=True)
class EncryptedEnv:
    """A parsed file. Nothing in it is trusted until ``opened``."""

    path: str
    context: Mapping[str, str]
    journal: int
    """Journal number at the time of writing. A host rejects a file with a lower number."""
    written_at: str
    """Time of writing, later than that of the previous file. A host rejects an earlier time."""
    wrapped_key: bytes
    entries: Tuple[Tuple[str, bytes], ...]
    signed: bytes
    """Bytes before the line of the MAC."""
    mac: bytes

    @property
    def names(self) -> Tuple[str, ...]:
        return tuple(name for name, _encrypted in self.entries)

    @property
    def snapshot_id(self) -> str:
        """Name of the content in the deploy marker."""
        return "enc-" + hashlib.sha256(self.signed).hexdigest()[:16]


def context_of(catalog: Catalog) -> Dict[str, str]:
    """The encryption context: application, environment and digest of the settings."""
    settings = [_identity(setting) for _name, setting in sorted(catalog.settings.items()) if setting.rendered]
    text = json.dumps([settings, list(catalog.readers)], sort_keys=True, separators=(",", ":"))
    return {
        "application": catalog.application,
        "environment": catalog.environment,
        "catalog": hashlib.sha256(text.encode("utf-8")).hexdigest(),
    }


def _identity(setting: Setting) -> List[Any]:
    """The parts of a setting that its value depends on: not its description or rotation."""
    compose = setting.compose
    return [
        setting.name,
        setting.type,
        [str(place) for place in setting.places],
        setting.literal,
        _parts(compose) if compose else None,
    ]


def _parts(compose: Compose) -> List[str]:
    named = [compose.scheme, compose.host, compose.username, compose.password, compose.port, compose.path]
    return [str(part) for part in (*named, *compose.query)]


# --- reading ------------------------------------------------------------------------------------------------------


def parsed(content: bytes, path: str) -> EncryptedEnv:
    """Parses a file. Raises EncryptedEnvError, which names the line and never repeats it."""
    if len(content) > LARGEST:
        raise EncryptedEnvError(
            "%s: is larger than %d MiB, so it is not a .env.enc. %s" % (path, LARGEST >> 20, RESTORE)
        )
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise EncryptedEnvError("%s: is not ASCII, so it is not a .env.enc. %s" % (path, RESTORE)) from None
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] != "":
        raise _broken(path, len(lines), "the file ends too early")
    head = _HEAD.fullmatch(lines[0])
    if not head:
        raise _broken(path, 1, "is not the first line of a %s file" % FORMAT)
    mac = _prefixed(path, len(lines) - 1, lines[-2], _MAC_LINE)
    if len(mac) != _MAC_BYTES:
        raise _broken(path, len(lines) - 1, "holds no MAC")
    return EncryptedEnv(
        path=path,
        context=dict(zip(_CONTEXT, head.groups())),
        journal=int(head.group(4)),
        written_at=_moment(path, head.group(5)),
        wrapped_key=_prefixed(path, 2, lines[1], _KEY_LINE),
        entries=_entries(path, lines[2:-2]),
        signed=text[: text.rindex(_MAC_LINE)].encode("ascii"),
        mac=mac,
    )


RESTORE = "Restore the file from git, or write it again: ansible-playbook watchparty.secrets.env_encrypt"


def _moment(path: str, text: str) -> str:
    try:
        return timestamps.stamp(timestamps.moment(text))
    except ValueError:
        raise _broken(path, 1, "written= is not a time") from None


def _broken(path: str, line: int, problem: str) -> EncryptedEnvError:
    return EncryptedEnvError("%s: line %d: %s. %s" % (path, line, problem, RESTORE))


def _prefixed(path: str, number: int, line: str, prefix: str) -> bytes:
    if not line.startswith(prefix):
        raise _broken(path, number, "must begin with '%s'" % prefix.strip())
    return _decoded(path, number, line[len(prefix) :])


def _decoded(path: str, number: int, text: str) -> bytes:
    """Accepts only the base64 that ``written`` makes, so that no bit can be changed unnoticed."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    if not decoded or base64.b64encode(decoded).decode("ascii") != text:
        raise _broken(path, number, "is not base64")
    return decoded


def _entries(path: str, lines: Sequence[str]) -> Tuple[Tuple[str, bytes], ...]:
    entries: Dict[str, bytes] = {}
    for number, line in enumerate(lines, 3):
        match = _SETTING.fullmatch(line)
        if not match:
            raise _broken(path, number, "is not NAME=encrypted value")
        if match.group(1) in entries:
            raise _broken(path, number, "%s occurs twice" % match.group(1))
        entries[match.group(1)] = _decoded(path, number, match.group(2))
    return tuple(entries.items())


def require_context(file: EncryptedEnv, context: Mapping[str, str]) -> None:
    """Raises EncryptedEnvError for a file of another environment or catalog. The wrapped key is bound to the same
    context."""
    for name in _CONTEXT[:2]:
        if file.context[name] != context[name]:
            raise EncryptedEnvError(
                "%s: belongs to %s %s, and this run is for %s; give the file of %s"
                % (file.path, name, file.context[name], context[name], context[name])
            )
    if file.context["catalog"] != context["catalog"]:
        raise EncryptedEnvError(
            "%s: was written with another catalog (its settings or their locations differ); write it again: "
            "ansible-playbook watchparty.secrets.env_encrypt -e app_environment=%s"
            % (file.path, context["environment"])
        )


def opened(file: EncryptedEnv, file_key: bytes) -> Dict[str, str]:
    """The values. Raises EncryptedEnvError for a file that was changed."""
    keys = _Keys(file_key, file.context)
    if not hmac.compare_digest(keys.mac(file.signed), file.mac):
        raise EncryptedEnvError(
            "%s: was changed after it was written: its MAC does not match (a line was edited, moved or removed). %s"
            % (file.path, RESTORE)
        )
    return {name: keys.decrypted(file.path, name, encrypted) for name, encrypted in file.entries}


# --- writing ------------------------------------------------------------------------------------------------------


def written(
    values: Mapping[str, str],
    *,
    context: Mapping[str, str],
    journal: int,
    written_at: str,
    file_key: bytes,
    wrapped_key: bytes,
) -> bytes:
    """The file, sorted by name."""
    keys = _Keys(file_key, context)
    named = {**{name: context[name] for name in _CONTEXT}, "journal": journal, "written": written_at}
    head = "# %s %s" % (FORMAT, " ".join("%s=%s" % part for part in named.items()))
    lines = [head, _KEY_LINE + _encoded(wrapped_key)]
    lines += ["%s=%s" % (name, _encoded(keys.encrypted(name, values[name]))) for name in sorted(values)]
    signed = "".join(line + "\n" for line in lines).encode("ascii")
    return signed + (_MAC_LINE + _encoded(keys.mac(signed)) + "\n").encode("ascii")


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


# --- cryptography -------------------------------------------------------------------------------------------------


class _Keys:
    """Keys that are derived from a file key. Only the MAC and the wrapped key are bound to the catalog's digest,
    because a changed catalog must not change every line."""

    def __init__(self, file_key: bytes, context: Mapping[str, str]) -> None:
        if len(file_key) != KEY_BYTES:
            raise EncryptedEnvError(
                "the wrapped key holds %d bytes instead of %d. %s" % (len(file_key), KEY_BYTES, RESTORE)
            )
        self._file_key = file_key
        self._bound = [FORMAT.encode("ascii"), context["application"].encode(), context["environment"].encode()]

    def mac(self, signed: bytes) -> bytes:
        return hmac.new(self._derived(b"mac", 32), signed, hashlib.sha256).digest()

    def encrypted(self, name: str, value: str) -> bytes:
        return bytes(self._cipher(name).encrypt(_padded(value.encode("utf-8")), self._associated(name)))

    def decrypted(self, path: str, name: str, encrypted: bytes) -> str:
        try:
            padded = self._cipher(name).decrypt(encrypted, self._associated(name))
            return _unpadded(padded).decode("utf-8")
        except Exception:  # noqa: BLE001 - the library's own error, or one of a forged padding
            raise EncryptedEnvError("%s: %s cannot be decrypted. %s" % (path, name, RESTORE)) from None

    def _associated(self, name: str) -> List[bytes]:
        return [*self._bound, name.encode("ascii")]

    def _cipher(self, name: str) -> Any:
        return _library().AESSIV(self._derived(b"value " + name.encode("ascii"), 64))

    def _derived(self, purpose: bytes, length: int) -> bytes:
        """HKDF-SHA-256 (RFC 5869)."""
        library = _library()
        info = FORMAT.encode("ascii") + b" " + purpose
        hkdf: Callable[..., Any] = library.HKDF
        return bytes(hkdf(algorithm=library.SHA256(), length=length, salt=None, info=info).derive(self._file_key))


def _padded(value: bytes) -> bytes:
    """Length, value and zeros, up to a power of two."""
    size = SMALLEST_BUCKET
    while size < _LENGTH + len(value):
        size *= 2
    return len(value).to_bytes(_LENGTH, "big") + value + bytes(size - _LENGTH - len(value))


def _unpadded(padded: bytes) -> bytes:
    length = int.from_bytes(padded[:_LENGTH], "big")
    value = padded[_LENGTH : _LENGTH + length]
    if _padded(value) != padded:
        raise ValueError("padding")
    return value


@dataclass(frozen=True)
class _Library:
    AESSIV: Any
    HKDF: Any
    SHA256: Any


def _library() -> _Library:
    """Imports cryptography late, because most programs do not need it."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ImportError as error:
        raise EncryptedEnvError(
            "The Python library cryptography (37 or newer) is missing for .env.enc (%s); run: pip install cryptography"
            % error
        ) from None
    return _Library(AESSIV, HKDF, SHA256)
