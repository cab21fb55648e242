"""What of Graph's JSON the columns of a snapshot are made of: the members of each collection, with their types."""

from __future__ import annotations

_PASSWORD = (
    "STRUCT(keyId VARCHAR, displayName VARCHAR, startDateTime TIMESTAMP, endDateTime TIMESTAMP,"
    " customKeyIdentifier VARCHAR)[]"
)
_KEY = (
    "STRUCT(keyId VARCHAR, displayName VARCHAR, startDateTime TIMESTAMP, endDateTime TIMESTAMP,"
    ' customKeyIdentifier VARCHAR, "type" VARCHAR, "usage" VARCHAR)[]'
)
_FEDERATED = "STRUCT(id VARCHAR, name VARCHAR, issuer VARCHAR, subject VARCHAR)[]"
_RELATED = (
    'STRUCT("@odata.type" VARCHAR, id VARCHAR, displayName VARCHAR, userPrincipalName VARCHAR, mail VARCHAR,'
    " appId VARCHAR)[]"
)
_ASSIGNMENT = "STRUCT(principalId VARCHAR, resourceId VARCHAR, appRoleId VARCHAR)"
_LAST_USE = "STRUCT(lastSignInDateTime TIMESTAMP)"

_OBJECT = {
    "id": "VARCHAR",
    "appId": "VARCHAR",
    "displayName": "VARCHAR",
    "createdDateTime": "TIMESTAMP",
    "tags": "VARCHAR[]",
    "passwordCredentials": _PASSWORD,
    "keyCredentials": _KEY,
    "owners": _RELATED,
    "appManagementPolicies": "STRUCT(id VARCHAR)[]",
}
_REDIRECTS = "STRUCT(redirectUris VARCHAR[])"

SOURCES: dict[str, dict[str, str]] = {
    "applications": {
        **_OBJECT,
        "signInAudience": "VARCHAR",
        "identifierUris": "VARCHAR[]",
        "isDisabled": "BOOLEAN",
        "api": "STRUCT(requestedAccessTokenVersion INTEGER)",
        "web": _REDIRECTS,
        "spa": _REDIRECTS,
        "publicClient": _REDIRECTS,
        "federatedIdentityCredentials": _FEDERATED,
    },
    "servicePrincipals": {
        **_OBJECT,
        "signInAudience": "VARCHAR",
        "servicePrincipalType": "VARCHAR",
        "accountEnabled": "BOOLEAN",
        "appOwnerOrganizationId": "VARCHAR",
        "preferredSingleSignOnMode": "VARCHAR",
        "appRoles": "STRUCT(id VARCHAR, value VARCHAR)[]",
        "appRoleAssignments": f"{_ASSIGNMENT}[]",
        "federatedIdentityCredentials": _FEDERATED,
    },
    "appManagementPolicies": {"id": "VARCHAR", "appliesTo": "STRUCT(id VARCHAR)[]"},
    "appRoleAssignments": {"principalId": "VARCHAR", "resourceId": "VARCHAR", "appRoleId": "VARCHAR"},
    "oauth2PermissionGrants": {
        "clientId": "VARCHAR",
        "consentType": "VARCHAR",
        "principalId": "VARCHAR",
        "resourceId": "VARCHAR",
        "scope": "VARCHAR",
    },
    "roleAssignments": {"principalId": "VARCHAR", "roleDefinitionId": "VARCHAR", "directoryScopeId": "VARCHAR"},
    "roleDefinitions": {"id": "VARCHAR", "displayName": "VARCHAR"},
    "appCredentialSignInActivities": {"appId": "VARCHAR", "keyId": "VARCHAR", "signInActivity": _LAST_USE},
    "servicePrincipalSignInActivities": {
        "appId": "VARCHAR",
        "lastSignInActivity": _LAST_USE,
        "applicationAuthenticationClientSignInActivity": _LAST_USE,
        "delegatedClientSignInActivity": _LAST_USE,
    },
}
"""Collection → the members that columns are made of, each with its DuckDB type. Absent ones are read as null."""

TRUSTED = "trusted"
COMPUTED: dict[str, dict[str, str]] = {
    TRUSTED: {"id": "VARCHAR", "keyId": "VARCHAR", "trustedBy": "VARCHAR[]"},
}
"""What is read likewise and is not Graph's: for an object's certificate whose bytes are known, which configurations
vouch for it."""


def table_name(collection: str) -> str:
    """The name of a collection in a question: `servicePrincipals` → `service_principals`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in collection)
