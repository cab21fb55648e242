"""The collections that can be asked, each with its declared properties and what works without an advanced query.

From the tables of https://learn.microsoft.com/en-us/graph/aad-advanced-queries and the "List" page of each
resource. `declared` holds v1.0's and beta's names together, except where the difference is known to matter.
"""

from __future__ import annotations

from msgspec import structs

from unsecret.model.application import ObjectKind
from unsecret.model.query import Operator
from unsecret.wire import applications, federation, service_principals, users
from unsecret.wire.queryable import Collection


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _operators(text: str) -> frozenset[Operator]:
    return frozenset(Operator(word) for word in text.split())


_EQUAL = _operators("eq")
_IDENTITY = _operators("eq in")
_NAME = _operators("eq in startswith")
_DATE = _operators("eq ge le")
_SPAN = _operators("eq ge le gt lt")

_OBJECT = {
    "id": _IDENTITY,
    "appId": _IDENTITY,
    "displayName": _NAME,
    "createdDateTime": _DATE,
    "deletedDateTime": _DATE,
    "signInAudience": _EQUAL,
    "disabledByMicrosoftStatus": _EQUAL,
    "tags": _operators("eq ge le startswith"),
    "keyCredentials/keyId": _EQUAL,
    "keyCredentials/customKeyIdentifier": _EQUAL,
    "keyCredentials/startDateTime": _SPAN,
    "keyCredentials/endDateTime": _SPAN,
}
_OBJECT_NAVIGATION = _words(
    "owners appManagementPolicies federatedIdentityCredentials tokenLifetimePolicies homeRealmDiscoveryPolicies "
    "synchronization"
)
_APPLICATION = frozenset(applications.PROPERTIES) | _words(
    "createdOnBehalfOf extensionProperties tokenIssuancePolicies logo managerApplications signInAudienceRestrictions"
)
_SERVICE_PRINCIPAL = frozenset(service_principals.PROPERTIES) | _words(
    "appRoleAssignments appRoleAssignedTo oauth2PermissionGrants memberOf transitiveMemberOf ownedObjects "
    "createdObjects claimsMappingPolicies delegatedPermissionClassifications endpoints publishedPermissionScopes "
    "createdByAppId isDisabled errorUrl"
)

APPLICATIONS = Collection(
    type="microsoft.graph.application",
    declared=_APPLICATION | _OBJECT_NAVIGATION,
    plain=_OBJECT
    | {
        "uniqueName": _EQUAL,
        "publisherDomain": _EQUAL,
        "description": _operators("eq startswith"),
        "applicationTemplateId": _EQUAL,
        "identifierUris": _operators("eq startswith"),
        "requiredResourceAccess/resourceAppId": _DATE,
    },
    expandable=_words("owners appManagementPolicies federatedIdentityCredentials"),
    searchable=_words("displayName"),
)

SERVICE_PRINCIPALS = Collection(
    type="microsoft.graph.servicePrincipal",
    declared=_SERVICE_PRINCIPAL | _OBJECT_NAVIGATION,
    plain=_OBJECT
    | {
        "accountEnabled": _IDENTITY,
        "appOwnerOrganizationId": _DATE,
        "appRoleAssignmentRequired": _EQUAL,
        "description": _operators("eq startswith"),
        "applicationTemplateId": _EQUAL,
        "servicePrincipalType": _IDENTITY,
        "servicePrincipalNames": _operators("eq startswith"),
        "alternativeNames": _operators("eq ge le startswith"),
    },
    expandable=_words(
        "owners appManagementPolicies appRoleAssignments appRoleAssignedTo oauth2PermissionGrants memberOf"
    ),
    searchable=_words("displayName"),
    guids=_words("appOwnerOrganizationId"),
    advanced=_words("customSecurityAttributes"),
)

USERS = Collection(
    type="microsoft.graph.user",
    declared=frozenset((*users.PROPERTIES, *users.NOT_KEPT))
    | _words(
        "aboutMe birthday cloudRealtimeCommunicationInfo hireDate identities interests lastPasswordChangeDateTime "
        "mailboxSettings manager directReports memberOf transitiveMemberOf ownedObjects createdObjects ownedDevices "
        "registeredDevices appRoleAssignments oauth2PermissionGrants mySite onPremisesSipInfo "
        "refreshTokensValidFromDateTime securityIdentifier signInActivity signInSessionsValidFromDateTime"
    ),
    plain={
        "id": _IDENTITY,
        "displayName": _NAME,
        "userPrincipalName": _operators("eq ge le in startswith"),
        "mail": _operators("eq ge le in startswith"),
        "givenName": _NAME,
        "surname": _NAME,
        "jobTitle": _NAME,
        "department": _NAME,
        "mailNickname": _NAME,
        "accountEnabled": _IDENTITY,
        "userType": _IDENTITY,
        "createdDateTime": _DATE,
    },
    searchable=_words("displayName"),
    advanced=_words("customSecurityAttributes"),
)

