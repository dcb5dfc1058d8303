# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Local stand-ins for AWS, PostgreSQL, Valkey and a host's sshd, for the demo, the tests and the bench.

They listen on loopback unless an address is given, need neither root nor a container engine, and are gone after
``stop()``. They are not part of the collection's artifact.
"""
