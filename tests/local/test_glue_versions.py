"""Versions of tables in the Glue catalog: archived with each update unless it skips that, listed, deleted."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_stack import Stack

from emulator.glue import table_versions
from emulator.responses import answer


def table(description: str) -> dict[str, Any]:
    return {"Name": "t", "Description": description}


@pytest.fixture(scope="module")
def glue(stack: Stack) -> Any:
    client = stack.client("glue")
    client.create_database(DatabaseInput={"Name": "versions"})
    client.create_table(DatabaseName="versions", TableInput=table("0"))
    return client


def versions(glue: Any) -> list[str]:
    pages = glue.get_paginator("get_table_versions").paginate(DatabaseName="versions", TableName="t")
    return [one["Table"]["Description"] for page in pages for one in page["TableVersions"]]


def test_an_update_archives_what_the_table_was_unless_it_skips_that(glue: Any) -> None:
    assert versions(glue) == ["0"]
    glue.update_table(DatabaseName="versions", TableInput=table("1"))
    glue.update_table(DatabaseName="versions", TableInput=table("2"), SkipArchive=True)
    glue.update_table(DatabaseName="versions", TableInput=table("3"), SkipArchive=False)
    assert versions(glue) == ["3", "2", "0"]
    stale = {"DatabaseName": "versions", "TableInput": table("4"), "VersionId": "1"}
    with pytest.raises(ClientError):
        glue.update_table(**stale)
    assert versions(glue) == ["3", "2", "0"]


def test_versions_come_in_pages_of_a_hundred_and_are_deleted_by_a_hundred(glue: Any) -> None:
    for number in range(4, 150):
        glue.update_table(DatabaseName="versions", TableInput=table(str(number)))
    first = glue.get_table_versions(DatabaseName="versions", TableName="t")
    assert len(first["TableVersions"]) == 100
    assert len(versions(glue)) == 149
    old = [one["VersionId"] for one in first["TableVersions"][1:]]
    glue.batch_delete_table_version(DatabaseName="versions", TableName="t", VersionIds=old)
    assert len(versions(glue)) == 50
    gone = glue.batch_delete_table_version(DatabaseName="versions", TableName="t", VersionIds=old[:1])
    assert [error["VersionId"] for error in gone["Errors"]] == old[:1]
    with pytest.raises(ClientError):
        glue.batch_delete_table_version(DatabaseName="versions", TableName="t", VersionIds=["0"] * 101)


def test_a_table_takes_its_versions_along(glue: Any) -> None:
    glue.delete_table(DatabaseName="versions", Name="t")
    with pytest.raises(ClientError) as missing:
        versions(glue)
    assert missing.value.response["Error"]["Code"] == "EntityNotFoundException"
    glue.create_table(DatabaseName="versions", TableInput=table("new"))
    assert versions(glue) == ["new"]


def test_a_table_that_has_all_its_versions_takes_no_archiving_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_versions.glue, "_tables", {"d/t": {"VersionId": "1"}})
    update = table_versions.TableVersions(max_versions=3).archiving(lambda data: answer({}))
    request = {"DatabaseName": "d", "TableInput": {"Name": "t"}}
    statuses = [update(request)[0] for _ in range(3)]
    assert statuses == [200, 200, 400]
    assert "exceeds the limit 3 per TABLE" in json.loads(update(request)[2])["message"]
    assert update(request | {"SkipArchive": True})[0] == 200