DIRECTORY_ROLES = Collection(
    type="microsoft.graph.directoryRole",
    declared=_words(
        "id deletedDateTime description displayName roleTemplateId templateId isBuiltIn isEnabled resourceScopes "
        "rolePermissions version inheritsPermissionsFrom members scopedMembers"
    ),
    sifted={
        "id": _EQUAL,
        "displayName": _operators("eq startswith"),
        "description": _operators("eq startswith"),
        "roleTemplateId": _EQUAL,
        "templateId": _EQUAL,
        "isBuiltIn": _EQUAL,
        "isEnabled": _EQUAL,
    },
)
"""Templates of roles, and their definitions."""

ACTIVE_ROLES = structs.replace(DIRECTORY_ROLES, expandable=_words("members"))

ROLE_DEFINITIONS = structs.replace(
    DIRECTORY_ROLES,
    type="microsoft.graph.unifiedRoleDefinition",
    declared=DIRECTORY_ROLES.declared | _words("isPrivileged allowedPrincipalTypes"),
    sifted={**DIRECTORY_ROLES.sifted, "isPrivileged": _EQUAL},
)

ROLE_ASSIGNMENTS = Collection(
    type="microsoft.graph.unifiedRoleAssignment",
    declared=_words(
        "id principalId principalOrganizationId resourceScope directoryScopeId appScopeId condition roleDefinitionId "
        "principal roleDefinition directoryScope appScope"
    ),
    expandable=_words("principal roleDefinition"),
)

DIRECTORY_OBJECTS = Collection(
    type="microsoft.graph.directoryObject",
    declared=APPLICATIONS.declared | SERVICE_PRINCIPALS.declared | USERS.declared | DIRECTORY_ROLES.declared,
    plain=_OBJECT,
    guids=SERVICE_PRINCIPALS.guids,
)
"""What `appliesTo` and `ownedObjects` list: the properties of every kind can be selected."""

RELATED_OBJECTS = structs.replace(
    DIRECTORY_OBJECTS,
    plain={"id": _IDENTITY, "displayName": frozenset(), "appId": frozenset(), "userPrincipalName": frozenset()},
    sifted={
        "id": _IDENTITY,
        "displayName": _NAME,
        "appId": _IDENTITY,
        "userPrincipalName": _NAME,
    },
)
"""What `owners`, `members` and `memberOf` list, each as a whole: by id they can be asked for as it is, by their names
only as an advanced query."""

DELETED = {
    ObjectKind.APPLICATION: structs.replace(APPLICATIONS, plain_orders=_words("displayName"), expandable=frozenset()),
    ObjectKind.SERVICE_PRINCIPAL: structs.replace(
        SERVICE_PRINCIPALS, plain_orders=_words("displayName"), expandable=frozenset()
    ),
    ObjectKind.USER: structs.replace(USERS, plain_orders=_words("displayName"), expandable=frozenset()),
}
"""`/directory/deletedItems`, by the kind that the path ends in."""

DEFAULT_APP_MANAGEMENT_POLICY = Collection(
    type="microsoft.graph.tenantAppManagementPolicy",
    declared=_words(
        "id deletedDateTime displayName description isEnabled applicationRestrictions servicePrincipalRestrictions"
    ),
)

APP_MANAGEMENT_POLICIES = Collection(
    type="microsoft.graph.appManagementPolicy",
    declared=_words("id deletedDateTime displayName description isEnabled restrictions appliesTo"),
    plain={"id": _IDENTITY, "displayName": _NAME, "isEnabled": _EQUAL},
)
CUSTOM_POLICIES = structs.replace(APP_MANAGEMENT_POLICIES, expandable=_words("appliesTo"))
"""The same by their own path, where they can say what they apply to."""

ORGANIZATION = Collection(
    type="microsoft.graph.organization",
    declared=_words(
        "id deletedDateTime assignedPlans branding businessPhones certificateBasedAuthConfiguration city country "
        "countryLetterCode createdDateTime defaultUsageLocation displayName isMultipleDataLocationsForServicesEnabled "
        "marketingNotificationEmails mobileDeviceManagementAuthority onPremisesLastPasswordSyncDateTime "
        "onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode preferredLanguage "
        "privacyProfile provisionedPlans securityComplianceNotificationMails securityComplianceNotificationPhones "
        "state street technicalNotificationMails tenantType verifiedDomains directorySizeQuota"
    ),
)

APP_ROLE_ASSIGNMENTS = Collection(
    type="microsoft.graph.appRoleAssignment",
    declared=_words(
        "id deletedDateTime appRoleId createdDateTime principalDisplayName principalId principalType "
        "resourceDisplayName resourceId"
    ),
    guids=_words("appRoleId principalId resourceId"),
    sifted={"id": _EQUAL, "resourceId": _EQUAL, "principalDisplayName": _operators("eq startswith")},
)
"""By principalId and appRoleId Graph does not filter, though clients ask for it."""

