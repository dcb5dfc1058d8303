# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS SSM Parameter Store as a store. The caller passes the boto3 client."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    DENIED,
    MISSING,
    Contents,
    Failure,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import NumberedStore

PAGE = 10
"""Parameters in one call of GetParametersByPath or GetParameters."""
KEPT = ("Type", "KeyId", "Tier", "Description", "AllowedPattern", "DataType")
"""Properties that a write must repeat, because PutParameter resets them to defaults. AWS keeps tags and policies."""


class ParameterStore(NumberedStore):
    name = SSM

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        contents = Contents()
        for path in dict.fromkeys(names):
            contents |= self._path(path)
        moved = {
            name: version
            for name, version in (pins or {}).items()
            if name not in contents.readings or contents.readings[name].version != version
        }
        if not moved:
            return contents
        # The current version must not stand in for a pinned version that is gone.
        readings = {name: reading for name, reading in contents.readings.items() if name not in moved}
        return Contents(readings, contents.failures) | self._versions(moved)

    def _path(self, path: str) -> Contents:
        readings: dict[str, Reading] = {}
        try:
            with aws_errors.translated("ssm:GetParametersByPath", path):
                for page in self._pages(path):
                    for parameter in page.get("Parameters", []):
                        readings[parameter["Name"]] = self._reading(parameter["Name"], parameter)
        except Denied as error:
            return Contents({}, {path: Failure(self.name, path, DENIED, error.detail)})
        return Contents(readings)

    def _pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        paginator = self._client.get_paginator("get_parameters_by_path")
        yield from paginator.paginate(Path=path, Recursive=True, WithDecryption=True, MaxResults=PAGE)

    def history(self, name: str) -> List[Reading]:
        readings: List[Reading] = []
        with aws_errors.translated("ssm:GetParameterHistory", f"parameter {name}"):
            pages = self._client.get_paginator("get_parameter_history").paginate(Name=name, WithDecryption=True)
            for page in pages:
                readings += [self._reading(name, parameter) for parameter in page.get("Parameters", [])]
        return readings

    def _versions(self, pins: Mapping[str, str]) -> Contents:
        contents = Contents()
        wanted = [f"{name}:{version}" for name, version in pins.items()]
        for start in range(0, len(wanted), PAGE):
            batch = wanted[start : start + PAGE]
            with aws_errors.translated("ssm:GetParameters", ", ".join(batch)):
                answer = self._client.get_parameters(Names=batch, WithDecryption=True)
            readings = {item["Name"]: self._reading(item["Name"], item) for item in answer.get("Parameters", [])}
            contents |= Contents(readings)
            for invalid in answer.get("InvalidParameters", []):
                name = invalid.rpartition(":")[0]
                contents |= Contents({}, {name: Failure(self.name, name, MISSING, f"version {invalid}")})
        return contents

    def _reading(self, name: str, answer: Mapping[str, Any]) -> Reading:
        plain, written = answer["Type"] != "SecureString", answer.get("LastModifiedDate")
        moment, writer = timestamps.stamp(written) if written else "", answer.get("LastModifiedUser", "")
        return Reading(self.name, name, str(answer["Version"]), answer["Value"], plain, moment, writer)

    def _look(self, name: str) -> Tuple[Reading, Mapping[str, Any]]:
        def described() -> Dict[str, Any]:
            options: Dict[str, Any] = {}
            with aws_errors.translated("ssm:DescribeParameters", f"parameter {name}"):
                pages = self._client.get_paginator("describe_parameters").paginate(
                    ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
                )
                for item in pages.search("Parameters[]"):
                    options = {key: item[key] for key in KEPT if item.get(key)}
            return options

        def current() -> Dict[str, Any]:
            with aws_errors.translated("ssm:GetParameter", f"parameter {name}"):
                parameter: Dict[str, Any] = self._client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
            return parameter

        options, look = self.side_by_side([described, current])
        return self._reading(name, look), options

    def _write(self, name: str, value: str, metadata: Mapping[str, Any]) -> int:
        with aws_errors.translated("ssm:PutParameter", f"parameter {name}", carries=value):
            answer = self._client.put_parameter(Name=name, Value=value, Overwrite=True, **metadata)
        return int(answer["Version"])

    def _create(self, name: str, value: str) -> None:
        with aws_errors.translated("ssm:PutParameter", f"parameter {name}", carries=value):
            self._client.put_parameter(Name=name, Value=value, Type="String", Tier="Standard")

    def _delete(self, names: Sequence[str]) -> None:
        with aws_errors.translated("ssm:DeleteParameters", ", ".join(names)):
            self._client.delete_parameters(Names=list(names))
