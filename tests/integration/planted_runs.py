# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``test_verify`` plants before whole runs of ``verify.yml``, several at once, and the check that finds each."""

from __future__ import annotations

ON_HOSTS = {
    ".env with mode 0640": "WPS201",
    "another file of the catalog with mode 0644": "WPS201",
    "an owner that the inventory does not name": "WPS202",
    "an access list lets an account read .env": "WPS203",
    "a copy beside .env": "WPS205",
    "a current value in a file beside .env": "WPS205",
    "another value in .env": "WPS301",
    "another value in another file of the catalog": "WPS301",
    "a setting that the catalog does not name": "WPS302",
    "a service that is older than the deploy": "WPS303",
    "a health address on a host answers with 500": "WPS601",
    "the health address from outside answers with 503": "WPS602",
}
IN_AWS = {
    "a contact without the form of an address": "WPS001",
    "a parameter that the catalog does not name": "WPS309",
    "a required value is missing": "WPS304",
    "debug mode": "WPS903",
    "a credential that is older than its limit": "WPS801",
    "a revocation that took longer than its limit": "WPS702",
    "a role that may read every secret": "WPS401",
    "a role that another account may take": "WPS402",
    "a policy without a statement that provisioning writes": "WPS405",
    "a user who may read secrets": "WPS406",
    "a user who may give rights to users": "WPS407",
    "a secret that everybody may read": "WPS404",
    "a version that no rotation names": "WPS803",
    "a key that does not rotate": "WPS1003",
    "a token of staging that is production's": "WPS901",
    "a signing key of staging that is production's": "WPS902",
    "a secret without its replica": "WPS1001",
    "a gap in the audit log": "WPS804",
}
MORE_IN_AWS = {
    "no audit log": "WPS002",
    "a fallback that is a previous signing key": "WPS701",
    "a rotation that did not end": "WPS802",
    "a secret that AWS is about to delete": "WPS1002",
}
IN_REPOSITORY_FILES = {
    ".env is not ignored": "WPS101",
    "a committed .env with a current value": "WPS102",
    "a current value in the history": "WPS103",
    "a token that the catalog does not name": "WPS104",
    "a static key of AWS in a workflow": "WPS501",
    "a password in a workflow": "WPS502",
    "a workflow that prints a secret": "WPS503",
    "a secret that GitHub lacks": "WPS506",
    "a secret of GitHub that the catalog does not name": "WPS506",
    "a deploy that failed": "WPS507",
    "a deploy with static keys of AWS": "WPS507",
}
BY_ZIZMOR = {
    "an action without a pin": "WPS504",
    "a dangerous trigger": "WPS505",
    "an action that keeps the token of the checkout": "WPS508",
}
