"""A tenant in columns: how Graph's JSON becomes the tables of a snapshot.

The text of questions only; whoever has a database asks them (`operate/snapshots/column_files.py`). Each collection is
read from a file with one JSON object on a line, with the members listed in `column_sources` and no others; TABLES are
then made of them in order. docs/reference/snapshot.md is written from TABLES.
"""

from __future__ import annotations

from msgspec import Struct

from unsecret.wire.column_sources import TRUSTED


class Table(Struct, frozen=True):
    """A table of a snapshot: the question that makes it, and what each column means."""

    name: str
    meaning: str
    select: str
    columns: dict[str, str]


EVERYTHING = """
CREATE TEMP TABLE everything AS
SELECT CAST(row_number() OVER () - 1 AS UINTEGER) AS object, * FROM (
    SELECT 'application' AS kind, * FROM applications
    UNION ALL BY NAME
    SELECT 'servicePrincipal' AS kind, * FROM service_principals
)
"""
"""Applications first, then service principals, each with a number: what tables refer to is quick to compare."""

_APPS = """
CREATE TEMP TABLE apps AS
SELECT object, min(object) OVER (PARTITION BY coalesce(lower(appId), id)) AS app FROM everything
"""

_SIGNING = """
    SELECT object, list(customKeyIdentifier) AS identifiers
    FROM (SELECT object, unnest(keyCredentials, recursive := true) FROM everything)
    WHERE "usage" = 'Sign' AND customKeyIdentifier IS NOT NULL GROUP BY object
"""

_APP = "coalesce(lower(appId), id) AS app_id"
_HELD_BY = "CASE servicePrincipalType WHEN 'ManagedIdentity' THEN 'managedIdentity' ELSE kind END AS held_by"
_HELD = f"""
CREATE TEMP TABLE held AS
    WITH held AS (
        SELECT object, app_id, held_by, 'password' AS kind, keyId AS key_id, NULL AS "usage",
            displayName AS display_name, startDateTime AS start_at, endDateTime AS end_at,
            customKeyIdentifier AS custom_key_identifier, NULL AS issuer, NULL AS subject
        FROM (SELECT object, {_APP}, {_HELD_BY}, unnest(passwordCredentials, recursive := true) FROM everything)
        UNION ALL BY NAME
        SELECT object, app_id, held_by, CASE "type" WHEN 'Symmetric' THEN 'symmetricKey' ELSE 'certificate' END AS kind,
            keyId AS key_id, "usage", displayName AS display_name, startDateTime AS start_at, endDateTime AS end_at,
            customKeyIdentifier AS custom_key_identifier
        FROM (SELECT object, {_APP}, {_HELD_BY}, unnest(keyCredentials, recursive := true) FROM everything)
        UNION ALL BY NAME
        SELECT object, app_id, held_by, 'federated' AS kind, id AS key_id, name AS display_name, issuer, subject
        FROM (
            SELECT object, {_APP}, {_HELD_BY}, unnest(federatedIdentityCredentials, recursive := true) FROM everything
        )
    ), lines AS (
        SELECT lower(keyId) AS key_id, lower(appId) AS app_id, signInActivity.lastSignInDateTime AS last_used_at
        FROM app_credential_sign_in_activities WHERE signInActivity.lastSignInDateTime IS NOT NULL
    ), sole AS (
        SELECT lower(key_id) AS key_id, min(app_id) AS app_id FROM held
        WHERE lower(key_id) IN (SELECT key_id FROM lines WHERE app_id IS NULL)
        GROUP BY 1 HAVING count(DISTINCT app_id) = 1
    ), activity AS (
        SELECT lines.key_id, coalesce(lines.app_id, sole.app_id) AS app_id, max(last_used_at) AS last_used_at
        FROM lines LEFT JOIN sole ON lines.app_id IS NULL AND sole.key_id = lines.key_id GROUP BY ALL
    ), reported AS (
        SELECT DISTINCT key_id FROM lines
    ), vouched AS (
        SELECT object, keyId AS key_id, trustedBy AS trusted_by
        FROM {TRUSTED} JOIN everything ON everything.id = {TRUSTED}.id
    )
    SELECT held.object, held_by, held.kind, held.key_id, held."usage", display_name, start_at, end_at,
        custom_key_identifier, issuer, subject,
        CASE WHEN "usage" = 'Encrypt' THEN 'tokenEncryption'
            WHEN "usage" = 'Sign' OR list_contains(signing.identifiers, custom_key_identifier) THEN 'tokenSigning'
            ELSE 'signIn' END AS purpose,
        CASE WHEN last_used_at IS NOT NULL THEN 'used'
            WHEN reported.key_id IS NOT NULL THEN 'unknown'
            WHEN held.kind <> 'federated' AND $use_is_known THEN 'unused'
            ELSE 'unknown' END AS use,
        last_used_at,
        CASE WHEN $trust_is_known THEN trusted_by END AS trusted_by
    FROM held
    LEFT JOIN ({_SIGNING}) AS signing ON signing.object = held.object
    LEFT JOIN activity ON activity.key_id = lower(held.key_id) AND activity.app_id = held.app_id
    LEFT JOIN reported ON reported.key_id = lower(held.key_id)
    LEFT JOIN vouched ON vouched.object = held.object AND vouched.key_id = held.key_id
    """
