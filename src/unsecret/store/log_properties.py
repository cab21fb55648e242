"""Graph's words for asking about the two logs, and the columns that answer.

Which property takes which operator is Microsoft's own table:
https://learn.microsoft.com/en-us/graph/api/resources/directoryaudit
https://learn.microsoft.com/en-us/graph/api/resources/signin?view=graph-rest-beta

What a row of this tenant always shows with one value (wire/logs.py) is asked about like everything else, and that
value answers: no sign-in is risky, and of none is it known where it came from.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, literal

from unsecret.model.query import Operator
from unsecret.store.expressions import text_in
from unsecret.store.filters import (
    Elements,
    NoElements,
    OneWord,
    Property,
    Scalar,
    flag,
    guid_in_a_string,
    instant_literal,
    number,
    optional,
    scalar,
    words,
)
from unsecret.store.schema_records import (
    INTERACTIVE_USER_SIGN_IN,
    NON_INTERACTIVE_USER_SIGN_IN,
    SERVICE_PRINCIPAL_SIGN_IN,
    audit_event,
    audit_target,
    sign_in,
)

_O = Operator
_SAME = frozenset({_O.EQ, _O.NE, _O.IN})
_WORDS = _SAME | {_O.STARTS_WITH}
_RANGE = _SAME | {_O.GE, _O.LE, _O.GT, _O.LT}

_audit, _target, _sign_in = audit_event.c, audit_target.c, sign_in.c


def _always(word: str, operators: frozenset[Operator] = _SAME) -> Scalar:
    """What every row shows with this one value."""
    return scalar(literal(word.lower()), operators, words)


def _noted(body: ColumnElement[Any], *path: str) -> Scalar:
    """What has no column of its own."""
    return optional(text_in(body, *path), _WORDS, words)


_NEVER = Scalar(column=None, operators=_WORDS, parse=words)
"""About what this directory does not know: where somebody is, and on which device."""

AUDITS: dict[str, Property] = {
    "id": scalar(func.lower(_audit.event_id), _WORDS, words),
    "activityDisplayName": scalar(_audit.folded_activity, _WORDS, words),
    "activityDateTime": scalar(_audit.at, _RANGE, instant_literal),
    "category": scalar(_audit.folded_category, _WORDS, words),
    "result": scalar(_audit.result, _WORDS, words),
    "correlationId": scalar(_audit.folded_correlation_id, _WORDS, words),
    "loggedByService": _always("Core Directory", _WORDS),
    "initiatedBy/app/appId": optional(_audit.caller_app_id, _SAME, guid_in_a_string),
    "initiatedBy/app/displayName": optional(_audit.folded_caller_name, _WORDS, words),
    "initiatedBy/app/servicePrincipalId": optional(_audit.caller_service_principal_id, _SAME, guid_in_a_string),
    "initiatedBy/app/servicePrincipalName": _NEVER,
    "initiatedBy/user/id": optional(_audit.caller_user_id, _SAME, guid_in_a_string),
    "initiatedBy/user/displayName": _noted(_audit.body, "caller", "user", "display_name"),
    "initiatedBy/user/userPrincipalName": optional(_audit.folded_caller_user_principal_name, _WORDS, words),
    "targetResources": Elements(
        owner=_audit.id,
        owned_by=_target.event_row,
        tenant_id=_target.tenant_id,
        conditions=(),
        members={
            "id": scalar(_target.folded_target_id, _WORDS, words),
            "displayName": optional(_target.folded_display_name, _WORDS, words),
        },
    ),
}
AUDIT_ORDERS = {"activityDateTime": _audit.at}

SIGN_INS: dict[str, Property] = {
    "id": scalar(func.lower(_sign_in.event_id), _WORDS, words),
    "createdDateTime": scalar(_sign_in.at, _RANGE, instant_literal),
    "appId": scalar(_sign_in.app_id, _SAME, guid_in_a_string),
    "appDisplayName": optional(_sign_in.folded_app_name, _WORDS, words),
    "authenticationRequirement": _always("singleFactorAuthentication", _WORDS),
    "clientAppUsed": _NEVER,
    "clientCredentialType": scalar(_sign_in.folded_credential_type, _WORDS, words),
    "conditionalAccessAudiences": _NEVER,
    "conditionalAccessStatus": _always("notApplied"),
    "correlationId": scalar(_sign_in.folded_correlation_id, _WORDS, words),
    "deviceDetail/browser": _NEVER,
    "deviceDetail/operatingSystem": _NEVER,
    "ipAddress": optional(_sign_in.folded_ip_address, _WORDS, words),
    "isInteractive": scalar(case((_sign_in.event_type == INTERACTIVE_USER_SIGN_IN, 1), else_=0), _SAME, flag),
    "location/city": _NEVER,
    "location/countryOrRegion": _NEVER,
    "location/state": _NEVER,
    "originalRequestId": scalar(func.lower(_sign_in.event_id), _SAME, words),
    "resourceDisplayName": _noted(_sign_in.body, "resource_display_name"),
    "resourceId": optional(_sign_in.resource_id, _SAME, guid_in_a_string),
    "riskDetail": _always("none"),
    "riskEventTypes_v2": NoElements(frozenset({_O.EQ, _O.NE, _O.STARTS_WITH})),
    "riskLevelAggregated": _always("none"),
    "riskLevelDuringSignIn": _always("none"),
    "riskState": _always("none"),
    "servicePrincipalCredentialKeyId": optional(_sign_in.credential_key_id, _SAME, guid_in_a_string),
    "servicePrincipalId": _noted(_sign_in.body, "service_principal_id"),
    "servicePrincipalName": _noted(_sign_in.body, "service_principal_name"),
    "signInEventTypes": OneWord(
        _sign_in.event_type,
        {
            "servicePrincipal": SERVICE_PRINCIPAL_SIGN_IN,
            "interactiveUser": INTERACTIVE_USER_SIGN_IN,
            "nonInteractiveUser": NON_INTERACTIVE_USER_SIGN_IN,
        },
    ),
    "status/errorCode": scalar(_sign_in.error_code, _RANGE, number),
    "tokenIssuerName": _always(""),
    "userAgent": _noted(_sign_in.body, "user_agent"),
    "userDisplayName": _noted(_sign_in.body, "user", "display_name"),
    "userId": optional(_sign_in.user_id, _SAME, guid_in_a_string),
    "userPrincipalName": optional(_sign_in.folded_user_principal_name, _WORDS, words),
}
SIGN_IN_ORDERS = {"createdDateTime": _sign_in.at}
