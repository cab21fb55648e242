"""Who called, and what is written down about it.

https://learn.microsoft.com/en-us/graph/api/resources/directoryaudit
https://learn.microsoft.com/en-us/graph/api/resources/signin
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from unsecret.model.identifiers import AppId, KeyId, ObjectId, TenantId


class SignedInUser(Struct, frozen=True, kw_only=True):
    """The person on whose behalf something is done."""

    id: ObjectId
    display_name: str
    user_principal_name: str


class Caller(Struct, frozen=True, kw_only=True):
    """An application that presented a valid token: for itself, or on behalf of `user`.

    `roles` are the application permissions in the token, `scopes` the delegated ones; a token has one kind only.
    `display_name` is the application's. `service_principal_id` is None on behalf of a user: a user's token does not
    tell it, and not every client has one in the tenant.
    """

    tenant_id: TenantId
    app_id: AppId
    display_name: str
    service_principal_id: ObjectId | None = None
    roles: frozenset[str] = frozenset()
    user: SignedInUser | None = None
    scopes: frozenset[str] = frozenset()


class Circumstances(Struct, frozen=True, kw_only=True):
    """The when and where of one request: what a record of it needs besides what was done. `machine_now` is `now` by
    the machine's clock rather than the tenant's."""

    now: datetime
    machine_now: datetime
    correlation_id: str
    ip_address: str | None = None
    user_agent: str | None = None


class Activity(StrEnum):
    """`directoryAudit.activityDisplayName`. The en dashes and the trailing spaces are Microsoft's."""

    ADD_APPLICATION = "Add application"
    UPDATE_APPLICATION = "Update application"
    DELETE_APPLICATION = "Delete application"
    RESTORE_APPLICATION = "Restore application"
    HARD_DELETE_APPLICATION = "Hard Delete application"
    CREATE_APPLICATION_CREDENTIALS = "Create application – Certificates and secrets management "
    UPDATE_APPLICATION_CREDENTIALS = "Update application – Certificates and secrets management "
    ADD_SERVICE_PRINCIPAL = "Add service principal"
    UPDATE_SERVICE_PRINCIPAL = "Update service principal"
    REMOVE_SERVICE_PRINCIPAL = "Remove service principal"
    RESTORE_SERVICE_PRINCIPAL = "Restore service principal"
    HARD_DELETE_SERVICE_PRINCIPAL = "Hard delete service principal"
    ADD_SERVICE_PRINCIPAL_CREDENTIALS = "Add service principal credentials"
    REMOVE_SERVICE_PRINCIPAL_CREDENTIALS = "Remove service principal credentials"
    ADD_OWNER_TO_APPLICATION = "Add owner to application"
    REMOVE_OWNER_FROM_APPLICATION = "Remove owner from application"
    ADD_OWNER_TO_SERVICE_PRINCIPAL = "Add owner to service principal"
    REMOVE_OWNER_FROM_SERVICE_PRINCIPAL = "Remove owner from service principal"
    ADD_APP_ROLE_ASSIGNMENT = "Add app role assignment to service principal"
    REMOVE_APP_ROLE_ASSIGNMENT = "Remove app role assignment from service principal"
    CONSENT_TO_APPLICATION = "Consent to application"
    ADD_USER = "Add user"
    UPDATE_USER = "Update user"
    DELETE_USER = "Delete user"
    RESTORE_USER = "Restore user"
    HARD_DELETE_USER = "Hard Delete user"
    RESET_USER_PASSWORD = "Reset user password"
    ADD_MEMBER_TO_ROLE = "Add member to role"
    REMOVE_MEMBER_FROM_ROLE = "Remove member from role"
    ADD_APP_ROLE_TO_USER = "Add app role assignment grant to user"
    REMOVE_APP_ROLE_FROM_USER = "Remove app role assignment from user"
    ADD_PERMISSION_GRANT = "Add delegated permission grant"
    REMOVE_PERMISSION_GRANT = "Remove delegated permission grant"
    ADD_ATTRIBUTE_SET = "Add an attribute set"
    UPDATE_ATTRIBUTE_SET = "Update attribute set"
    ADD_ATTRIBUTE_DEFINITION = "Add custom security attribute definition in an attribute set"
    UPDATE_ATTRIBUTE_DEFINITION = "Update custom security attribute definition in an attribute set"
    ADD_POLICY = "Add policy"
    UPDATE_POLICY = "Update policy"
    DELETE_POLICY = "Delete policy"
    ADD_POLICY_TO_APPLICATION = "Add policy to application"
    REMOVE_POLICY_FROM_APPLICATION = "Remove policy from application"
    ADD_POLICY_TO_SERVICE_PRINCIPAL = "Add policy to service principal"
    REMOVE_POLICY_FROM_SERVICE_PRINCIPAL = "Remove policy from service principal"
    ADD_TRUSTED_AUTHORITIES = "Add certificate based application configuration"
    UPDATE_TRUSTED_AUTHORITIES = "Update certificate based application configuration"
    DELETE_TRUSTED_AUTHORITIES = "Delete certificate based application configuration"


