"""Microsoft Graph's permissions: there when its service principal is read, and not kept with it."""

from __future__ import annotations

from sqlalchemy import select

from tests.store.nouns import TENANT, service_principal
from unsecret.model.application import ObjectKind, ServicePrincipal
from unsecret.model.identifiers import GRAPH_APP_ID
from unsecret.model.query import Query
from unsecret.store import directory_objects
from unsecret.store.engine import Store
from unsecret.store.published_permissions import app_role_id
from unsecret.store.schema import directory_object

GRAPH = service_principal(app_id=GRAPH_APP_ID, display_name="Microsoft Graph", other={"notes": "ours"})


def _read(store: Store) -> ServicePrincipal:
    with store.read() as conn:
        found = directory_objects.get(conn, TENANT, ObjectKind.SERVICE_PRINCIPAL, GRAPH.id)
    assert found is not None
    return found


def test_graph_offers_every_permission_that_microsoft_publishes(store: Store):
    store.write(lambda conn: directory_objects.add(conn, TENANT, GRAPH)).result()
    other = _read(store).other
    assert len(other["appRoles"]) > 700
    assert len(other["oauth2PermissionScopes"]) > 800
    assert other["notes"] == "ours"
    (role,) = [one for one in other["appRoles"] if one["value"] == "Application.ReadWrite.All"]
    assert (role["id"], role["allowedMemberTypes"]) == ("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", ["Application"])
    (scope,) = [one for one in other["oauth2PermissionScopes"] if one["value"] == "User.Read"]
    assert (scope["id"], scope["type"]) == ("e1fe6dd8-ba31-4d61-89e7-88639da4683d", "User")


def test_ids_are_told_apart_and_values_too(store: Store):
    store.write(lambda conn: directory_objects.add(conn, TENANT, GRAPH)).result()
    for offer in ("appRoles", "oauth2PermissionScopes"):
        for member in ("id", "value"):
            values = [one[member] for one in _read(store).other[offer]]
            assert len(values) == len(set(values))


def test_every_way_to_it_shows_them(store: Store):
    store.write(lambda conn: directory_objects.add(conn, TENANT, GRAPH)).result()
    whole, kind = _read(store), ObjectKind.SERVICE_PRINCIPAL
    with store.read() as conn:
        assert directory_objects.get_by_app_id(conn, TENANT, kind, GRAPH_APP_ID) == whole
        assert directory_objects.get_any(conn, TENANT, GRAPH.id) == whole
        assert directory_objects.list(conn, TENANT, kind, Query()).items == (whole,)
        assert directory_objects.objects_of_app(conn, TENANT, GRAPH_APP_ID)[1] == whole


def test_they_are_not_kept_even_when_it_is_written_back(store: Store):
    store.write(lambda conn: directory_objects.add(conn, TENANT, GRAPH)).result()
    whole = _read(store)
    store.write(lambda conn: directory_objects.replace(conn, TENANT, whole)).result()
    with store.read() as conn:
        (body,) = conn.execute(select(directory_object.c.body)).scalars()
    assert len(body) < 1000
    assert _read(store) == whole


def test_nobody_else_offers_them(store: Store):
    other = service_principal(other={"appRoles": []})
    store.write(lambda conn: directory_objects.add(conn, TENANT, other)).result()
    with store.read() as conn:
        assert directory_objects.get(conn, TENANT, ObjectKind.SERVICE_PRINCIPAL, other.id) == other


def test_a_permission_is_found_by_its_value():
    assert app_role_id("User.ReadWrite.All") == "741f803b-c850-494e-b5df-cde7c675a1ca"
