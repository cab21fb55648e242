"""The two logs of a tenant in Graph's JSON, and the strings that a change is written down with.

https://learn.microsoft.com/en-us/graph/api/resources/directoryaudit
https://learn.microsoft.com/en-us/graph/api/resources/signin?view=graph-rest-beta

`modifiedProperties` hold strings that hold JSON. Detections take them apart by text, so their spelling is part of
the contract: Microsoft's own rule splits KeyDescription at `KeyIdentifier=`, `,KeyType=`, `,KeyUsage=` and
`,DisplayName=`
(https://github.com/Azure/Azure-Sentinel, NewAppOrServicePrincipalCredential.yaml).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from unsecret.model.application import KeyCredential, PasswordCredential
from unsecret.model.event import AuditEvent, Caller, ModifiedProperty, SignIn, SignInEventType, Target
from unsecret.model.people import AnyObject
from unsecret.model.policy import AppManagementPolicy, TenantDefault
from unsecret.wire.instants import format_instant
from unsecret.wire.policies import default_policy_to_graph, policy_to_graph

Credentials = tuple[Iterable[PasswordCredential], Iterable[KeyCredential]]

_LOGGED_BY = "Core Directory"
_KEY_DESCRIPTION = "KeyDescription"
_UNLISTED = frozenset({"id", "app_id", "created_at", "password_credentials", "key_credentials"})
"""Fields that no update changes, and the credentials, which have a description of their own."""

_ATTRIBUTES = "CustomSecurityAttributes"
_AUDIT_NAMES = {"identifier_uris": "AppIdentifierUri"}
"""Where the directory's own name of a property is not Graph's."""


def audit_to_graph(event: AuditEvent, *, beta: bool) -> dict[str, Any]:
    """A `directoryAudit`. Either a user or an application initiated it: what a client did for somebody was theirs."""
    record = {
        "id": event.id,
        "category": event.category,
        "correlationId": event.correlation_id,
        "result": str(event.result),
        "resultReason": event.result_reason,
        "activityDisplayName": str(event.activity),
        "activityDateTime": format_instant(event.at),
        "loggedByService": _LOGGED_BY,
        "operationType": str(event.operation_type),
        "initiatedBy": {"user": _user(event), "app": _app(event.caller)},
        "targetResources": [_target_to_graph(target) for target in event.targets],
        "additionalDetails": [{"key": key, "value": value} for key, value in event.additional_details],
    }
    if beta:
        record["userAgent"] = dict(event.additional_details).get("User-Agent")
    return record


def sign_in_to_graph(sign_in: SignIn, *, tenant_id: str, beta: bool) -> dict[str, Any]:
    """A `signIn` of a person or a service principal. What tells a secret from a certificate is only in beta."""
    user = sign_in.user
    record = {
        "id": sign_in.id,
        "createdDateTime": format_instant(sign_in.at),
        "appId": sign_in.app_id,
        "appDisplayName": sign_in.app_display_name,
        "ipAddress": sign_in.ip_address,
        "correlationId": sign_in.correlation_id,
        "userId": user.id if user else None,
        "userDisplayName": user.display_name if user else None,
        "userPrincipalName": user.user_principal_name if user else None,
        "isInteractive": sign_in.event_type is SignInEventType.INTERACTIVE_USER,
        "resourceId": sign_in.resource_id,
        "resourceDisplayName": sign_in.resource_display_name,
        "conditionalAccessStatus": "notApplied",
        "appliedConditionalAccessPolicies": [],
        "status": {
            "errorCode": sign_in.error_code,
            "failureReason": sign_in.failure_reason,
            "additionalDetails": None,
        },
        "location": None,
        "deviceDetail": None,
        "clientAppUsed": None,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
    }
    return record | (_beta_sign_in(sign_in, tenant_id) if beta else {})


def key_description(before: Credentials | None, after: Credentials | None) -> ModifiedProperty:
    """The change of an object's credentials: the complete lists before and after, each passwords and keys.
    None (no such object yet, or any more) is the empty list."""
    return ModifiedProperty(_KEY_DESCRIPTION, _described(before), _described(after))


def updated_properties(names: Iterable[str]) -> ModifiedProperty:
    """The last entry of every change: the names of the others."""
    return ModifiedProperty("Included Updated Properties", None, as_json(", ".join(names)))


def modified_properties(before: AnyObject | None, after: AnyObject | None) -> tuple[ModifiedProperty, ...]:
    """What differs between two states of an object, credentials aside; None is no object. Nothing when nothing
    differs. Values are arrays, as the directory keeps them."""
    old, new = _kept(before), _kept(after)
    names = [name for name in {**old, **new} if old.get(name, []) != new.get(name, [])]
    if not names:
        return ()
    changes = [ModifiedProperty(name, _shown(name, old), _shown(name, new)) for name in names]
    return (*changes, updated_properties(names))


def policy_properties(
    before: TenantDefault | AppManagementPolicy | None, after: TenantDefault | AppManagementPolicy | None
) -> tuple[ModifiedProperty, ...]:
    """The change of a policy: the whole of it before and after, in the beta shape so that nothing is left out."""
    detail = "PolicyDetail"
    return (ModifiedProperty(detail, _policy_detail(before), _policy_detail(after)), updated_properties([detail]))


def as_json(value: Any) -> str:
    """`value` as the JSON text that `oldValue` and `newValue` hold: a string is quoted once more (`"\\"abc\\""`
    in the record)."""
    return msgspec.json.encode(value).decode()


def _user(event: AuditEvent) -> dict[str, Any] | None:
    """https://learn.microsoft.com/en-us/graph/api/resources/auditactivityuseridentity"""
    user = event.caller.user if event.caller else None
    if user is None:
        return None
    return {
        "id": user.id,
        "displayName": user.display_name,
        "userPrincipalName": user.user_principal_name,
        "ipAddress": event.ip_address,
        "userType": None,
        "homeTenantId": None,
        "homeTenantName": None,
    }


