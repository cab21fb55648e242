"""Directory and policies through msgraph-sdk, unmodified: its own models, builders, paging and errors."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime, timedelta
from typing import Any

from azure.identity.aio import ClientSecretCredential
from calls import answer_calls
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.applications.applications_request_builder import ApplicationsRequestBuilder
from msgraph.generated.applications.item.add_password.add_password_post_request_body import AddPasswordPostRequestBody
from msgraph.generated.applications.item.application_item_request_builder import ApplicationItemRequestBuilder
from msgraph.generated.applications.item.remove_password.remove_password_post_request_body import (
    RemovePasswordPostRequestBody,
)
from msgraph.generated.models.app_credential_restriction_type import AppCredentialRestrictionType
from msgraph.generated.models.app_management_application_configuration import AppManagementApplicationConfiguration
from msgraph.generated.models.app_management_policy import AppManagementPolicy
from msgraph.generated.models.app_management_restriction_state import AppManagementRestrictionState
from msgraph.generated.models.application import Application
from msgraph.generated.models.custom_app_management_configuration import CustomAppManagementConfiguration
from msgraph.generated.models.key_credential import KeyCredential
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.password_credential_configuration import PasswordCredentialConfiguration
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.tenant_app_management_policy import TenantAppManagementPolicy
from msgraph_core.tasks.page_iterator import PageIterator

events = asyncio.new_event_loop()  # one for the whole process: the client keeps its connections on it
graph: GraphServiceClient
base_url: str


def sign_in(authority: str, tenant_id: str, client_id: str, secret: str, origin: str) -> None:
    """Point the client at the local tenant. The two knobs are the SDK's own: allowed hosts and the base URL."""
    global graph, base_url
    base_url = f"{origin}/v1.0"
    credential = ClientSecretCredential(
        tenant_id, client_id, secret, authority=authority, disable_instance_discovery=True
    )
    scopes = [f"{origin}/.default"]
    adapter = GraphRequestAdapter(
        AzureIdentityAuthenticationProvider(credential, scopes=scopes, allowed_hosts=["localhost"])
    )
    adapter.base_url = base_url
    graph = GraphServiceClient(request_adapter=adapter)


# Applications and their credentials.


def list_applications(page_size: int) -> list[str]:
    """The names of all applications, page by page."""
    return events.run_until_complete(_names(page_size))


async def _names(page_size: int) -> list[str]:
    parameters = ApplicationsRequestBuilder.ApplicationsRequestBuilderGetQueryParameters(top=page_size)
    first = await graph.applications.get(request_configuration=RequestConfiguration(query_parameters=parameters))
    names: list[str] = []

    def keep(application: Application) -> bool:
        names.append(application.display_name or "")
        return True

    await PageIterator(first, graph.request_adapter).iterate(keep)
    return names


def create_application(name: str) -> dict[str, Any]:
    return _described(_wait(graph.applications.post(Application(display_name=name))))


def get_application(object_id: str) -> dict[str, Any]:
    return _described(_wait(graph.applications.by_application_id(object_id).get()))


def get_application_by_app_id(app_id: str) -> dict[str, Any]:
    return _described(_wait(graph.applications_with_app_id(app_id).get()))


def delete_application(object_id: str) -> None:
    _wait(graph.applications.by_application_id(object_id).delete())


def add_password(object_id: str, name: str | None = None, end_at: str | None = None) -> dict[str, Any]:
    """With a name or an end the password is described; with neither, the body is `{}`."""
    body = AddPasswordPostRequestBody()
    if name or end_at:
        end = datetime.fromisoformat(end_at) if end_at else None
        body.password_credential = PasswordCredential(display_name=name, end_date_time=end)
    made = _wait(graph.applications.by_application_id(object_id).add_password.post(body))
    return {"key_id": str(made.key_id), "secret": made.secret_text, "name": made.display_name, "hint": made.hint}


def remove_password(object_id: str, key_id: str) -> None:
    body = RemovePasswordPostRequestBody(key_id=key_id)
    _wait(graph.applications.by_application_id(object_id).remove_password.post(body))


def append_certificate(object_id: str, name: str, der: str) -> None:
    """Read the certificates, add one, write all back: what every example of the SDK does."""
    kept = _wait(graph.applications.by_application_id(object_id).get()).key_credentials
    new = KeyCredential(type="AsymmetricX509Cert", usage="Verify", key=base64.b64decode(der), display_name=name)
    _wait(graph.applications.by_application_id(object_id).patch(Application(key_credentials=[*kept, new])))


def certificates(object_id: str) -> list[dict[str, Any]]:
    """With their bytes, which Graph gives only to those who select them."""
    parameters = ApplicationItemRequestBuilder.ApplicationItemRequestBuilderGetQueryParameters(
        select=["keyCredentials"]
    )
    builder = graph.applications.by_application_id(object_id)
    found = _wait(builder.get(request_configuration=RequestConfiguration(query_parameters=parameters)))
    return [{"name": key.display_name, "der": base64.b64encode(key.key).decode()} for key in found.key_credentials]


# The tenant's default policy.


def get_default_policy() -> dict[str, Any]:
    return _default_described(_wait(graph.policies.default_app_management_policy.get()))


