#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_status
short_description: Publish how old credentials are, as metrics, a page or a monthly summary
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Publishes the ages that M(watchparty.secrets.rotation_info) has read. If the catalog has C(alerts), the module sends
    metrics to CloudWatch. O(page) writes a page, and O(digest) sends a monthly summary.
  - Metrics, page and summary contain names, dates and counts, and no value.
options:
  info:
    description: Name of the variable in which a result of M(watchparty.secrets.rotation_info) was registered.
    type: str
    required: true
  page:
    description:
      - Path of a file for an HTML page with the ages, the last rotations and the leaks. The module does not write the
        page if only times differ from the existing page.
    type: path
  digest:
    description: Whether to send the summary once a month to all receivers in C(alerts) and C(notify) of the catalog.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.attributes.controller
attributes:
  check_mode:
    description: Sends and writes nothing, and returns what would be sent.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
notes:
  - Needs C(cloudwatch:PutMetricData) in the namespace C(watchparty.secrets).
seealso:
  - module: watchparty.secrets.rotation_info
"""

EXAMPLES = r"""
- name: Read the ages
  watchparty.secrets.rotation_info:
    catalog: "{{ secrets_catalog }}"
    environment: production
  run_once: true
  register: ages

- name: Publish them
  watchparty.secrets.rotation_status:
    catalog: "{{ secrets_catalog }}"
    environment: production
    info: ages
  run_once: true
"""

RETURN = r"""
metrics:
  description: One line for each metric that was sent to CloudWatch.
  type: list
  elements: str
  returned: success
  sample: ["DaysUntilDue database: 78", "DaysUntilDue (all): 3"]
page:
  description: Full path of the page. Empty without O(page).
  type: str
  returned: success
digest:
  description: First sentence of the summary. Empty if no summary was due.
  type: str
  returned: success
"""
