"""The complex types that applications and service principals have in common.

Members, defaults and limits: https://learn.microsoft.com/en-us/graph/api/resources/application and the pages
it links to. Where no page names a limit, it is 1024 characters for text and 2048 for addresses.
"""

from __future__ import annotations

import re

from unsecret.wire.shapes import Shape, fixed, flag, guid, many, record, text, word

_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\\]+")
_ABSOLUTE_URI_WITHOUT_WILDCARD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\\*]+")
_PERMISSION_VALUE = re.compile(
    r"[0-9A-Za-z:!#$%&'()*+,\-/;<=>?@\[\]^_`{|}~][0-9A-Za-z:!#$%&'()*+,\-./;<=>?@\[\]^_`{|}~]*"
)
_KINDS_OF_GROUP = re.compile(
    r"(None|SecurityGroup|DirectoryRole|ApplicationGroup|All)(, ?(SecurityGroup|DirectoryRole|ApplicationGroup|All))*"
)

DISPLAY_NAME = text(least=1, most=256, required=True)
ADDRESS = text(most=2048)
TAGS = many(text(least=1, most=256, required=True), most=1000, unique=True)

IDENTIFIER_URIS = many(
    text(
        least=1,
        most=255,
        pattern=_ABSOLUTE_URI_WITHOUT_WILDCARD,
        expected="an absolute URI without wildcards and white space",
        required=True,
    ),
    most=1000,
    unique=True,
)
"""https://learn.microsoft.com/en-us/entra/identity-platform/supported-accounts-validation"""

REDIRECT_URIS = many(
    text(least=1, most=256, pattern=_ABSOLUTE_URI, expected="an absolute URI without white space", required=True),
    most=256,
    unique=True,
)
"""https://learn.microsoft.com/en-us/entra/identity-platform/reply-url: 256 addresses of 256 characters."""

GROUP_CLAIMS = text(most=256, pattern=_KINDS_OF_GROUP, expected="kinds of groups such as SecurityGroup")

INFO = record(
    logoUrl=ADDRESS, marketingUrl=ADDRESS, privacyStatementUrl=ADDRESS, supportUrl=ADDRESS, termsOfServiceUrl=ADDRESS
)
VERIFIED_PUBLISHER = record(displayName=text(), verifiedPublisherId=text(), addedDateTime=text())

ADD_INS = many(
    record(
        id=guid(),
        type=text(least=1, required=True),
        properties=many(record(key=text(least=1, required=True), value=text(most=2048)), most=100),
    ),
    most=100,
)

_VALUE = text(
    least=1, most=120, pattern=_PERMISSION_VALUE, expected="a permission's value without white space and leading dot"
)


def app_roles(origin: str) -> Shape:
    """`appRoles`; `origin` tells whose they are. https://learn.microsoft.com/en-us/graph/api/resources/approle"""
    return many(
        record(
            allowedMemberTypes=many(word("User", "Application", required=True), most=2, least=1, unique=True),
            description=text(),
            displayName=text(least=1, most=256, required=True),
            id=guid(required=True),
            isEnabled=flag(default=True),
            origin=fixed(origin),
            value=_VALUE,
        ),
        most=1200,
        by="id",
    )


PERMISSION_SCOPES = many(
    record(
        dropped=("origin",),
        adminConsentDescription=text(),
        adminConsentDisplayName=text(),
        id=guid(required=True),
        isEnabled=flag(default=True),
        type=word("User", "Admin", default="User"),
        userConsentDescription=text(),
        userConsentDisplayName=text(),
        value=_VALUE,
    ),
    most=1200,
    by="id",
)
"""https://learn.microsoft.com/en-us/graph/api/resources/permissionscope; `origin` is not shown by the service."""
