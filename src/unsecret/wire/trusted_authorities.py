"""certificateBasedApplicationConfiguration: the certificate authorities that a policy can hold certificates to (beta).

https://learn.microsoft.com/en-us/graph/api/resources/certificatebasedapplicationconfiguration?view=graph-rest-beta
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from unsecret.model.policy import CertificateBasedApplicationConfiguration, TrustedAuthority
from unsecret.wire import expect
from unsecret.wire.binaries import a_key

MOST_AUTHORITIES = 10
"""Of one configuration, says Graph."""

FactsOf = Callable[[bytes], tuple[str, str]]
"""A certificate's DER → its issuer's name and its subject key identifier. Raises Invalid when it is none."""

_AUTHORITIES = "trustedCertificateAuthorities"
_CERTIFICATE = "certificate"
_COMPUTED = ("issuer", "issuerSubjectKeyIdentifier")


class TrustedConfigurationBody(Struct, frozen=True, kw_only=True):
    """What a POST asks for: all but the id."""

    display_name: str | None
    description: str | None
    trusted_certificate_authorities: tuple[TrustedAuthority, ...]


def trusted_configuration_to_graph(configuration: CertificateBasedApplicationConfiguration) -> dict[str, Any]:
    """The configuration with its authorities."""
    return {
        "id": configuration.id,
        "deletedDateTime": None,
        "displayName": configuration.display_name,
        "description": configuration.description,
        _AUTHORITIES: [authority_to_graph(one) for one in configuration.trusted_certificate_authorities],
    }


def trusted_configuration_from_graph(body: Any, *, facts_of: FactsOf) -> TrustedConfigurationBody:
    """What `body` asks to be created. `facts_of` reads a certificate; what a client says of the certificate's
    issuer is ignored in favour of what the certificate says. Raises Invalid, naming the member."""
    members = expect.an_object(_tidy(body), "", ("id", "deletedDateTime", "displayName", "description", _AUTHORITIES))
    if members.get("id") is not None:
        raise expect.refuse("Property 'id' is read-only and cannot be set.", "id")
    items = expect.a_list(members.get(_AUTHORITIES, []), _AUTHORITIES)
    if not 1 <= len(items) <= MOST_AUTHORITIES:
        raise expect.refuse(
            f"'{_AUTHORITIES}' must hold at least one and at most {MOST_AUTHORITIES} authorities, found {len(items)}.",
            _AUTHORITIES,
        )
    return TrustedConfigurationBody(
        display_name=_text_or_null(members, "displayName"),
        description=_text_or_null(members, "description"),
        trusted_certificate_authorities=tuple(
            authority_from_graph(item, f"{_AUTHORITIES}[{index}]", facts_of) for index, item in enumerate(items)
        ),
    )


def trusted_properties_from_graph(
    body: Any, current: CertificateBasedApplicationConfiguration
) -> CertificateBasedApplicationConfiguration:
    """`current` with the name and the description that a PATCH gives it. Its authorities are changed one by one."""
    members = expect.an_object(_tidy(body), "", ("displayName", "description"))
    return msgspec.structs.replace(
        current,
        display_name=_text_or_null(members, "displayName") if "displayName" in members else current.display_name,
        description=_text_or_null(members, "description") if "description" in members else current.description,
    )


def authority_to_graph(authority: TrustedAuthority) -> dict[str, Any]:
    """A certificateAuthorityAsEntity."""
    return {
        "id": authority.id,
        _CERTIFICATE: _base64(authority),
        "isRootAuthority": authority.is_root_authority,
        "issuer": authority.issuer,
        "issuerSubjectKeyIdentifier": authority.issuer_subject_key_identifier,
    }


def authority_from_graph(
    value: Any, where: str, facts_of: FactsOf, current: TrustedAuthority | None = None
) -> TrustedAuthority:
    """The authority that `value` asks for; a PATCH keeps of `current` what it does not name. An id that is
    sent back is passed over. Raises Invalid."""
    members = expect.an_object(_tidy(value), where, ("id", _CERTIFICATE, "isRootAuthority", *_COMPUTED))
    if current is not None:
        members = {_CERTIFICATE: _base64(current), "isRootAuthority": current.is_root_authority} | members
    der = a_key(members.get(_CERTIFICATE), expect.join(where, _CERTIFICATE))
    issuer, key_identifier = facts_of(der)
    return TrustedAuthority(
        id=current.id if current else "",
        certificate=der,
        is_root_authority=expect.a_bool(members.get("isRootAuthority"), expect.join(where, "isRootAuthority")),
        issuer=issuer,
        issuer_subject_key_identifier=key_identifier,
    )


def _base64(authority: TrustedAuthority) -> str:
    return base64.b64encode(authority.certificate).decode()


def _tidy(value: Any) -> Any:
    """Microsoft's own sample writes "trustedCertificateAuthorities " with a space at the end:
    https://learn.microsoft.com/en-us/graph/api/certificateauthoritypath-post-certificatebasedapplicationconfigurations
    """
    return {name.strip(): member for name, member in value.items()} if isinstance(value, dict) else value


def _text_or_null(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    return None if value is None else expect.a_name(value, name)