BETA_FEDERATED_CREDENTIALS = Collection(
    type="microsoft.graph.federatedIdentityCredential",
    declared=federation.NAMES,
    plain={"id": _EQUAL, "name": _EQUAL, "subject": _EQUAL},
)
FEDERATED_CREDENTIALS = Collection(
    type=BETA_FEDERATED_CREDENTIALS.type,
    declared=federation.NAMES - {"claimsMatchingExpression"},
    plain=BETA_FEDERATED_CREDENTIALS.plain,
)

PERMISSION_GRANTS = Collection(
    type="microsoft.graph.oAuth2PermissionGrant",
    declared=_words("id clientId consentType principalId resourceId scope startTime expiryTime"),
    plain={"clientId": _IDENTITY, "consentType": _EQUAL, "principalId": _IDENTITY, "resourceId": _IDENTITY},
)

ATTRIBUTE_SETS = Collection(type="microsoft.graph.attributeSet", declared=_words("id description maxAttributesPerSet"))
ATTRIBUTE_DEFINITIONS = Collection(
    type="microsoft.graph.customSecurityAttributeDefinition",
    declared=_words(
        "id attributeSet description isCollection isSearchable name status type usePreDefinedValuesOnly allowedValues"
    ),
    expandable=_words("allowedValues"),
)
ALLOWED_VALUES = Collection(type="microsoft.graph.allowedValue", declared=_words("id isActive"))

TRUSTED_CONFIGURATIONS = Collection(
    type="microsoft.graph.certificateBasedApplicationConfiguration",
    declared=_words("id deletedDateTime displayName description trustedCertificateAuthorities"),
)

TRUSTED_AUTHORITIES = Collection(
    type="microsoft.graph.certificateAuthorityAsEntity",
    declared=_words("id certificate isRootAuthority issuer issuerSubjectKeyIdentifier"),
)

DIRECTORY_AUDITS = Collection(
    type="microsoft.graph.directoryAudit",
    declared=_words(
        "id activityDateTime activityDisplayName additionalDetails category correlationId initiatedBy loggedByService "
        "operationType result resultReason targetResources userAgent performedBy"
    ),
    max_top=1000,
)

_SIGN_IN = _words(
    "id createdDateTime userDisplayName userPrincipalName userId appId appDisplayName ipAddress clientAppUsed "
    "correlationId conditionalAccessStatus appliedConditionalAccessPolicies isInteractive riskDetail "
    "riskLevelAggregated riskLevelDuringSignIn riskState riskEventTypes riskEventTypes_v2 resourceDisplayName "
    "resourceId status deviceDetail location"
)

SIGN_INS = Collection(type="microsoft.graph.signIn", declared=_SIGN_IN, max_top=1000)
"""v1.0. What tells a secret from a certificate cannot be asked for here."""

BETA_SIGN_INS = Collection(
    type="microsoft.graph.signIn",
    declared=_SIGN_IN
    | _words(
        "servicePrincipalId servicePrincipalName servicePrincipalCredentialKeyId servicePrincipalCredentialThumbprint "
        "clientCredentialType federatedCredentialId signInEventTypes resourceServicePrincipalId resourceTenantId "
        "homeTenantId homeTenantName appOwnerTenantId resourceOwnerTenantId uniqueTokenIdentifier incomingTokenType "
        "authenticationProcessingDetails authenticationDetails authenticationMethodsUsed authenticationProtocol "
        "authenticationRequirement autonomousSystemNumber agent userAgent userType originalRequestId tokenIssuerName "
        "tokenIssuerType processingTimeInMilliseconds networkLocationDetails sessionId signInIdentifier "
        "conditionalAccessAudiences crossTenantAccessType flaggedForReview isTenantRestricted "
        "isThroughGlobalSecureAccess managedServiceIdentity mfaDetail appTokenProtectionStatus "
        "signInTokenProtectionStatus"
    ),
    max_top=1000,
)

APP_CREDENTIAL_SIGN_IN_ACTIVITIES = Collection(
    type="microsoft.graph.appCredentialSignInActivity",
    declared=_words(
        "id keyId keyType keyUsage appId appObjectId servicePrincipalObjectId resourceId credentialOrigin "
        "createdDateTime expirationDateTime signInActivity"
    ),
)

SERVICE_PRINCIPAL_SIGN_IN_ACTIVITIES = Collection(
    type="microsoft.graph.servicePrincipalSignInActivity",
    declared=_words(
        "id appId lastSignInActivity delegatedClientSignInActivity delegatedResourceSignInActivity "
        "applicationAuthenticationClientSignInActivity applicationAuthenticationResourceSignInActivity"
    ),
)
