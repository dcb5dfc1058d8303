# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code that runs on a host. Python 3.8, standard library; also Ansible, Django, boto3 and drivers of servers."""
