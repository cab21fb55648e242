"""People in Graph's words.

https://learn.microsoft.com/en-us/graph/api/resources/user

Unlike other objects a user is shown in a few properties only, unless `$select` asks for more. Passwords are written and
never shown.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection
from typing import Any

from msgspec import Struct

from unsecret.model.people import User
from unsecret.wire.custom_security_attributes import attributes_from_graph, attributes_to_graph
from unsecret.wire.expect import refuse
from unsecret.wire.instants import format_instant
from unsecret.wire.properties import fields_of, read_properties, require
from unsecret.wire.shapes import Access, Property, Shape, flag, many, record, text, word

_ATTRIBUTES = "customSecurityAttributes"
_PASSWORD = "passwordProfile"
_NICKNAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+")
_UPN = re.compile(r"[A-Za-z0-9'.\-_!#^~]+(#EXT#)?@[A-Za-z0-9.\-]+")

PROPERTIES: dict[str, Property] = {
    "businessPhones": Property(many(text(least=1, most=64, required=True), most=1)),
    "displayName": Property(text(least=1, most=256, required=True), "display_name"),
    "givenName": Property(text(most=64)),
    "jobTitle": Property(text(most=128)),
    "mail": Property(text(most=256), "mail"),
    "mobilePhone": Property(text(most=64)),
    "officeLocation": Property(text(most=128)),
    "preferredLanguage": Property(text(most=64)),
    "surname": Property(text(most=64)),
    "userPrincipalName": Property(
        text(most=113, pattern=_UPN, expected="a name such as alice@contoso.onmicrosoft.com", required=True),
        "user_principal_name",
    ),
    "id": Property(text(), "id", Access.READ),
    "accountEnabled": Property(flag(required=True), "account_enabled", on_select=True),
    "ageGroup": Property(word("Minor", "NotAdult", "Adult"), on_select=True),
    "city": Property(text(most=128), on_select=True),
    "companyName": Property(text(most=64), on_select=True),
    "country": Property(text(most=128), on_select=True),
    "createdDateTime": Property(text(), "created_at", Access.READ, on_select=True),
    "creationType": Property(text(), None, Access.READ, on_select=True),
    "deletedDateTime": Property(text(), None, Access.READ, on_select=True),
    "department": Property(text(most=64), on_select=True),
    "employeeId": Property(text(most=16), on_select=True),
    "faxNumber": Property(text(most=64), on_select=True),
    "mailNickname": Property(text(least=1, most=64, pattern=_NICKNAME, expected="an e-mail alias"), on_select=True),
    "onPremisesSyncEnabled": Property(flag(), None, Access.READ, on_select=True),
    "otherMails": Property(many(text(least=1, most=250, required=True), most=250), on_select=True),
    _PASSWORD: Property(
        record(
            nullable=True,
            password=text(least=1, most=256),
            forceChangePasswordNextSignIn=flag(default=True),
            forceChangePasswordNextSignInWithMfa=flag(default=False),
        ),
        on_select=True,
    ),
    "passwordPolicies": Property(text(most=128), on_select=True),
    "postalCode": Property(text(most=40), on_select=True),
    "state": Property(text(most=128), on_select=True),
    "streetAddress": Property(text(most=1024), on_select=True),
    "usageLocation": Property(text(least=2, most=2), on_select=True),
    "userType": Property(word("Member", "Guest", default="Member"), "user_type", on_select=True),
    _ATTRIBUTES: Property(
        Shape(attributes_from_graph, {}, schema={"type": "object"}),
        "custom_security_attributes",
        on_select=True,
    ),
}

_NONE_OF = [
    "assignedLicenses",
    "assignedPlans",
    "provisionedPlans",
    "proxyAddresses",
    "imAddresses",
    "infoCatalogs",
    "deviceKeys",
    "onPremisesProvisioningErrors",
    "serviceProvisioningErrors",
]
_UNKNOWN = [
    "consentProvidedForMinor",
    "employeeHireDate",
    "employeeLeaveDateTime",
    "employeeOrgData",
    "employeeType",
    "externalUserConvertedOn",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "isManagementRestricted",
    "isResourceAccount",
    "legalAgeGroupClassification",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesObjectIdentifier",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesUserPrincipalName",
    "preferredDataLocation",
    "showInAddressList",
]
NOT_KEPT: dict[str, Any] = {
    **{name: [] for name in _NONE_OF},
    **dict.fromkeys(_UNKNOWN),
    "authorizationInfo": {"certificateUserIds": []},
    "isLicenseReconciliationNeeded": False,
    "onPremisesExtensionAttributes": {f"extensionAttribute{number}": None for number in range(1, 16)},
}
"""What can be selected of a user and nobody here has: licences, mailboxes, another directory. Each as Graph shows it of
somebody new (https://learn.microsoft.com/en-us/graph/api/user-get); the Zero Trust Assessment asks for all of it."""

_BY_SMALL_LETTERS = {name.lower(): name for name in (*NOT_KEPT, "securityIdentifier")}
_DEFAULTS = {name: row.shape.default for name, row in PROPERTIES.items()}
NEEDED = ("accountEnabled", "displayName", "mailNickname", _PASSWORD, "userPrincipalName")
_KINDS_OF_CHARACTERS = 3
_SHORTEST = 8


class UserBody(Struct, frozen=True, kw_only=True):
    """What a request writes: fields of User, and the text of a new password, which is for a digest only."""

    properties: dict[str, Any]
    password: str | None = None


def user_to_graph(
    user: User, *, selected: Collection[str] | None = None, with_attributes: bool = False
) -> dict[str, Any]:
    """A user in the properties that Graph shows by default, or in all that can be `selected`."""
    names = [name for name, row in PROPERTIES.items() if selected is not None or not row.on_select]
    known = _known(user)
    shown = {name: known.get(name, _DEFAULTS[name]) for name in names if name != _ATTRIBUTES}
    if with_attributes:
        shown[_ATTRIBUTES] = attributes_to_graph(user.custom_security_attributes)
    for asked in selected or ():
        if (name := _BY_SMALL_LETTERS.get(asked.lower())) is not None:
            shown[name] = NOT_KEPT[name] if name in NOT_KEPT else _security_identifier(user.id)
    return shown


def _security_identifier(user_id: str) -> str:
    """Of a cloud account: its id as four numbers, as scripts that tell the one from the other have it. The first three
    parts of a GUID are numbers themselves, the rest are bytes (RFC 9562 §4; Windows keeps both little-endian)."""
    digits = user_id.replace("-", "")
    first, second = int(digits[:8], 16), int(digits[12:16] + digits[8:12], 16)
    numbers = (first, second, *struct.unpack("<2I", bytes.fromhex(digits[16:])))
    return "-".join(["S-1-12-1", *map(str, numbers)])


def user_from_graph(body: Any, *, existing: User | None) -> UserBody:
    """A POST (`existing` is None) or a PATCH as values, nothing of it applied. What a PATCH does not name is unchanged.

    Raises Invalid, which names the property; a password that is too weak has Graph's own words.
    https://learn.microsoft.com/en-us/graph/api/user-post-users
    """
    current = dict(_DEFAULTS)
    if existing is not None:
        current |= _known(existing) | {_ATTRIBUTES: existing.custom_security_attributes}
    written = read_properties(body, PROPERTIES, current=current, creating=existing is None)
    if existing is None:
        for name in NEEDED:
            require(name, written)
    password = _password_in(written, creating=existing is None)
    written = {name: value for name, value in written.items() if name == _ATTRIBUTES or value != current[name]}
    fields = fields_of(written, PROPERTIES, existing.other if existing else {}, _DEFAULTS)
    return UserBody(properties=fields, password=password)


def _password_in(written: dict[str, Any], *, creating: bool) -> str | None:
    profile = written.pop(_PASSWORD, None)
    password = None if profile is None else profile["password"]
    if password is None and creating:
        raise refuse(f"Property '{_PASSWORD}.password' is required.", _PASSWORD)
    if password is not None and not _is_strong(password):
        raise refuse(
            "The specified password does not comply with password complexity requirements. Please provide a different "
            f"password: at least {_SHORTEST} characters, of {_KINDS_OF_CHARACTERS} of these kinds: small letters, "
            "capital letters, digits, others.",
            _PASSWORD,
        )
    return password


def _is_strong(password: str) -> bool:
    """https://learn.microsoft.com/en-us/entra/identity/authentication/concept-sspr-policy"""
    kinds = [
        any(letter.islower() for letter in password),
        any(letter.isupper() for letter in password),
        any(letter.isdigit() for letter in password),
        any(not letter.isalnum() for letter in password),
    ]
    return len(password) >= _SHORTEST and sum(kinds) >= _KINDS_OF_CHARACTERS


def _known(user: User) -> dict[str, Any]:
    return user.other | {
        "id": user.id,
        "accountEnabled": user.account_enabled,
        "createdDateTime": format_instant(user.created_at) if user.created_at else None,
        "displayName": user.display_name,
        "mail": user.mail,
        "userPrincipalName": user.user_principal_name,
        "userType": user.user_type,
    }