"""A line of the report is of one application: keyIds are unique only as long as nobody chooses them. A line that names
no application is that of the only holder. A report has one line for a keyId (its `id` is made of it), so that of
another application with the same keyId it says nothing."""

_SEEN = """
CREATE TEMP TABLE seen AS
    WITH seen AS (
        SELECT lower(appId) AS app_id, max(lastSignInActivity.lastSignInDateTime) AS last_sign_in_at,
            max(applicationAuthenticationClientSignInActivity.lastSignInDateTime) AS last_by_itself_at,
            max(delegatedClientSignInActivity.lastSignInDateTime) AS last_for_people_at
        FROM service_principal_sign_in_activities GROUP BY 1
    ), numbered AS (SELECT lower(appId) AS app_id, min(object) AS app FROM everything GROUP BY 1)
    SELECT seen.app_id, last_sign_in_at, last_by_itself_at, last_for_people_at, numbered.app
    FROM seen LEFT JOIN numbered ON numbered.app_id = seen.app_id
"""

SIGNING_IN = ("password", "certificate")
"""What an application proves itself with and what ends. Nothing signs in with a symmetric key by itself."""

_SIGNS_IN = f"(purpose = 'signIn' AND kind IN {SIGNING_IN})"

OUTLOOK = f"""
CREATE TEMP TABLE outlook AS
    WITH ends AS (
        SELECT app, max(end_at) FILTER ({_SIGNS_IN}) AS ends_at, bool_or(kind = 'federated') AS has_federated,
            bool_or(use = 'used') AS is_used, bool_or(use = 'unknown') AS is_unknown
        FROM held JOIN apps USING (object) GROUP BY app
    ), known AS (
        SELECT apps.app, ends_at, coalesce(has_federated, false) AS has_federated,
            coalesce(is_used, false) OR last_sign_in_at IS NOT NULL AS is_used,
            coalesce(is_unknown, false) AS is_unknown
        FROM apps LEFT JOIN ends USING (app) LEFT JOIN seen USING (app) WHERE apps.object = apps.app
    )
    SELECT app, ends_at, has_federated, CASE WHEN is_used THEN 'used'
        WHEN $sign_ins_are_known OR (NOT is_unknown AND (ends_at IS NOT NULL OR has_federated)) THEN 'unused'
        ELSE 'unknown' END AS app_use
    FROM known
"""
"""What is to be known of each application, whatever the law and the day. What the report on applications does not list
is unused; without that report the one on credentials must have covered all that there are."""

PREPARED = (EVERYTHING, _APPS, _HELD, _SEEN, OUTLOOK)
"""What is asked before the tables are made, in this order."""

_ASSIGNED = """
    SELECT DISTINCT ON (target) target, policy_id FROM (
        SELECT id AS target, unnest(appManagementPolicies).id AS policy_id FROM everything
        UNION ALL
        SELECT unnest(appliesTo).id AS target, id AS policy_id FROM app_management_policies
    ) WHERE policy_id IS NOT NULL
"""

