"""App management policies, what they are linked to, and the certificate authorities that they can trust."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from unsecret.errors import Conflict
from unsecret.model.identifiers import ObjectId, PolicyId, TenantId
from unsecret.model.people import AnyObject
from unsecret.model.policy import AppManagementPolicy, CertificateBasedApplicationConfiguration, TenantDefault
from unsecret.model.query import Page, Query
from unsecret.store.columns import body_of, folded, guid
from unsecret.store.directory_objects import list_linked
from unsecret.store.live_objects import LIVE, LIVE_ROW, not_found, require_row
from unsecret.store.paging import Collection, bodies_of, page_of
from unsecret.store.properties import POLICIES, POLICY_ORDERS
from unsecret.store.schema import (
    app_management_policy,
    directory_object,
    policy_link,
    tenant_default,
    trusted_configuration,
)
from unsecret.store.statement import Insertion, Statement

_default, _policy, _link = tenant_default.c, app_management_policy.c, policy_link.c
_object, _trusted = directory_object.c, trusted_configuration.c

_THE_POLICY = (_policy.tenant_id == bindparam("tenant_id"), _policy.policy_id == bindparam("policy_id"))
_THE_CONFIGURATION = (
    _trusted.tenant_id == bindparam("tenant_id"),
    _trusted.configuration_id == bindparam("configuration_id"),
)

_the_default = select(_default.body).where(_default.tenant_id == bindparam("tenant_id"))
_GET_DEFAULT = Statement(_the_default)
_UPDATE_DEFAULT = Statement(
    update(tenant_default).values(body=bindparam("body")).where(_default.tenant_id == bindparam("of_tenant"))
)
_ADD_DEFAULT = Insertion(tenant_default)
_ADD_POLICY = Insertion(app_management_policy)
_GET_POLICY = Statement(select(_policy.id, _policy.body).where(*_THE_POLICY))
_REPLACE_POLICY = Statement(
    update(app_management_policy)
    .values({name: bindparam(name) for name in ("folded_display_name", "is_enabled", "body")})
    .where(*_THE_POLICY)
)
_DELETE_POLICY = Statement(delete(app_management_policy).where(*_THE_POLICY))
_policy_of = (
    select(_policy.body)
    .join(policy_link, _link.policy_row == _policy.id)
    .join(directory_object, _object.id == _link.object_row)
    .where(LIVE, _object.object_id == bindparam("object_id"))
)
_POLICY_OF = Statement(_policy_of)
_IN_FORCE = Statement(
    select(_the_default.scalar_subquery().label("default_body"), _policy_of.scalar_subquery().label("custom_body"))
)
_LINK = Insertion(policy_link)
_UNLINK = Statement(
    delete(policy_link).where(
        _link.object_row == LIVE_ROW,
        _link.policy_row == select(_policy.id).where(*_THE_POLICY).scalar_subquery(),
    )
)
_ADD_TRUSTED = Insertion(trusted_configuration)
_GET_TRUSTED = Statement(select(_trusted.body).where(*_THE_CONFIGURATION))
_LIST_TRUSTED = Statement(
    select(_trusted.body).where(_trusted.tenant_id == bindparam("tenant_id")).order_by(_trusted.id)
)
_REPLACE_TRUSTED = Statement(update(trusted_configuration).values(body=bindparam("body")).where(*_THE_CONFIGURATION))
_DELETE_TRUSTED = Statement(delete(trusted_configuration).where(*_THE_CONFIGURATION))

_decode_default = msgspec.json.Decoder(TenantDefault).decode
_decode_policy = msgspec.json.Decoder(AppManagementPolicy).decode
_policies_in = bodies_of(AppManagementPolicy)
_decode_trusted = msgspec.json.Decoder(CertificateBasedApplicationConfiguration).decode

_COLLECTION = Collection(
    row=_policy.id,
    tenant_id=_policy.tenant_id,
    columns=(_policy.body,),
    conditions=(),
    properties=POLICIES,
    orders=POLICY_ORDERS,
)


def get_default(conn: Connection, tenant_id: TenantId) -> TenantDefault:
    """The tenant's default policy; as Graph ships it, switched off, until somebody writes it."""
    found = _GET_DEFAULT.one(conn, tenant_id=guid(tenant_id))
    return _decode_default(found[0]) if found else TenantDefault()


def put_default(conn: Connection, tenant_id: TenantId, policy: TenantDefault) -> None:
    """Replaces the tenant's default policy."""
    tenant, body = guid(tenant_id), body_of(policy)
    if not _UPDATE_DEFAULT.run(conn, of_tenant=tenant, body=body):
        _ADD_DEFAULT.run(conn, tenant_id=tenant, body=body)


def add_policy(conn: Connection, tenant_id: TenantId, policy: AppManagementPolicy) -> None:
    """Raises Conflict when the id is taken."""
    if get_policy(conn, tenant_id, policy.id) is not None:
        raise Conflict(f"The policy '{policy.id}' exists already. Choose another id.", target="id")
    _ADD_POLICY.run(conn, **_policy_values(tenant_id, policy))


def get_policy(conn: Connection, tenant_id: TenantId, policy_id: PolicyId) -> AppManagementPolicy | None:
    """The custom policy with this id."""
    found = _GET_POLICY.one(conn, tenant_id=guid(tenant_id), policy_id=guid(policy_id))
    return _decode_policy(found[1]) if found else None


def replace_policy(conn: Connection, tenant_id: TenantId, policy: AppManagementPolicy) -> None:
    """Raises NotFound."""
    if not _REPLACE_POLICY.run(conn, **_policy_values(tenant_id, policy)):
        raise not_found(policy.id)


