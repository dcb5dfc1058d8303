# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of authorized_keys: found by the key's own blob, and nothing else changes by a byte."""

from __future__ import annotations

import base64
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh.authorized_keys import (
    added,
    blob_of,
    disabled,
    entry_of,
    holds,
    names,
    others,
    removal,
    without,
)
from sandbox import sshd
from tests.unit.plugins.module_utils._host.ssh.public_keys import key

OLD, NEW, OTHER = key("old"), key("new"), key("other", "ecdsa-sha2-nistp256")
WRITTEN = f"{NEW} app/test/deploy"


class TestEntry:
    @pytest.mark.parametrize(
        ("line", "options"),
        [
            (OLD, ""),
            (f"{OLD} a comment of several words", ""),
            (f"  \t{OLD}\r", ""),
            (f"no-pty {OLD}", "no-pty"),
            (
                f'from="10.0.0.1,10.0.0.2",command="cat \\"a b\\"; exit" {OLD} x',
                'from="10.0.0.1,10.0.0.2",command="cat \\"a b\\"; exit"',
            ),
            (f'environment="A=ssh-ed25519 AAAA"\t {OLD}', 'environment="A=ssh-ed25519 AAAA"'),
        ],
    )
    def test_a_key(self, line: str, options: str) -> None:
        entry = entry_of(line.encode())
        assert entry is not None
        assert (entry.options.decode(), entry.blob) == (options, blob_of(OLD))

    @pytest.mark.parametrize(
        "line",
        ["", "   ", "# a comment", f"#{OLD}", "ssh-ed25519", "ssh-ed25519 ????", "ssh-ed25519 AAAA",
         f'command="never closed {OLD}',
         f"ssh-rsa {OLD.split()[1]}", "no-pty", "cert-authority principals=x"],
    )  # fmt: skip
    def test_no_key(self, line: str) -> None:
        assert entry_of(line.encode()) is None

    def test_what_is_no_public_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match="is not a public SSH key"):
            blob_of("-----BEGIN OPENSSH PRIVATE KEY-----")

    @pytest.mark.skipif(
        sshd.find("ssh-keygen") is None, reason="ssh-keygen is not installed: no fingerprint was compared"
    )
    def test_the_fingerprint_is_sshds(self, tmp_path: Path) -> None:
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        completed = subprocess.run(
            ["ssh-keygen", "-lf", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True
        )
        assert completed.stdout.split()[1] == fingerprints.of_ssh_key(blob_of((tmp_path / "key.pub").read_text()))


class TestAdded:
    def test_after_the_old_one_under_its_options(self) -> None:
        before = f'# mine\n{OTHER} a\nfrom="10.0.0.1",no-pty {OLD} ci\n\n# end'
        after = f'# mine\n{OTHER} a\nfrom="10.0.0.1",no-pty {OLD} ci\nfrom="10.0.0.1",no-pty {WRITTEN}\n\n# end\n'
        assert added(before.encode(), blob_of(OLD), WRITTEN).decode() == after

    def test_once_for_each_line_of_the_old_one(self) -> None:
        text = f'from="10.0.0.1" {OLD}\n{OTHER}\nfrom="10.0.0.2" {OLD}\n'
        lines = added(text.encode(), blob_of(OLD), WRITTEN).decode().splitlines()
        assert [line for line in lines if NEW in line] == [f'from="10.0.0.1" {WRITTEN}', f'from="10.0.0.2" {WRITTEN}']

    @pytest.mark.parametrize("text", ["", f"{OTHER}\n", f"{OTHER}", f"{OLD}\n{NEW} elsewhere\n"])
    def test_not_where_there_is_no_old_one_nor_a_second_time(self, text: str) -> None:
        assert added(text.encode(), blob_of(OLD), WRITTEN) == text.encode()

    def test_again_changes_nothing(self) -> None:
        once = added(f"{OLD}\n".encode(), blob_of(OLD), WRITTEN)
        assert added(once, blob_of(OLD), WRITTEN) == once


LINES = st.one_of(
    st.binary(max_size=60).filter(lambda line: b"\n" not in line),
    st.sampled_from([name.encode() for name in (OTHER, f"no-pty {OTHER} x", "# x", "", f"{NEW}x")]),
)


class TestWithout:
    @given(st.lists(LINES), st.lists(LINES))
    def test_every_other_byte_stays(self, before: list[bytes], after: list[bytes]) -> None:
        """Added and taken away again, whatever else the file holds."""
        old = f'from="10.0.0.1" {OLD}'.encode()
        text = b"\n".join([*before, old, *after, b""])
        both = added(text, blob_of(OLD), WRITTEN)
        assert holds(both, blob_of(NEW))
        assert without(both, blob_of(NEW)) == text
        assert without(without(both, blob_of(OLD)), blob_of(NEW)) == b"\n".join([*before, *after, b""])

    def test_every_line_of_the_key(self) -> None:
        text = f"{OLD} a\n{OTHER}\nno-pty {OLD} b"
        assert without(text.encode(), blob_of(OLD)) == f"{OTHER}".encode()


def test_a_disabled_key_keeps_its_place_and_options() -> None:
    text, old = f"{OTHER}\nno-pty {OLD} ci\n".encode(), blob_of(OLD)
    off = disabled(text, old)
    assert (holds(off, old), names(off, old), disabled(off, old)) == (False, True, off)
    both = added(off, old, WRITTEN)
    assert without(both, old) == f"{OTHER}\nno-pty {WRITTEN}\n".encode()
    assert not names(f"# {OLD}".encode(), old), "somebody's comment"


def test_others_are_reported_by_their_fingerprints() -> None:
    text = f"{OLD}\n{OTHER}\nno-pty {OTHER}\n{NEW}\n# x\n"
    assert others(text.encode(), (blob_of(OLD), blob_of(NEW))) == [fingerprints.of_ssh_key(blob_of(OTHER))]


def test_a_line_that_fills_the_file() -> None:
    """A look for keys has seconds."""
    began = time.process_time()
    assert entry_of(b"a" * (4 << 20) + b" " + key("x").encode()) is not None
    assert time.process_time() - began < 3


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_the_command_that_removes_a_key(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "keys of 'ann'"
    kept, gone = f"# {OLD[-9:]}\nno-pty {OTHER} x\n", key("gone", kind)
    path.write_text(f'{gone} a\n{kept}from="::1" {gone}\n')
    subprocess.run(["/bin/sh", "-c", removal(blob_of(gone), str(path))], check=True)
    assert path.read_text() == kept


@pytest.mark.parametrize("end", [b"", b"\xff" * 60])
def test_the_removal_of_a_strange_key_removes_no_other(end: bytes, tmp_path: Path) -> None:
    """Such as one of slashes alone, or one with which every key of its type begins."""
    strange = f"ssh-ed25519 {base64.b64encode((11).to_bytes(4, 'big') + b'ssh-ed25519' + end).decode()}"
    path = tmp_path / "keys"
    path.write_text(f"{OLD} a\n{strange}\tb\n{NEW}\n{strange}\n")
    subprocess.run(["/bin/sh", "-c", removal(blob_of(strange), str(path))], check=True)
    assert path.read_text() == f"{OLD} a\n{NEW}\n"