OBJECTS = Table(
    "objects",
    "Applications and service principals: what holds credentials, and what policies govern.",
    f"""
    SELECT object, kind, id AS object_id, appId AS app_id, displayName AS display_name, createdDateTime AS created_at,
        assigned.policy_id AS custom_policy_id, signInAudience AS sign_in_audience,
        servicePrincipalType AS service_principal_type,
        coalesce(accountEnabled, NOT isDisabled, true) AS account_enabled,
        appOwnerOrganizationId AS app_owner_organization_id,
        preferredSingleSignOnMode AS preferred_single_sign_on_mode,
        api.requestedAccessTokenVersion AS requested_access_token_version, identifierUris AS identifier_uris,
        web.redirectUris AS web_redirect_uris, spa.redirectUris AS spa_redirect_uris,
        publicClient.redirectUris AS public_client_redirect_uris, tags, app, ends_at, has_federated, app_use
    FROM everything JOIN apps USING (object) JOIN outlook USING (app)
    LEFT JOIN ({_ASSIGNED}) AS assigned ON assigned.target = everything.id
    ORDER BY object
    """,
    {
        "object": "Number of the object within this file; the other tables refer to it.",
        "kind": "`application` or `servicePrincipal`.",
        "object_id": "The object's `id`.",
        "app_id": "`appId`, the same for an application and its service principals.",
        "display_name": "`displayName`.",
        "created_at": "`createdDateTime`, in UTC as all instants here; null when Graph does not say.",
        "custom_policy_id": "The app management policy that is linked to the object; null when there is none.",
        "sign_in_audience": "`signInAudience`.",
        "service_principal_type": "`servicePrincipalType`; null for applications.",
        "account_enabled": "Whether it may sign in: `accountEnabled`, for an application not `isDisabled`.",
        "app_owner_organization_id": "The tenant that the application is at home in; null for applications.",
        "preferred_single_sign_on_mode": "`saml` where people sign in by SAML.",
        "requested_access_token_version": "`api.requestedAccessTokenVersion`.",
        "identifier_uris": "`identifierUris`.",
        "web_redirect_uris": "`web.redirectUris`.",
        "spa_redirect_uris": "`spa.redirectUris`.",
        "public_client_redirect_uris": "`publicClient.redirectUris`.",
        "tags": "`tags`.",
        "app": "Number of the first object with the same `appId`: an application and its principals share it.",
        "ends_at": "When the last secret or certificate ends that the application signs in with, or ended; of an "
        "application and its principals together. Null when there is none.",
        "has_federated": "Whether the application has a federated credential, which does not end.",
        "app_use": "Whether any report has seen the application sign in, with whatever: `used`, `unused` or `unknown`.",
    },
)

CREDENTIALS = Table(
    "credentials",
    "What applications and service principals prove themselves with, a row each.",
    f"""
    SELECT held.*, coalesce({_SIGNS_IN} AND held.end_at = outlook.ends_at, false) AS is_last
    FROM held JOIN apps USING (object) JOIN outlook USING (app) ORDER BY held.object
    """,
    {
        "object": "Whose it is.",
        "held_by": "`application`, `servicePrincipal` or `managedIdentity`: what that is.",
        "kind": "`password` (a client secret), `certificate`, `symmetricKey` or `federated`.",
        "key_id": "`keyId`; for a federated credential its `id`.",
        "usage": "A key's `usage`: `Verify`, `Sign` or `Encrypt`.",
        "display_name": "`displayName`; for a federated credential its `name`.",
        "start_at": "`startDateTime`; null for federated credentials, which do not end.",
        "end_at": "`endDateTime`; likewise.",
        "custom_key_identifier": "`customKeyIdentifier`: for most certificates their SHA-1 thumbprint.",
        "issuer": "Who issues the tokens of a federated credential.",
        "subject": "Whom they speak of.",
        "purpose": "`signIn`: the application proves itself with it. `tokenSigning`: it signs tokens for people "
        "(SAML). `tokenEncryption`: tokens are encrypted for it.",
        "use": "`used`: the tenant's report has seen it sign in. `unused`: the report was read and has not. `unknown`: "
        "the report could not be read, does not cover this kind, or shows another application's with the same `keyId`.",
        "last_used_at": "When the report saw it last.",
        "trusted_by": "The `id` of each certificateBasedApplicationConfiguration with an authority that issued the "
        "certificate itself; null where the bytes of the certificate, or the configurations, are not known.",
        "is_last": "Whether the application signs in with it until the last day, `ends_at` of `objects`.",
    },
)