def delete_policy(conn: Connection, tenant_id: TenantId, policy_id: PolicyId) -> None:
    """Removes the policy and its links: what it bound is bound by the tenant's default again. Raises NotFound."""
    if not _DELETE_POLICY.run(conn, tenant_id=guid(tenant_id), policy_id=guid(policy_id)):
        raise not_found(policy_id)


def list_policies(conn: Connection, tenant_id: TenantId, query: Query) -> Page[AppManagementPolicy]:
    """A page of custom policies, oldest first. Raises Invalid as `directory_objects.list` does."""
    return page_of(conn, _COLLECTION, tenant_id, query, _policies_in)


def policy_of(conn: Connection, tenant_id: TenantId, object_id: ObjectId) -> AppManagementPolicy | None:
    """The policy that a live object is linked to; it has one at most."""
    found = _POLICY_OF.one(conn, tenant_id=guid(tenant_id), object_id=guid(object_id))
    return _decode_policy(found[0]) if found else None


def in_force(
    conn: Connection, tenant_id: TenantId, object_id: ObjectId
) -> tuple[TenantDefault, AppManagementPolicy | None]:
    """The tenant's default policy and the one that the object is linked to: `get_default` and `policy_of` at once."""
    default, custom = _IN_FORCE.all(conn, tenant_id=guid(tenant_id), object_id=guid(object_id))[0]
    return (
        TenantDefault() if default is None else _decode_default(default),
        None if custom is None else _decode_policy(custom),
    )


def link(conn: Connection, tenant_id: TenantId, policy_id: PolicyId, object_id: ObjectId) -> None:
    """Raises NotFound for either end, and Conflict when the object has a policy already, even this one."""
    found = _GET_POLICY.one(conn, tenant_id=guid(tenant_id), policy_id=guid(policy_id))
    if found is None:
        raise not_found(policy_id)
    row = require_row(conn, tenant_id, object_id)
    if (present := policy_of(conn, tenant_id, object_id)) is not None:
        raise Conflict(
            f"The object '{object_id}' has the app management policy '{present.id}' assigned already, and can have one "
            "only. Remove that assignment first.",
            target="appManagementPolicies",
        )
    _LINK.run(conn, tenant_id=guid(tenant_id), policy_row=found[0], object_row=row)


def unlink(conn: Connection, tenant_id: TenantId, policy_id: PolicyId, object_id: ObjectId) -> bool:
    """False when the object is not linked to this policy."""
    values = {"tenant_id": guid(tenant_id), "policy_id": guid(policy_id), "object_id": guid(object_id)}
    return _UNLINK.run(conn, **values) > 0


def applies_to(conn: Connection, tenant_id: TenantId, policy_id: PolicyId, query: Query) -> Page[AnyObject]:
    """A page of the live objects that are linked to the policy. Raises Invalid as `directory_objects.list` does."""
    found = _GET_POLICY.one(conn, tenant_id=guid(tenant_id), policy_id=guid(policy_id))
    linked = select(_link.object_row).where(_link.policy_row == (found[0] if found else None))
    return list_linked(conn, tenant_id, linked, query)


def add_trusted_configuration(
    conn: Connection, tenant_id: TenantId, configuration: CertificateBasedApplicationConfiguration
) -> None:
    """Raises Conflict when the id is taken."""
    if get_trusted_configuration(conn, tenant_id, configuration.id) is not None:
        raise Conflict(f"The configuration '{configuration.id}' exists already. Choose another id.", target="id")
    _ADD_TRUSTED.run(
        conn, tenant_id=guid(tenant_id), configuration_id=guid(configuration.id), body=body_of(configuration)
    )


def get_trusted_configuration(
    conn: Connection, tenant_id: TenantId, configuration_id: ObjectId
) -> CertificateBasedApplicationConfiguration | None:
    """The named list of certificate authorities with this id."""
    found = _GET_TRUSTED.one(conn, tenant_id=guid(tenant_id), configuration_id=guid(configuration_id))
    return _decode_trusted(found[0]) if found else None


def list_trusted_configurations(
    conn: Connection, tenant_id: TenantId
) -> tuple[CertificateBasedApplicationConfiguration, ...]:
    """All of them, oldest first; Graph allows a tenant a hundred."""
    return tuple(_decode_trusted(body) for (body,) in _LIST_TRUSTED.all(conn, tenant_id=guid(tenant_id)))


def replace_trusted_configuration(
    conn: Connection, tenant_id: TenantId, configuration: CertificateBasedApplicationConfiguration
) -> None:
    """Raises NotFound."""
    values = {"tenant_id": guid(tenant_id), "configuration_id": guid(configuration.id)}
    if not _REPLACE_TRUSTED.run(conn, **values, body=body_of(configuration)):
        raise not_found(configuration.id)


def delete_trusted_configuration(conn: Connection, tenant_id: TenantId, configuration_id: ObjectId) -> None:
    """Raises NotFound."""
    if not _DELETE_TRUSTED.run(conn, tenant_id=guid(tenant_id), configuration_id=guid(configuration_id)):
        raise not_found(configuration_id)


def _policy_values(tenant_id: TenantId, policy: AppManagementPolicy) -> dict[str, Any]:
    return {
        "tenant_id": guid(tenant_id),
        "policy_id": guid(policy.id),
        "folded_display_name": folded(policy.display_name),
        "is_enabled": int(policy.is_enabled),
        "body": body_of(policy),
    }
