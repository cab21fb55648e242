"""The reports of activity (beta) in Graph's JSON.

https://learn.microsoft.com/en-us/graph/api/resources/appcredentialsigninactivity
https://learn.microsoft.com/en-us/graph/api/resources/serviceprincipalsigninactivity

Records of live tenants say `password` and `expirationDateTime` where some pages say `clientSecret` and
`expirationDate`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from unsecret.model.activity import CredentialActivity, LastUse, PrincipalActivity
from unsecret.model.application import ObjectKind
from unsecret.model.identifiers import canonical_guid
from unsecret.wire.instants import format_instant


def credential_activity_to_graph(activity: CredentialActivity) -> dict[str, Any]:
    """An appCredentialSignInActivity."""
    on_application = activity.origin is ObjectKind.APPLICATION
    return {
        "id": b64encode(activity.key_id.encode()).decode(),
        "keyId": activity.key_id,
        "keyType": "password" if activity.usage is None else "certificate",
        "keyUsage": (activity.usage or "verify").lower(),
        "appId": activity.app_id,
        "appObjectId": activity.object_id if on_application else None,
        "servicePrincipalObjectId": None if on_application else activity.object_id,
        "resourceId": activity.resource_id,
        "credentialOrigin": str(activity.origin),
        "createdDateTime": format_instant(activity.start_at),
        "expirationDateTime": format_instant(activity.end_at),
        "signInActivity": _last_use(activity.last),
    }


def principal_activity_to_graph(activity: PrincipalActivity) -> dict[str, Any]:
    """A servicePrincipalSignInActivity."""
    return {
        "id": b64encode(activity.app_id.encode()).decode(),
        "appId": activity.app_id,
        "lastSignInActivity": _last_use(activity.last),
        "delegatedClientSignInActivity": _last_use(activity.as_client_for_people),
        "delegatedResourceSignInActivity": _last_use(activity.as_resource_for_people),
        "applicationAuthenticationClientSignInActivity": _last_use(activity.as_client),
        "applicationAuthenticationResourceSignInActivity": _last_use(activity.as_resource),
    }


def reported_guid(identifier: str) -> str | None:
    """The GUID inside an `id` of these reports; a page's example has more behind it, after a bar."""
    try:
        text = b64decode(identifier + "=" * (-len(identifier) % 4), validate=True).decode()
    except ValueError:
        return None
    return canonical_guid(text.partition("|")[0])


def _last_use(use: LastUse | None) -> dict[str, Any] | None:
    return (
        None if use is None else {"lastSignInDateTime": format_instant(use.at), "lastSignInRequestId": use.sign_in_id}
    )
