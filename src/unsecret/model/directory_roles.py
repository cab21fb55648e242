"""The directory roles that this tenant knows, with the template ids that they have in every tenant.

https://learn.microsoft.com/en-us/entra/identity/role-based-access-control/permissions-reference
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """Built-in roles; the value is the template id, which is the id of the role's definition, too."""

    GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
    GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
    APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
    CLOUD_APPLICATION_ADMINISTRATOR = "158c047a-c907-4556-b7ef-446551a6b5f7"
    APPLICATION_DEVELOPER = "cf1c38e5-3621-4004-a7cb-879624dced7c"
    SECURITY_ADMINISTRATOR = "194ae4cb-b126-40b2-bd5b-6091b380977d"
    SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
    REPORTS_READER = "4a5d8f65-41da-4de4-8968-e035b65339cf"
    PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
    USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
    HELPDESK_ADMINISTRATOR = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
    DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
    DIRECTORY_WRITERS = "9360feb5-f418-4baa-8175-e2a00bac4301"
    ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR = "58a13ea3-c632-46ae-9ee0-9c0d43cd7f3d"
    ATTRIBUTE_ASSIGNMENT_READER = "ffd52fa5-98dc-465c-991d-fc073eb59f8f"
    ATTRIBUTE_DEFINITION_ADMINISTRATOR = "8424c6f0-a189-499e-bbd0-26c1753c96d4"
    ATTRIBUTE_DEFINITION_READER = "1d336d2c-4ae8-42ef-9711-b3604ce3fc2c"


PRIVILEGED = frozenset(
    {
        Role.GLOBAL_ADMINISTRATOR,
        Role.GLOBAL_READER,
        Role.APPLICATION_ADMINISTRATOR,
        Role.CLOUD_APPLICATION_ADMINISTRATOR,
        Role.APPLICATION_DEVELOPER,
        Role.SECURITY_ADMINISTRATOR,
        Role.SECURITY_READER,
        Role.PRIVILEGED_ROLE_ADMINISTRATOR,
        Role.USER_ADMINISTRATOR,
        Role.HELPDESK_ADMINISTRATOR,
        Role.DIRECTORY_WRITERS,
    }
)
"""Those that the page marks so."""


class RoleDefinition(Struct, frozen=True, kw_only=True):
    """A role in the words that Graph shows of it."""

    role: Role
    display_name: str
    description: str


def _defined(role: Role, description: str) -> RoleDefinition:
    return RoleDefinition(role=role, display_name=role.name.replace("_", " ").title(), description=description)


_R = Role

ROLE_DEFINITIONS: dict[Role, RoleDefinition] = {
    one.role: one
    for one in (
        _defined(_R.GLOBAL_ADMINISTRATOR, "May do everything in the directory."),
        _defined(_R.GLOBAL_READER, "May read everything that a Global Administrator may read, and change nothing."),
        _defined(_R.APPLICATION_ADMINISTRATOR, "May manage every application and service principal."),
        _defined(_R.CLOUD_APPLICATION_ADMINISTRATOR, "May manage every application and service principal."),
        _defined(_R.APPLICATION_DEVELOPER, "May register applications, and owns them then."),
        _defined(_R.SECURITY_ADMINISTRATOR, "May read security information and manage the tenant's policies."),
        _defined(_R.SECURITY_READER, "May read security information and logs."),
        _defined(_R.REPORTS_READER, "May read sign-in and audit logs."),
        _defined(_R.PRIVILEGED_ROLE_ADMINISTRATOR, "May assign directory roles and grant any permission."),
        _defined(_R.USER_ADMINISTRATOR, "May manage people."),
        _defined(_R.HELPDESK_ADMINISTRATOR, "May give new passwords to people who hold no role."),
        _defined(_R.DIRECTORY_READERS, "May read basic directory information."),
        _defined(_R.DIRECTORY_WRITERS, "May read and write basic directory information."),
        _defined(_R.ATTRIBUTE_ASSIGNMENT_ADMINISTRATOR, "May assign custom security attributes."),
        _defined(_R.ATTRIBUTE_ASSIGNMENT_READER, "May read assigned custom security attributes."),
        _defined(_R.ATTRIBUTE_DEFINITION_ADMINISTRATOR, "May define custom security attributes."),
        _defined(_R.ATTRIBUTE_DEFINITION_READER, "May read the definitions of custom security attributes."),
    )
}
"""Names are Microsoft's, descriptions ours."""
