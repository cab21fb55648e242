"""Identifiers are GUIDs, spelled one way."""

from __future__ import annotations

import uuid

from unsecret.model.identifiers import canonical_guid
from unsecret.tenant.random_guids import random_guid


def test_random_guids_are_of_version_4_and_all_different() -> None:
    made = [random_guid() for _ in range(1000)]

    assert len(set(made)) == len(made)
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant, canonical_guid(one) == one) for one in made} == {
        (4, uuid.RFC_4122, True)
    }
