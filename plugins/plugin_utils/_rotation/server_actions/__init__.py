# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation does at servers: the values are found on the controller, and a program uses them on the host."""
