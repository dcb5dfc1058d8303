# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What packages install and upgrade is not named, and what somebody changed in it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.plugins.module_utils._host.forensics.opened_host import Host, begins


def test_a_package_whose_names_leave_out_usr_and_whose_file_changed(host: Host) -> None:
    since = begins()
    host.write("usr/lib/x/security/pam_unix.so", "unix")
    assert host.found(since) == []
    host.write("usr/lib/x/security/pam_unix.so", "trojan")
    assert len(host.found(since)) == 1


def package(folder: Path, version: str) -> str:
    """With a unit, a cron job and a file of sudoers, whose texts differ by the version."""
    source = folder / f"package-{version}"
    about = f"Package: app\nVersion: {version}\nArchitecture: all"
    files = {
        "DEBIAN/control": f"{about}\nMaintainer: x <x@example.com>\nDescription: x\n",
        "DEBIAN/conffiles": "/etc/cron.d/app\n/etc/sudoers.d/app\n",
        **dict.fromkeys(("etc/cron.d/app", "etc/sudoers.d/app", "usr/lib/systemd/system/app.timer"), f"# {version}\n"),
    }
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    file = folder / f"{version}.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", source, file], check=True, capture_output=True)
    return str(file)


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg is not here: no package was installed")
def test_what_dpkg_installs_and_upgrades(host: Host, tmp_path: Path) -> None:
    shutil.rmtree(host.folder / "var/lib/dpkg")
    for name in ("info", "updates"):
        (host.folder / "var/lib/dpkg" / name).mkdir(parents=True)
    host.write("var/lib/dpkg/status", "")
    build = tmp_path / "build"
    for version in ("1", "2"):
        since = begins()
        command = ["dpkg", f"--root={host.folder}", "--force-not-root", "--log=/dev/null", "-i"]
        subprocess.run([*command, package(build, version)], check=True, capture_output=True)
        assert host.found(since) == []
    host.write("etc/cron.d/app", "planted")
    assert len(host.found(since)) == 1