def _app(caller: Caller | None) -> dict[str, Any] | None:
    if caller is None or caller.user is not None:
        return None
    return {
        "appId": caller.app_id,
        "displayName": caller.display_name,
        "servicePrincipalId": caller.service_principal_id,
        "servicePrincipalName": None,
    }


def _target_to_graph(target: Target) -> dict[str, Any]:
    return {
        "id": target.id,
        "displayName": target.display_name,
        "type": target.type,
        "userPrincipalName": target.user_principal_name,
        "groupType": None,
        "modifiedProperties": [
            {"displayName": change.display_name, "oldValue": change.old_value, "newValue": change.new_value}
            for change in target.modified_properties
        ],
    }


def _beta_sign_in(sign_in: SignIn, tenant_id: str) -> dict[str, Any]:
    return {
        "servicePrincipalId": sign_in.service_principal_id,
        "servicePrincipalName": sign_in.service_principal_name,
        "servicePrincipalCredentialKeyId": sign_in.credential_key_id,
        "servicePrincipalCredentialThumbprint": sign_in.credential_thumbprint,
        "clientCredentialType": str(sign_in.credential_type),
        "federatedCredentialId": sign_in.federated_credential_id,
        "signInEventTypes": [str(sign_in.event_type)],
        "resourceServicePrincipalId": sign_in.resource_service_principal_id,
        "resourceTenantId": tenant_id,
        "homeTenantId": tenant_id,
        "appOwnerTenantId": tenant_id,
        "originalRequestId": sign_in.id,
        "authenticationRequirement": "singleFactorAuthentication",
        "conditionalAccessAudiences": None,
        "tokenIssuerName": "",
        "tokenIssuerType": "AzureAD",
        "uniqueTokenIdentifier": sign_in.token_id,
        "incomingTokenType": "none",
        "authenticationProcessingDetails": [],
        "autonomousSystemNumber": None,
        "agent": None,
        "userAgent": sign_in.user_agent,
    }


def _described(credentials: Credentials | None) -> str:
    passwords, keys = credentials or ((), ())
    lines = [_line(p.key_id, "Password", "Verify", p.display_name) for p in passwords]
    return as_json(lines + [_line(k.key_id, k.type, k.usage, k.display_name) for k in keys])


def _line(key_id: str, type_: str, usage: str, name: str | None) -> str:
    return f"[KeyIdentifier={key_id},KeyType={type_},KeyUsage={usage},DisplayName={name or ''}]"


def _kept(obj: AnyObject | None) -> dict[str, list[Any]]:
    """Audit name → value, without what was never set."""
    if obj is None:
        return {}
    fields = {name: value for name, value in msgspec.structs.asdict(obj).items() if name not in _UNLISTED}
    named = {_AUDIT_NAMES.get(name, _pascal(name)): value for name, value in fields.items() if name != "other"}
    other = {name[:1].upper() + name[1:]: value for name, value in fields["other"].items()}
    values = {name: _as_array(value) for name, value in {**named, **other}.items()}
    return {name: value for name, value in values.items() if value}


def _shown(name: str, values: dict[str, list[Any]]) -> str:
    """What the record says of a property. Custom security attributes are only named: who may read the log may not
    read them, and what they hold is what exempts from a policy."""
    value = values.get(name, [])
    if name == _ATTRIBUTES:
        value = [{set_name: sorted(held) for set_name, held in sets.items()} for sets in value]
    return as_json(value)


def _pascal(field: str) -> str:
    return "".join(part.capitalize() for part in field.split("_"))


def _as_array(value: Any) -> list[Any]:
    if value is None or value == {}:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _policy_detail(policy: TenantDefault | AppManagementPolicy | None) -> str:
    match policy:
        case None:
            return "[]"
        case TenantDefault():
            return as_json([as_json(default_policy_to_graph(policy, beta=True))])
        case _:
            return as_json([as_json(policy_to_graph(policy, beta=True))])
