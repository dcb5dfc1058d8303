#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_readers_info
short_description: List who read the secrets of credentials, from CloudTrail
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Searches CloudTrail's event history for reads of the secrets and parameters that hold O(credentials), and for every
    call with a key in O(access_keys). Returns reader, time, address and secret.
  - The search ends after O(seconds) or O(pages). If it is incomplete, or CloudTrail cannot be reached, the result
    reports this and the module does not fail.
  - CloudTrail is asked in one region, shows events up to 15 minutes late and keeps them for 90 days.
options:
  credentials:
    description: Names of credentials in the catalog.
    type: list
    elements: str
    required: true
  access_keys:
    description:
      - Ids of AWS access keys whose calls the module also searches for. If O(credentials) contains a credential of the
        kind C(aws_access_key), the module adds its present key.
    type: list
    elements: str
    default: []
  since:
    description:
      - Time from which to search, such as V(2026-11-20T10:00:00Z). If empty, the module searches all events that
        CloudTrail keeps (90 days), until it reaches O(pages) or O(seconds).
    type: str
    default: ''
  seconds:
    description: Seconds that the whole search may take. CloudTrail allows two requests a second.
    type: int
    default: 8
  pages:
    description: Highest number of pages, of 50 events each, for each request.
    type: int
    default: 10
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
  - watchparty.secrets.attributes.reads
  - watchparty.secrets.attributes.controller
notes:
  - Needs C(cloudtrail:LookupEvents). Its only possible resource is V(*).
"""

EXAMPLES = r"""
- name: See who read the cache's password
  watchparty.secrets.secret_readers_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
    credentials: [cache]
    since: "2026-11-20T10:00:00Z"
  run_once: true
  register: readers
"""

RETURN = r"""
messages:
  description:
    - One line for each reader, with secret, address and time, the latest first. Then one line for each search that was
      not made, with the reason.
  type: list
  elements: str
  returned: success
  sample:
    - "watchparty/production/core: GetSecretValue 3 times by arn:aws:sts::123456789012:assumed-role/web/i-0abc from
      10.0.3.7, key ASIAEXAMPLE, 2026-11-25T10:00:00Z to 2026-11-25T10:20:00Z"
asked:
  description: Whether CloudTrail answered.
  type: bool
  returned: success
access_keys:
  description: Ids of the access keys that the module searched for.
  type: list
  elements: str
  returned: success
"""
