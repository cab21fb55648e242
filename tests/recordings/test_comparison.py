"""The comparison itself: what it lets pass, and that it lets nothing else pass."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_tenant import BASE
from tests.recordings.cassettes import GRAPH
from tests.recordings.comparison import Names, differences

ONE, TWO, THREE = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "123")


def _paths(recorded: Any, ours: Any, names: Names | None = None) -> list[str]:
    return [difference.path for difference in differences(recorded, ours, names or Names())]


@pytest.mark.parametrize(
    ("recorded", "ours"),
    [
        ({"id": ONE, "keyId": TWO}, {"keyId": THREE, "id": ONE}),
        ({"id": "T-zXq_a"}, {"id": "9Zkp-wA"}),
        ({"publisherDomain": "a.onmicrosoft.com"}, {"publisherDomain": "b.onmicrosoft.com"}),
        ({"id": ONE, "message": f"'{ONE}' is gone"}, {"id": TWO, "message": f"'{TWO}' is gone"}),
        ({"secretText": "a", "hint": "b"}, {"secretText": "c", "hint": "d"}),
        ({"createdDateTime": "2022-05-07T06:53:15.1234567Z"}, {"createdDateTime": "2022-05-07T06:53:17Z"}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}),
        ({"appRoles": [{"id": ONE}, {"id": TWO}]}, {"appRoles": [{"id": TWO}, {"id": ONE}]}),
        ({"@odata.context": f"{GRAPH}/v1.0/$metadata#x"}, {"@odata.context": f"{BASE}/v1.0/$metadata#x"}),
    ],
)
def test_what_differs_from_tenant_to_tenant_may_differ(recorded: Any, ours: Any) -> None:
    assert not _paths(recorded, ours, Names({ONE: ONE, TWO: TWO} if "appRoles" in recorded else {}))


@pytest.mark.parametrize(
    ("recorded", "ours", "path"),
    [
        ({"a": 1}, {}, "a"),
        ({}, {"a": None}, "a"),
        ({"a": None}, {}, "a"),
        ({"a": 1}, {"a": True}, "a"),
        ({"a": "1"}, {"a": 1}, "a"),
        ({"a": "x"}, {"a": "X"}, "a"),
        ({"a": []}, {"a": None}, "a"),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, "a.b"),
        ({"a": ["x"]}, {"a": []}, "a[]"),
        ({"a": ["x"]}, {"a": ["x", "x"]}, "a[]"),
        ({"a": [{"id": ONE, "b": 1}]}, {"a": [{"id": TWO, "b": 2}]}, "a[].b"),
        ({"id": ONE}, {"id": "no-guid"}, "id"),
        ({"id": ONE, "appId": TWO}, {"id": THREE, "appId": THREE}, "appId"),
        ({"secretText": "a"}, {"secretText": None}, "secretText"),
        ({"at": "2022-05-07T06:53:15Z"}, {"at": "2022-05-07T06:54:15Z"}, "at"),
        (
            {"@odata.context": f"{GRAPH}/v1.0/$metadata#x"},
            {"@odata.context": f"{BASE}/v1.0/$metadata#y"},
            "@odata.context",
        ),
    ],
)
def test_everything_else_is_a_difference(recorded: Any, ours: Any, path: str) -> None:
    assert _paths(recorded, ours) == [path]


def test_an_id_means_the_same_thing_for_the_whole_recording() -> None:
    names = Names()
    assert not _paths({"id": ONE}, {"id": TWO}, names)
    assert names.in_request(f"/applications/{ONE}") == f"/applications/{TWO}"
    assert _paths({"id": ONE}, {"id": THREE}, names) == ["id"]
    assert _paths({"displayName": ONE}, {"displayName": ONE}, names) == ["displayName"]


def test_an_id_that_the_client_chose_has_to_come_back() -> None:
    names = Names()
    assert names.in_request(f'{{"keyId": "{ONE}"}}') == f'{{"keyId": "{ONE}"}}'
    assert _paths({"keyId": ONE}, {"keyId": TWO}, names) == ["keyId"]
