"""The identifiers of a directory, each its own type.

`ObjectId` names an object, `AppId` names an application across tenants. Mixing them up is the oldest trap
of Microsoft Graph; the type checker keeps them apart. All are lower-case hyphenated GUID strings.
"""

from __future__ import annotations

import re
from typing import NewType

ObjectId = NewType("ObjectId", str)
AppId = NewType("AppId", str)
TenantId = NewType("TenantId", str)
KeyId = NewType("KeyId", str)
PolicyId = NewType("PolicyId", str)

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
GRAPH_APP_ID = AppId("00000003-0000-0000-c000-000000000000")
ARM_APP_ID = AppId("797f4846-ba00-4fd7-ba43-dac1f8f63013")

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def canonical_guid(text: str) -> str | None:
    """`text` as a lower-case GUID, or None when it is not a GUID."""
    return text.lower() if _GUID.fullmatch(text) else None