def set_default_policy(enabled: bool, secrets_blocked: bool) -> None:
    state = AppManagementRestrictionState.Enabled if secrets_blocked else AppManagementRestrictionState.Disabled
    entry = PasswordCredentialConfiguration(restriction_type=AppCredentialRestrictionType.PasswordAddition, state=state)
    restrictions = AppManagementApplicationConfiguration(password_credentials=[entry])
    policy = TenantAppManagementPolicy(is_enabled=enabled, application_restrictions=restrictions)
    _wait(graph.policies.default_app_management_policy.patch(policy))


# Custom policies and what they are assigned to.


def create_policy(name: str, lifetime_days: int) -> dict[str, Any]:
    """The duration goes round the SDK, which cannot write one; see create_policy_with_timedelta."""
    entry = _lifetime(additional_data={"maxLifetime": f"P{lifetime_days}D"})
    return _policy_described(_wait(graph.policies.app_management_policies.post(_policy(name, entry))))


def create_policy_with_timedelta(name: str, lifetime_days: int) -> dict[str, Any]:
    """As the SDK's model asks for it; it writes `90 days, 0:00:00` on the wire, which is no ISO 8601 duration."""
    entry = _lifetime(max_lifetime=timedelta(days=lifetime_days))
    return _policy_described(_wait(graph.policies.app_management_policies.post(_policy(name, entry))))


def list_policies() -> list[dict[str, Any]]:
    return [_policy_described(policy) for policy in _wait(graph.policies.app_management_policies.get()).value]


def get_policy(policy_id: str) -> dict[str, Any]:
    return _policy_described(_wait(graph.policies.app_management_policies.by_app_management_policy_id(policy_id).get()))


def set_policy_enabled(policy_id: str, enabled: bool) -> None:
    builder = graph.policies.app_management_policies.by_app_management_policy_id(policy_id)
    _wait(builder.patch(AppManagementPolicy(is_enabled=enabled)))


def delete_policy(policy_id: str) -> None:
    _wait(graph.policies.app_management_policies.by_app_management_policy_id(policy_id).delete())


def assign_policy(object_id: str, policy_id: str) -> None:
    reference = ReferenceCreate(odata_id=f"{base_url}/policies/appManagementPolicies/{policy_id}")
    _wait(graph.applications.by_application_id(object_id).app_management_policies.ref.post(reference))


def unassign_policy(object_id: str, policy_id: str) -> None:
    assigned = graph.applications.by_application_id(object_id).app_management_policies
    _wait(assigned.by_app_management_policy_id(policy_id).ref.delete())


def assigned_policies(object_id: str) -> list[str]:
    found = _wait(graph.applications.by_application_id(object_id).app_management_policies.get())
    return [policy.id for policy in found.value]


def applies_to(policy_id: str) -> list[dict[str, str]]:
    """The SDK makes a typed object of each only if the server says which type it is."""
    builder = graph.policies.app_management_policies.by_app_management_policy_id(policy_id)
    return [{"type": type(item).__name__, "id": item.id} for item in _wait(builder.applies_to.get()).value]


def _policy(name: str, entry: PasswordCredentialConfiguration) -> AppManagementPolicy:
    restrictions = CustomAppManagementConfiguration(password_credentials=[entry])
    return AppManagementPolicy(display_name=name, description=name, is_enabled=True, restrictions=restrictions)


def _lifetime(**duration: Any) -> PasswordCredentialConfiguration:
    return PasswordCredentialConfiguration(
        restriction_type=AppCredentialRestrictionType.PasswordLifetime,
        state=AppManagementRestrictionState.Enabled,
        **duration,
    )


def _described(app: Application) -> dict[str, Any]:
    return {
        "id": app.id,
        "app_id": app.app_id,
        "name": app.display_name,
        "passwords": [str(password.key_id) for password in app.password_credentials],
        "certificates": [key.display_name for key in app.key_credentials],
    }


def _default_described(policy: TenantAppManagementPolicy) -> dict[str, Any]:
    entries = policy.application_restrictions.password_credentials
    return {"id": policy.id, "enabled": policy.is_enabled, "passwords": [_entry_described(entry) for entry in entries]}


def _policy_described(policy: AppManagementPolicy) -> dict[str, Any]:
    entries = policy.restrictions.password_credentials
    return {
        "id": policy.id,
        "name": policy.display_name,
        "enabled": policy.is_enabled,
        "passwords": [_entry_described(entry) for entry in entries],
    }


def _entry_described(entry: PasswordCredentialConfiguration) -> dict[str, Any]:
    return {
        "restriction": entry.restriction_type.value,
        "state": entry.state.value,
        "lifetime_days": entry.max_lifetime.days if entry.max_lifetime else None,
    }


def _wait(request: Any) -> Any:
    return events.run_until_complete(request)


def _error_fields(error: Exception) -> dict[str, Any]:
    """What a program that uses the SDK can read from a refusal."""
    if not isinstance(error, ODataError):
        return {}
    inner = error.error.inner_error
    return {
        "status": error.response_status_code,
        "code": error.error.code,
        "message": error.error.message,
        "date": inner.date.isoformat(),
        "request_id": inner.request_id,
        "client_request_id": inner.client_request_id,
    }


if __name__ == "__main__":
    answer_calls(
        *(list_applications, create_application, get_application, get_application_by_app_id, delete_application),
        *(add_password, remove_password, append_certificate, certificates),
        *(get_default_policy, set_default_policy),
        *(create_policy, create_policy_with_timedelta, list_policies, get_policy, set_policy_enabled, delete_policy),
        *(assign_policy, unassign_policy, assigned_policies, applies_to),
        sign_in,
        details=_error_fields,
    )
