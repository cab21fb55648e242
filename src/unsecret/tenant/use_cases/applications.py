"""Create, change and delete application registrations."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from unsecret.errors import Invalid
from unsecret.model.application import Application, ObjectKind, PasswordCredential, ServicePrincipal
from unsecret.model.change import Addition
from unsecret.model.event import Activity, OperationType
from unsecret.model.identifiers import AppId
from unsecret.rules.identifier_uris import is_on_verified_domain
from unsecret.rules.permission import Operation
from unsecret.store import credentials, directory_objects
from unsecret.tenant import secrets
from unsecret.tenant.use_cases.clearing import clear_expired
from unsecret.tenant.use_cases.credentials import (
    credentials_changed,
    described,
    holds_credentials,
    key_additions,
    merged_keys,
    new_password,
    password_addition,
    require_room,
)
from unsecret.tenant.use_cases.judging import added, application_additions, require_lawful, verified_domains
from unsecret.tenant.use_cases.links import add_first_owners
from unsecret.tenant.use_cases.transaction import ObjectKey, Transaction, target_of
from unsecret.wire.applications import ApplicationBody
from unsecret.wire.credentials import USE_ACTIONS, PasswordRequest
from unsecret.wire.logs import modified_properties
from unsecret.wire.service_principals import inherited, inherited_names

Secrets = tuple[tuple[PasswordCredential, str], ...]
"""Secrets that were just made: each credential with the text that is shown this once."""


def create_application(
    transaction: Transaction, decode: Callable[[None], ApplicationBody]
) -> tuple[Application, Secrets]:
    """Register an application, with the credentials that the request asks for. `decode` reads it.

    Raises Forbidden, Invalid, Conflict, PolicyDenied; whichever it is, nothing was created.
    """
    made_id = transaction.attempt_new(ObjectKind.APPLICATION, Activity.ADD_APPLICATION)
    body = decode(None)
    application = Application(
        id=made_id,
        app_id=AppId(str(uuid.uuid4())),
        created_at=transaction.now,
        created_by_app_id=transaction.caller.app_id,
        **body.properties,
    )
    application = _published(transaction, application)
    transaction.attempt_on(application, Activity.ADD_APPLICATION, OperationType.ADD)
    transaction.permit(Operation.CREATE_APPLICATION)
    clear_expired(transaction)
    application, made, change = _with_credentials(transaction, application, body)
    require_lawful(transaction, application, [*change, *application_additions(application, None)])
    _require_made_here(body.password_credentials or ())
    require_room(application)
    _require_verified_hosts(transaction, application.identifier_uris)
    directory_objects.add(
        transaction.conn,
        transaction.tenant_id,
        application,
        digests={credential.key_id: secrets.digest(text) for credential, text in made},
    )
    transaction.own(application)
    transaction.record(*modified_properties(None, application))
    if holds_credentials(application):
        transaction.record(*described(None, application), activity=Activity.CREATE_APPLICATION_CREDENTIALS)
    add_first_owners(transaction, application, body.owners)
    return application, made


def _published(transaction: Transaction, application: Application) -> Application:
    """`publisherDomain` is the tenant's default domain, and nobody's to choose."""
    domains = verified_domains(transaction)
    return msgspec.structs.replace(application, other=application.other | {"publisherDomain": domains[0]})


def _with_credentials(
    transaction: Transaction, application: Application, body: ApplicationBody
) -> tuple[Application, Secrets, list[Addition]]:
    asked = body.password_credentials or ()
    made = tuple(new_password(request, transaction.now) for request in asked)
    keys = merged_keys((), body.key_credentials or (), transaction.now)
    change: list[Addition] = [
        password_addition(credential, request) for (credential, _), request in zip(made, asked, strict=True)
    ]
    change += key_additions(transaction, (), keys)
    whole = msgspec.structs.replace(
        application, password_credentials=tuple(credential for credential, _ in made), key_credentials=keys
    )
    return whole, made, change


def _require_made_here(asked: Sequence[PasswordRequest]) -> None:
    """Raise Invalid when a caller chose the keyId or the text of a new application's secret, in Graph's words
    (https://stackoverflow.com/questions/79463224, https://github.com/ansible-collections/azure/issues/2248, /1372).
    Called after the law has been asked, so that a policy's refusal is the one that is heard."""
    if any(request.key_id is not None for request in asked):
        raise Invalid(
            "The property KeyId is not supported for Create Application flow. Leave it out: the service chooses it.",
            target="passwordCredentials",
        )
    if any(request.secret_text is not None for request in asked):
        raise Invalid(
            f"{USE_ACTIONS} Leave 'secretText' out: the service makes it, and shows it once.",
            target="passwordCredentials",
        )


def upsert_application(
    transaction: Transaction, key: ObjectKey, decode: Callable[[Application | None], ApplicationBody]
) -> tuple[Application, Secrets] | None:
    """Change the application with this uniqueName, or register it; then it is what is returned. Raises as either does.

    https://learn.microsoft.com/en-us/graph/api/application-upsert
    """
    if transaction.has(ObjectKind.APPLICATION, key):
        return update_application(transaction, key, decode)
    return create_application(transaction, decode)


def update_application(
    transaction: Transaction, key: ObjectKey, decode: Callable[[Application], ApplicationBody]
) -> None:
    """Change an application. `decode` reads the request against the stored application, inside the
    transaction: what the request does not name stays as it is, whatever was written meanwhile.

    Raises NotFound, Forbidden, Invalid, Conflict, PolicyDenied.
    """
    before = transaction.find(ObjectKind.APPLICATION, key)
    transaction.attempt_on(before, Activity.UPDATE_APPLICATION, OperationType.UPDATE)
    transaction.permit_write(before)
    body = decode(before)
    if body.password_credentials is not None:
        raise Invalid(
            f"{USE_ACTIONS} Use addPassword and removePassword.",
            target="passwordCredentials",
        )
    after = msgspec.structs.replace(before, **body.properties)
    if body.key_credentials is not None:
        keys = merged_keys(before.key_credentials, body.key_credentials, transaction.now)
        after = msgspec.structs.replace(after, key_credentials=keys)
    require_lawful(
        transaction,
        after,
        [
            *key_additions(transaction, before.key_credentials, after.key_credentials),
            *application_additions(after, before),
        ],
    )
    require_room(after)
    _require_verified_hosts(transaction, added(after.identifier_uris, before.identifier_uris))
    _store(transaction, before, after)


def _store(transaction: Transaction, before: Application, after: Application) -> None:
    if added(after.identifier_uris, before.identifier_uris):
        clear_expired(transaction)
    directory_objects.replace(transaction.conn, transaction.tenant_id, after)
    if credentials_changed(before, after):
        credentials.set_keys(transaction.conn, transaction.tenant_id, after.id, after.key_credentials)
        transaction.record(*described(before, after), activity=Activity.UPDATE_APPLICATION_CREDENTIALS)
    transaction.record(*modified_properties(before, after))
    _mirror(transaction, before, after)


def _mirror(transaction: Transaction, before: Application, after: Application) -> None:
    """The service principal at home shows what its application says."""
    if _taken_over(before) == _taken_over(after):
        return
    principal = directory_objects.get_by_app_id(
        transaction.conn, transaction.tenant_id, ObjectKind.SERVICE_PRINCIPAL, after.app_id
    )
    if principal is None:
        return
    follower = mirrored(principal, after)
    directory_objects.replace(transaction.conn, transaction.tenant_id, follower)
    transaction.record(
        *modified_properties(principal, follower),
        activity=Activity.UPDATE_SERVICE_PRINCIPAL,
        target=target_of(follower),
    )


def mirrored(principal: ServicePrincipal, application: Application) -> ServicePrincipal:
    """`principal` with what it takes over from its application."""
    taken_over = _taken_over(application)
    other = principal.other | taken_over.pop("other")
    return msgspec.structs.replace(principal, **taken_over, other=other)


def _taken_over(application: Application) -> dict[str, Any]:
    """What a service principal shows of its application, as fields of ServicePrincipal; of `other`, some members."""
    return {
        "display_name": application.display_name,
        "sign_in_audience": application.sign_in_audience,
        "service_principal_names": inherited_names(application),
        "other": inherited(application),
    }


def delete_application(transaction: Transaction, key: ObjectKey) -> None:
    """Delete an application (softly: it can be restored later) and its service principal at home."""
    application = transaction.find(ObjectKind.APPLICATION, key)
    transaction.attempt_on(application, Activity.DELETE_APPLICATION, OperationType.DELETE)
    transaction.permit_write(application)
    directory_objects.delete(
        transaction.conn, transaction.tenant_id, ObjectKind.APPLICATION, application.id, at=transaction.now
    )
    transaction.record()
    principal = directory_objects.get_by_app_id(
        transaction.conn, transaction.tenant_id, ObjectKind.SERVICE_PRINCIPAL, application.app_id
    )
    if principal is not None:
        directory_objects.delete(
            transaction.conn, transaction.tenant_id, ObjectKind.SERVICE_PRINCIPAL, principal.id, at=transaction.now
        )
        transaction.record(activity=Activity.REMOVE_SERVICE_PRINCIPAL, target=target_of(principal))


def _require_verified_hosts(transaction: Transaction, uris: Iterable[str]) -> None:
    """An https identifier URI must stand on a domain that the tenant has verified, policy or no policy.

    https://learn.microsoft.com/en-us/entra/identity-platform/identifier-uri-restrictions
    """
    web = [uri for uri in uris if uri.casefold().startswith(("http:", "https:"))]
    domains = verified_domains(transaction) if web else ()
    for uri in web:
        if not is_on_verified_domain(uri, domains):
            raise Invalid(
                "Values of identifierUris property must use a verified domain of the organization or its "
                f"subdomain: '{uri}' does not. Use api://<appId>, or a domain of this tenant.",
                code="HostNameNotOnVerifiedDomain",
                target="identifierUris",
            )
