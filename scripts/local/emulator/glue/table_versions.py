"""Versions of the tables in the Glue catalog, which ministack does not keep.

UpdateTable archives what the table was, unless SkipArchive is true. A table has at most 100,000 versions, the
present one included, and an update that would archive one more is refused.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import glue

from emulator.responses import Response, answer, refusal

Handler = Callable[[dict[str, Any]], Any]

_MAX_VERSIONS = 100_000
_PAGE = 100
"""The most versions that GetTableVersions lists, and that BatchDeleteTableVersion takes, in one call."""


class TableVersions:
    """The archived versions of all tables. No two of its methods may run at once: see catalog.serialized."""

    def __init__(self, max_versions: int = _MAX_VERSIONS) -> None:
        self._archived: Any = AccountRegionScopedDict()
        self._max_versions = max_versions

    def archiving(self, update: Handler) -> Handler:
        """Wraps UpdateTable."""

        def call(data: dict[str, Any]) -> Any:
            key = _key(data, (data.get("TableInput") or {}).get("Name"))
            table = glue._tables.get(key)
            if table is None or data.get("SkipArchive") is True:
                return update(data)
            archived = self._archived.get(key) or []
            if len(archived) + 2 > self._max_versions:
                return refusal(
                    "ResourceNumberLimitExceededException",
                    f"Number of TABLE_VERSION resources exceeds the limit {self._max_versions} per TABLE",
                )
            # The handler gives the table new members and changes none of the old ones.
            before = dict(table)
            response = update(data)
            if response[0] == 200:
                self._archived[key] = [*archived, before]
            return response

        return call

    def forgetting(self, delete: Handler, names: Callable[[dict[str, Any]], list[str]]) -> Handler:
        """Wraps a handler that deletes tables, whose versions go with them."""

        def call(data: dict[str, Any]) -> Any:
            response = delete(data)
            for name in names(data):
                if _key(data, name) not in glue._tables:
                    self._archived.pop(_key(data, name), None)
            return response

        return call

    def actions(self) -> Mapping[str, Handler]:
        """The actions that ministack does not have, by name."""
        return {
            "GetTableVersion": self._get_one,
            "GetTableVersions": self._get_page,
            "DeleteTableVersion": self._delete_one,
            "BatchDeleteTableVersion": self._delete_batch,
        }

    def _get_page(self, data: dict[str, Any]) -> Response:
        versions = self._newest_first(data)
        if versions is None:
            return _no_table(data)
        start = int(data.get("NextToken") or 0)
        end = start + min(int(data.get("MaxResults") or _PAGE), _PAGE)
        more = {"NextToken": str(end)} if end < len(versions) else {}
        page = [{"Table": table, "VersionId": table["VersionId"]} for table in versions[start:end]]
        return answer({"TableVersions": page, **more})

    def _get_one(self, data: dict[str, Any]) -> Response:
        versions = self._newest_first(data)
        if versions is None:
            return _no_table(data)
        wanted = data.get("VersionId") or versions[0]["VersionId"]
        found = next((table for table in versions if table["VersionId"] == wanted), None)
        if found is None:
            return refusal("EntityNotFoundException", f"Version {wanted} not found.")
        return answer({"TableVersion": {"Table": found, "VersionId": wanted}})

    def _delete_one(self, data: dict[str, Any]) -> Response:
        return answer({}) if self._delete(data, data.get("VersionId", "")) else _no_table(data)

    def _delete_batch(self, data: dict[str, Any]) -> Response:
        wanted = data.get("VersionIds") or []
        if len(wanted) > _PAGE:
            return refusal("InvalidInputException", f"at most {_PAGE} versions at a time, not {len(wanted)}")
        errors = [
            {
                "TableName": data.get("TableName"),
                "VersionId": version,
                "ErrorDetail": {"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Version not found"},
            }
            for version in wanted
            if not self._delete(data, version)
        ]
        return answer({"Errors": errors})

    def _delete(self, data: dict[str, Any], version: str) -> bool:
        key = _key(data, data.get("TableName"))
        archived = self._archived.get(key) or []
        left = [table for table in archived if table["VersionId"] != version]
        if len(left) == len(archived):
            return False
        self._archived[key] = left
        return True

    def _newest_first(self, data: dict[str, Any]) -> list[dict[str, Any]] | None:
        key = _key(data, data.get("TableName"))
        table = glue._tables.get(key)
        return None if table is None else [table, *reversed(self._archived.get(key) or [])]


def with_actions(handle: Callable[..., Any], actions: Mapping[str, Handler]) -> Callable[..., Any]:
    """Wraps ministack's dispatch of Glue calls, so that it knows these actions too."""

    def dispatch(method: str, path: str, headers: Mapping[str, str], body: Any, params: Any) -> Any:
        action = actions.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
        if action is None:
            return handle(method, path, headers, body, params)
        return action(json.loads(body or b"{}"))

    return dispatch


def _key(data: Mapping[str, Any], table: Any) -> str:
    return f"{data.get('DatabaseName')}/{table}"


def _no_table(data: Mapping[str, Any]) -> Response:
    return refusal("EntityNotFoundException", f"Table {data.get('TableName')} or its version not found.")
