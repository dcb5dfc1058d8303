# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Local stand-ins for AWS, PostgreSQL, Valkey and a host's sshd: for the demo, the tests and the bench.

Everything listens on loopback unless an address is given, needs neither root nor a container engine, and is gone
after ``stop()``. Nothing here is part of the collection's artifact.
"""
