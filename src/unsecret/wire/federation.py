"""federatedIdentityCredential on the wire.

https://learn.microsoft.com/en-us/graph/api/resources/federatedidentitycredential
https://learn.microsoft.com/en-us/graph/api/resources/federatedidentityexpression?view=graph-rest-beta

beta knows `claimsMatchingExpression` besides; v1.0 shows a credential that has one without a subject.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from unsecret.model.event import ModifiedProperty
from unsecret.model.federation import ClaimsMatchingExpression, FederatedIdentityCredential
from unsecret.wire.logs import as_json, updated_properties
from unsecret.wire.properties import read_properties, require, shown_by_default
from unsecret.wire.shapes import Access, Property, many, record, text, whole

LONGEST = 600
"""Characters of an issuer, a subject, an audience and a description."""

LONGEST_EXPRESSION = 1024
"""No page names a limit."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_ISSUER = re.compile(r"https://[^\s/?#@][^\s?#@]*")
_EXPRESSION = "claimsMatchingExpression"

PROPERTIES: dict[str, Property] = {
    "id": Property(text(), None, Access.READ),
    "name": Property(
        text(
            least=3,
            most=120,
            pattern=_NAME,
            expected="letters, digits, dashes and underscores, the first a letter or a digit,",
            required=True,
        ),
        None,
        Access.CREATE,
        instead="Delete the credential and make another.",
    ),
    "issuer": Property(
        text(least=9, most=LONGEST, pattern=_ISSUER, expected="an https address without spaces", required=True)
    ),
    "subject": Property(text(least=1, most=LONGEST)),
    "description": Property(text(most=LONGEST)),
    "audiences": Property(
        replace(many(text(least=1, most=LONGEST, required=True), least=1, most=1), default=None, required=True)
    ),
}
BETA_PROPERTIES: dict[str, Property] = {
    **PROPERTIES,
    _EXPRESSION: Property(
        record(
            nullable=True,
            value=text(least=1, most=LONGEST_EXPRESSION, required=True),
            languageVersion=replace(whole(1, 1), required=True),
        )
    ),
}

NEEDED = ("name", "issuer", "audiences")
"""Without these no credential is made."""

NAMES = frozenset(BETA_PROPERTIES)
"""Every property, in either version."""


def federated_credential_to_graph(credential: FederatedIdentityCredential, *, beta: bool) -> dict[str, Any]:
    """The credential as Graph shows it."""
    shown: dict[str, Any] = {
        "id": credential.id,
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "description": credential.description,
        "audiences": list(credential.audiences),
    }
    if beta:
        shown[_EXPRESSION] = _expression_to_graph(credential.claims_matching_expression)
    return shown


def federated_credential_from_graph(
    body: Any, *, existing: FederatedIdentityCredential | None, new_id: str, beta: bool, named: str | None = None
) -> FederatedIdentityCredential:
    """The credential that `body` asks for. A PATCH keeps what it does not name. `named` is the name that the address
    gives to one that is to be made. Raises Invalid, naming the property."""
    table = BETA_PROPERTIES if beta else PROPERTIES
    current = federated_credential_to_graph(existing, beta=beta) if existing else shown_by_default(table)
    if named is not None:
        current["name"] = named
    written = read_properties(body, table, current=current, creating=existing is None and named is None)
    if named is not None:
        written["name"] = table["name"].shape.read(named, "name", None)
    if existing is None:
        for name in NEEDED:
            require(name, written)
    return _assembled(current | written, existing.id if existing else new_id, existing)


def federated_properties(
    before: Sequence[FederatedIdentityCredential], after: Sequence[FederatedIdentityCredential]
) -> tuple[ModifiedProperty, ...]:
    """The audit's `modifiedProperties`: the complete lists before and after. Microsoft's own name for it is unknown."""
    name = "FederatedIdentityCredentials"
    return ModifiedProperty(name, _described(before), _described(after)), updated_properties([name])


def _assembled(
    values: Mapping[str, Any], credential_id: str, existing: FederatedIdentityCredential | None
) -> FederatedIdentityCredential:
    kept = existing.claims_matching_expression if existing else None
    return FederatedIdentityCredential(
        id=credential_id,
        name=values["name"],
        issuer=values["issuer"],
        subject=values["subject"],
        audiences=tuple(values["audiences"]),
        description=values["description"],
        claims_matching_expression=_expression(values[_EXPRESSION]) if _EXPRESSION in values else kept,
    )


def _expression(value: Mapping[str, Any] | None) -> ClaimsMatchingExpression | None:
    if value is None:
        return None
    return ClaimsMatchingExpression(value=value["value"], language_version=value["languageVersion"])


def _expression_to_graph(expression: ClaimsMatchingExpression | None) -> dict[str, Any] | None:
    if expression is None:
        return None
    return {"value": expression.value, "languageVersion": expression.language_version}


def _described(credentials: Sequence[FederatedIdentityCredential]) -> str:
    return as_json([federated_credential_to_graph(credential, beta=True) for credential in credentials])