OWNERS = Table(
    "owners",
    "Who owns an application or service principal.",
    """
    SELECT object, id AS owner_id, replace("@odata.type", '#microsoft.graph.', '') AS type,
        displayName AS display_name, userPrincipalName AS user_principal_name, mail, appId AS app_id
    FROM (SELECT object, unnest(owners, recursive := true) FROM (SELECT object, owners FROM everything))
    ORDER BY object
    """,
    {
        "object": "What is owned.",
        "owner_id": "The owner's `id`.",
        "type": "`user` or `servicePrincipal`.",
        "display_name": "`displayName`.",
        "user_principal_name": "A person's sign-in name.",
        "mail": "A person's address.",
        "app_id": "A service principal's `appId`.",
    },
)

PERMISSIONS = Table(
    "permissions",
    "What a service principal may do at an API, by itself or for people.",
    """
    WITH granted AS (
        SELECT principalId AS client, resourceId AS resource, appRoleId AS permission FROM app_role_assignments
        UNION
        SELECT a.principalId, a.resourceId, a.appRoleId
        FROM (SELECT unnest(appRoleAssignments) AS a FROM everything WHERE kind = 'servicePrincipal')
    ), roles AS (
        SELECT id AS resource, r.id AS permission, r.value AS value
        FROM (SELECT id, unnest(appRoles) AS r FROM everything WHERE kind = 'servicePrincipal')
    ), named AS (
        SELECT client, granted.resource, 'application' AS kind,
            coalesce(roles.value, granted.permission) AS permission, NULL AS principal_id
        FROM granted LEFT JOIN roles ON roles.resource = granted.resource AND roles.permission = granted.permission
        UNION ALL
        SELECT clientId, resourceId, 'delegated', unnest(string_split(trim(scope), ' ')), principalId
        FROM oauth2_permission_grants WHERE trim(scope) <> ''
    )
    SELECT everything.object, named.kind, named.permission, api.appId AS resource_app_id,
        api.displayName AS resource_display_name, named.principal_id
    FROM named
    JOIN everything ON everything.id = named.client AND everything.kind = 'servicePrincipal'
    LEFT JOIN everything AS api ON api.id = named.resource
    ORDER BY everything.object
    """,
    {
        "object": "The service principal that may.",
        "kind": "`application`: by itself, as an app role. `delegated`: in the name of people.",
        "permission": "Its name, such as `Mail.Send`; its id when the API does not publish a name.",
        "resource_app_id": "The `appId` of the API.",
        "resource_display_name": "Its name.",
        "principal_id": "For a delegated permission the one person it is for; null for everybody.",
    },
)

ROLES = Table(
    "roles",
    "Directory roles that service principals hold.",
    """
    SELECT everything.object, roleDefinitionId AS role_definition_id, d.displayName AS display_name,
        directoryScopeId AS directory_scope_id
    FROM role_assignments AS a
    JOIN everything ON everything.id = a.principalId
    LEFT JOIN role_definitions AS d ON d.id = a.roleDefinitionId
    ORDER BY everything.object
    """,
    {
        "object": "The service principal that holds it.",
        "role_definition_id": "The role's `id`.",
        "display_name": "Its name.",
        "directory_scope_id": "`/` for the whole tenant.",
    },
)

SIGN_INS = Table(
    "sign_ins",
    "When each application was last seen, whatever it proved itself with.",
    "SELECT * FROM seen ORDER BY app",
    {
        "app_id": "`appId`, in lower case.",
        "last_sign_in_at": "The latest of all.",
        "last_by_itself_at": "When it last signed in by itself.",
        "last_for_people_at": "When it was last the client that people signed in to.",
        "app": "As in `objects`; null when the snapshot does not hold the application.",
    },
)

TYPES = {
    **dict.fromkeys(("object", "app"), "UINTEGER"),
    **dict.fromkeys(("created_at", "start_at", "end_at", "ends_at", "last_used_at"), "TIMESTAMP"),
    **dict.fromkeys(("last_sign_in_at", "last_by_itself_at", "last_for_people_at"), "TIMESTAMP"),
    **dict.fromkeys(("account_enabled", "has_federated", "is_last"), "BOOLEAN"),
    **dict.fromkeys(("identifier_uris", "tags", "trusted_by"), "VARCHAR[]"),
    **dict.fromkeys(("web_redirect_uris", "spa_redirect_uris", "public_client_redirect_uris"), "VARCHAR[]"),
    "requested_access_token_version": "INTEGER",
}
"""The DuckDB type of each column that is no VARCHAR, whichever table it is in."""

TABLES = (OBJECTS, CREDENTIALS, OWNERS, PERMISSIONS, ROLES, SIGN_INS)
"""In the order in which they are made."""
