# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real test hosts on one Linux machine, as root: each with its own root file system, processes, address and sshd.

::

    with Fleet(tmp_path, Plan(count=3, services=True)) as fleet:
        subprocess.run(
            ["ansible-playbook", "-i", fleet.inventory, "playbooks/deploy.yml", "-e", "app_environment=production"],
            env={**os.environ, "AWS_CONFIG_FILE": str(fleet.names.aws_config)},
        )
        fleet.run("app1", ["systemctl", "kill", "watchparty-web"])

``python -m sandbox.hosts`` does the same from the command line. What a host wrote is below ``fleet.disk(name)``; what
it sees, while it runs, below ``fleet.root(name)``.
"""

from __future__ import annotations

from sandbox.hosts._commands import why_not
from sandbox.hosts.fleet import Fleet, Plan

__all__ = ["Fleet", "Plan", "why_not"]
