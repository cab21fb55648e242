"""Federated identity credentials: whose tokens an application may sign in with instead of its own.

https://learn.microsoft.com/en-us/graph/api/resources/federatedidentitycredential
"""

from __future__ import annotations

from msgspec import Struct


class ClaimsMatchingExpression(Struct, frozen=True, kw_only=True):
    """What a flexible credential (beta) asks of the token's claims, instead of one exact subject."""

    value: str
    language_version: int = 1


class FederatedIdentityCredential(Struct, frozen=True, kw_only=True):
    """Exactly one of `subject` and `claims_matching_expression` is given. `audiences` has exactly one element."""

    id: str
    name: str
    issuer: str
    subject: str | None
    audiences: tuple[str, ...]
    description: str | None = None
    claims_matching_expression: ClaimsMatchingExpression | None = None