class OperationType(StrEnum):
    """`directoryAudit.operationType`."""

    ADD = "Add"
    UPDATE = "Update"
    DELETE = "Delete"
    ASSIGN = "Assign"
    UNASSIGN = "Unassign"


class Outcome(StrEnum):
    """`directoryAudit.result`."""

    SUCCESS = "success"
    FAILURE = "failure"


class ModifiedProperty(Struct, frozen=True):
    """Old and new value, each a string that holds JSON, or None."""

    display_name: str
    old_value: str | None = None
    new_value: str | None = None


class Target(Struct, frozen=True, kw_only=True):
    """The object that an audit record is about. `type` is Graph's word: Application, ServicePrincipal, Policy."""

    id: str
    display_name: str | None
    type: str
    user_principal_name: str | None = None
    modified_properties: tuple[ModifiedProperty, ...] = ()


class AuditEvent(Struct, frozen=True, kw_only=True):
    """One row of `auditLogs/directoryAudits`."""

    id: str
    at: datetime
    activity: Activity
    category: str
    operation_type: OperationType
    result: Outcome
    result_reason: str
    correlation_id: str
    caller: Caller | None
    targets: tuple[Target, ...] = ()
    additional_details: tuple[tuple[str, str], ...] = ()
    ip_address: str | None = None


class CredentialType(StrEnum):
    """`signIn.clientCredentialType`."""

    NONE = "none"
    CLIENT_SECRET = "clientSecret"
    CLIENT_ASSERTION = "clientAssertion"
    FEDERATED_IDENTITY_CREDENTIAL = "federatedIdentityCredential"
    MANAGED_IDENTITY = "managedIdentity"
    CERTIFICATE = "certificate"


class SignInEventType(StrEnum):
    """`signIn.signInEventTypes`."""

    SERVICE_PRINCIPAL = "servicePrincipal"
    INTERACTIVE_USER = "interactiveUser"
    NON_INTERACTIVE_USER = "nonInteractiveUser"


class SignIn(Struct, frozen=True, kw_only=True):
    """One row of `auditLogs/signIns`: an attempt at the token endpoint. `error_code` 0 is success, otherwise
    the AADSTS number. `thumbprint` is upper-case hex SHA-1."""

    id: str
    at: datetime
    app_id: AppId
    app_display_name: str | None
    service_principal_id: ObjectId | None
    service_principal_name: str | None
    credential_type: CredentialType
    credential_key_id: KeyId | None
    credential_thumbprint: str | None
    error_code: int
    failure_reason: str | None
    resource_id: AppId | None
    resource_display_name: str | None
    resource_service_principal_id: ObjectId | None
    correlation_id: str
    token_id: str | None
    ip_address: str | None
    user_agent: str | None
    event_type: SignInEventType = SignInEventType.SERVICE_PRINCIPAL
    user: SignedInUser | None = None
    federated_credential_id: str | None = None
