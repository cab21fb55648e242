"""A tenant that was exported is loaded as it was: object by object, id by id, and all of it or nothing."""

from __future__ import annotations

import base64
import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.loaded_tenant import LoadedTenant
from tests.local_tenant import NOW, Identity, LocalTenant
from tests.operate.in_process import InProcess, client_of
from unsecret.errors import Invalid
from unsecret.model.consent import ConsentType, OAuth2PermissionGrant
from unsecret.model.identifiers import ObjectId
from unsecret.model.query import Query
from unsecret.operate.snapshots.snapshot_file import open_snapshot
from unsecret.operate.snapshots.take import take
from unsecret.store import consent
from unsecret.tenant.export_files import read_export
from unsecret.tenant.sample import add_sample
from unsecret.tenant.sample_people import add_people, digests_of, new_people
from unsecret.tenant.signing import SigningKeys
from unsecret.wire.columns import TABLES

ADMINISTRATOR = "unsecret administrator"
PER_APPLICATION = ("owners", "federatedIdentityCredentials", "appManagementPolicies")
PER_PRINCIPAL = ("owners", "appManagementPolicies", "appRoleAssignments")

Loader = Callable[[Any], LoadedTenant]


@pytest.fixture
def loading(tmp_path: Path, migrated: Path, identity: Identity, signing: SigningKeys) -> Any:
    """Loads what is given, written to a file, into a tenant of its own."""
    made: list[LoadedTenant] = []

    def loader(content: Any) -> LoadedTenant:
        file = content if isinstance(content, Path) else tmp_path / f"export-{len(made)}.json"
        if file is not content:
            file.write_text(json.dumps(content))
        data = shutil.copytree(migrated, tmp_path / f"loaded-{len(made)}")
        made.append(LoadedTenant(data, identity, signing, export=read_export(file)))
        return made[-1]

    yield loader
    for one in made:
        one.close()


def pages(tenant: LocalTenant, path: str) -> list[dict[str, Any]]:
    found, link = [], path
    while link:
        page = tenant.get(link)
        found += page["value"]
        link = page.get("@odata.nextLink")
    return found


def exported(tenant: LocalTenant) -> dict[str, Any]:
    """What anybody can read of a tenant through Graph, collection by collection."""
    applications, principals = pages(tenant, "/beta/applications"), pages(tenant, "/servicePrincipals")
    for kind, objects, relationships in (
        ("applications", applications, PER_APPLICATION),
        ("servicePrincipals", principals, PER_PRINCIPAL),
    ):
        for one in objects:
            path = f"/beta/{kind}/{one['id']}"
            one["keyCredentials"] = tenant.get(f"{path}?$select=keyCredentials")["keyCredentials"]
            for name in relationships:
                one[name] = tenant.get(f"{path}/{name}")["value"]
    for one in principals:
        asked = tenant.get(f"/beta/servicePrincipals/{one['id']}?$select=customSecurityAttributes")
        one["customSecurityAttributes"] = asked.get("customSecurityAttributes")
    policies = pages(tenant, "/beta/policies/appManagementPolicies")
    for policy in policies:
        policy["appliesTo"] = tenant.get(f"/beta/policies/appManagementPolicies/{policy['id']}/appliesTo")["value"]
    definitions = pages(tenant, "/directory/customSecurityAttributeDefinitions")
    for one in definitions:
        values = f"/directory/customSecurityAttributeDefinitions/{one['id']}/allowedValues"
        one["allowedValues"] = tenant.get(values)["value"]
    return {
        "unsecret": "export/1",
        "organization": tenant.get("/organization")["value"],
        "attributeSets": tenant.get("/directory/attributeSets")["value"],
        "customSecurityAttributeDefinitions": definitions,
        "certificateBasedApplicationConfigurations": tenant.get(TRUSTED)["value"],
        "users": pages(tenant, f"/users?$select={USER}"),
        "applications": applications,
        "servicePrincipals": principals,
        "policies": {
            "defaultAppManagementPolicy": tenant.get("/beta/policies/defaultAppManagementPolicy"),
            "appManagementPolicies": policies,
        },
        "oauth2PermissionGrants": permission_grants(tenant),
        "roleAssignments": tenant.get("/roleManagement/directory/roleAssignments")["value"],
    }


def permission_grants(tenant: LocalTenant) -> list[dict[str, Any]]:
    """As Graph shows them."""
    with tenant.store.read() as conn:
        kept = consent.list(conn, tenant.tenant_id, Query(top=100)).items
    return [
        {
            "id": one.id,
            "clientId": one.client_id,
            "consentType": one.consent_type,
            "principalId": one.principal_id,
            "resourceId": one.resource_id,
            "scope": one.scope,
        }
        for one in kept
    ]


TRUSTED = "/beta/directory/certificateAuthorities/certificateBasedApplicationConfigurations"
USER = "id,displayName,userPrincipalName,createdDateTime,accountEnabled,userType,mail,jobTitle,givenName,surname"


def compared(export: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By id, without each tenant's own administrator and without what is said of the request."""
    flat = {**export, **export["policies"]}
    del flat["policies"], flat["unsecret"]
    own = {one["appId"] for one in flat["applications"] if one["displayName"] == ADMINISTRATOR}
    return {
        name: {
            one["id"]: without_control_information(one)
            for one in (value if isinstance(value, list) else [value])
            if one.get("appId") not in own
        }
        for name, value in flat.items()
    }


def without_control_information(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_control_information(item) for name, item in value.items() if "@odata.context" not in name}
    if not isinstance(value, list):
        return value
    items = [without_control_information(item) for item in value]
    return (
        sorted(items, key=lambda item: item["id"])
        if items and isinstance(items[0], dict) and "id" in items[0]
        else items
    )


@pytest.fixture
def furnished(tenant: LocalTenant) -> LocalTenant:
    """A tenant with some of everything."""

    def make(conn) -> None:
        people = new_people("contoso.onmicrosoft.com")
        known = add_people(conn, tenant.tenant_id, people, digests_of(people), NOW - timedelta(days=500))
        add_sample(conn, tenant.tenant_id, NOW, known)

    tenant.store.write(make).result()
    app = tenant.new_application("furnished", notes="kept", web={"redirectUris": ["https://a.example/back"]})
    tenant.new_principal(app["appId"])
    tenant.must("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "a secret"}})
    federated = {
        "name": "from-ci",
        "issuer": "https://token.actions.example",
        "subject": "repo",
        "audiences": ["api://x"],
    }
    tenant.must("POST", f"/applications/{app['id']}/federatedIdentityCredentials", federated)
    policy = {
        "displayName": "exempt",
        "description": "for a while",
        "isEnabled": True,
        "restrictions": {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": "disabled"}]},
    }
    policy_id = tenant.must("POST", "/policies/appManagementPolicies", policy)["id"]
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{policy_id}"}
    tenant.must("POST", f"/applications/{app['id']}/appManagementPolicies/$ref", reference)
    values = [{"id": "legacy", "isActive": True}, {"id": "gone", "isActive": False}]
    tenant.define_attribute("Exemptions", "Reason", usePreDefinedValuesOnly=True, allowedValues=values)
    tenant.define_attribute("Exemptions", "Since", type="Integer", status="Deprecated")
    certificate = base64.b64encode(tenant.identity.facts.der).decode()
    authority = {"isRootAuthority": True, "certificate": certificate}
    trusted = tenant.must("POST", TRUSTED, {"displayName": "ours", "trustedCertificateAuthorities": [authority]})
    held = {
        "restrictionType": "trustedCertificateAuthority",
        "certificateBasedApplicationConfigurationIds": [trusted["id"]],
        "state": "enabled",
    }
    of_certificates = {"displayName": "of ours", "description": "by ours", "restrictions": {"keyCredentials": [held]}}
    tenant.must("POST", "/beta/policies/appManagementPolicies", of_certificates | {"isEnabled": True})
    workload = tenant.as_workload("Application.Read.All", Exemptions_Reason="legacy")
    tenant.must(
        "POST",
        f"/applications/{app['id']}/owners/$ref",
        {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{workload.principal.id}"},
    )
    consented = OAuth2PermissionGrant(
        id="consented",
        client_id=ObjectId(workload.principal.id),
        consent_type=ConsentType.ALL_PRINCIPALS,
        principal_id=None,
        resource_id=ObjectId(
            tenant.get("/servicePrincipals?$filter=displayName eq 'Microsoft Graph'")["value"][0]["id"]
        ),
        scope="User.Read openid",
    )
    tenant.store.write(lambda conn: consent.add(conn, tenant.tenant_id, consented)).result()
    tenant.block_secrets(max_lifetime="P90D")
    return tenant


def test_every_collection_is_the_same_again(furnished: LocalTenant, loading: Loader) -> None:
    export = exported(furnished)
    loaded = loading(export)

    before, after = compared(export), compared(exported(loaded))
    assert before.keys() == after.keys()
    for name, objects in before.items():
        assert len(objects) > 0, name
        assert after[name] == objects, name
    assert loaded.loaded is not None
    reasons = {why.rpartition(": ")[2] for why in loaded.loaded.skipped}
    assert reasons == {"it is the exported tenant's own administrator; this one has its own"}


def snapshot_taken(tenant: LocalTenant, path: Path) -> Path:
    with client_of(tenant, path.parent, InProcess(tenant)) as client:
        assert take(client, path, now=tenant.clock.now).not_known == ()
    return path


def rows_of(path: Path) -> dict[str, Counter[str]]:
    """Every table, with objects by their ids, without what is said of use: a copy has been used by nobody yet. Each
    tenant's own administrator is left out."""
    found: dict[str, Counter[str]] = {}
    with open_snapshot(path) as snapshot:
        for table in TABLES:
            if "object" not in table.columns:
                continue
            names = [name for name in table.columns if name not in ("object", "use", "app_use", "last_used_at")]
            columns = ", ".join(f't."{name}"' for name in names)
            rows = snapshot.database.execute(
                f"SELECT o.object_id, {columns} FROM {table.name} AS t JOIN objects AS o USING (object)"
                f" WHERE o.display_name <> '{ADMINISTRATOR}'"
            )
            found[table.name] = Counter(map(repr, rows.fetchall()))
    return found


def test_a_snapshot_fills_a_tenant_that_shows_the_same_snapshot(
    furnished: LocalTenant, loading: Loader, tmp_path: Path
) -> None:
    (principal,) = furnished.get("/servicePrincipals?$filter=displayName eq 'furnished'")["value"]
    role = furnished.get("/roleManagement/directory/roleDefinitions")["value"][0]
    held = {"principalId": principal["id"], "roleDefinitionId": role["id"], "directoryScopeId": "/"}
    furnished.must("POST", "/roleManagement/directory/roleAssignments", held)
    first = snapshot_taken(furnished, tmp_path / "first.snapshot")
    loaded = loading(first)
    second = snapshot_taken(loaded, tmp_path / "second.snapshot")

    before, after = rows_of(first), rows_of(second)
    for name, rows in before.items():
        assert rows, name
        assert after[name] == rows, name
    with open_snapshot(first) as was, open_snapshot(second) as now:
        assert now.default_policy == was.default_policy
        assert {one.id: one for one in now.custom_policies} == {one.id: one for one in was.custom_policies}


def test_it_is_enforced_as_it_was(furnished: LocalTenant, loading: Loader) -> None:
    loaded = loading(exported(furnished))

    assert loaded.tenant_id == furnished.tenant_id
    (app,) = pages(loaded, "/applications?$filter=displayName eq 'furnished'")
    other = loaded.new_application()
    too_long = {"passwordCredential": {"endDateTime": "2027-11-22T00:00:00Z"}}
    loaded.refused("POST", f"/applications/{other['id']}/addPassword", too_long, status=400)
    assert loaded.get(f"/applications/{app['id']}/appManagementPolicies")["value"][0]["displayName"] == "exempt"


def test_what_is_assigned_and_trusted_is_held_to_what_was_loaded(furnished: LocalTenant, loading: Loader) -> None:
    (trusted,) = furnished.get(TRUSTED)["value"]
    (authority,) = trusted["trustedCertificateAuthorities"]
    loaded = loading(exported(furnished))

    principal = loaded.new_principal(loaded.new_application()["appId"])
    inactive = {"Exemptions": {"@odata.type": "#microsoft.graph.customSecurityAttributeValue", "Reason": "gone"}}
    path = f"/servicePrincipals/{principal['id']}"
    error = loaded.refused("PATCH", path, {"customSecurityAttributes": inactive}, status=400)
    assert "'Exemptions_Reason' cannot be assigned" in error["message"]
    shown = f"{TRUSTED}/{trusted['id']}/trustedCertificateAuthorities/{authority['id']}"
    assert loaded.get(shown)["issuerSubjectKeyIdentifier"] == authority["issuerSubjectKeyIdentifier"]
    loaded.must("PATCH", shown, {"isRootAuthority": False})


def test_certificates_sign_in_and_secrets_do_not(furnished: LocalTenant, loading: Loader) -> None:
    workload = furnished.as_workload()
    app = furnished.new_application()
    furnished.new_principal(app["appId"])
    text = furnished.must("POST", f"/applications/{app['id']}/addPassword", SHORT)["secretText"]
    loaded = loading(exported(furnished))

    loaded.sign_in(workload.application.app_id)
    refusal = loaded.token_request(client_id=app["appId"], client_secret=text).json()
    assert refusal["error_codes"] == [7000215]


SHORT = {"passwordCredential": {"endDateTime": "2026-12-22T00:00:00Z"}}
GUID = "00000000-0000-4000-8000-00000000000{}".format
SECRET = {"keyId": GUID(9), "startDateTime": "2024-01-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"}


def application(number: int = 1, **members: Any) -> dict[str, Any]:
    return {"id": GUID(number), "appId": GUID(number + 4), "displayName": f"app {number}", **members}


def test_what_nobody_here_knows_is_kept(loading: Loader) -> None:
    loaded = loading({"applications": [application(somethingNew={"a": [1]}, createdDateTime="2019-03-01T00:00:00Z")]})
    shown = loaded.get(f"/applications/{GUID(1)}")
    assert (shown["somethingNew"], shown["createdDateTime"]) == ({"a": [1]}, "2019-03-01T00:00:00Z")


def test_who_is_not_in_the_export_is_skipped_and_said_to_be(loading: Loader) -> None:
    loaded = loading({"applications": [application(owners=[{"id": GUID(8)}])], "groups": []}).loaded
    assert loaded is not None
    assert loaded.counts == {"applications": 1}
    assert loaded.skipped == [
        "groups: nothing here keeps it",
        f"applications[0] (app 1): owner {GUID(8)}: that object is not in the export",
    ]


def test_an_attribute_of_a_set_that_is_not_in_the_export_is_skipped(loading: Loader) -> None:
    definition = {"attributeSet": "Project", "name": "Phase", "type": "String", "status": "Available"}
    loaded = loading({"applications": [], "customSecurityAttributeDefinitions": [definition]})
    assert loaded.loaded is not None
    assert loaded.loaded.skipped == [
        "customSecurityAttributeDefinitions[0]: the attribute set 'Project' is not in the export"
    ]
    assert loaded.get("/directory/customSecurityAttributeDefinitions")["value"] == []


SET, DEFINITION = "attributeSets", "customSecurityAttributeDefinitions"
LIST = "certificateBasedApplicationConfigurations"


@pytest.mark.parametrize(
    ("collection", "body", "said"),
    [
        (SET, {"id": "with_underscore"}, "letters and digits"),
        (SET, {"id": "A", "maxAttributesPerSet": "5"}, "whole number or null"),
        (DEFINITION, {"attributeSet": "A", "name": "B", "type": "Float", "status": "Available"}, "'type' is one of"),
        (DEFINITION, {"attributeSet": "A", "name": "B", "type": "String", "status": "Gone"}, "'status' is one of"),
        (LIST, {"id": GUID(1)}, "missing or empty"),
        (LIST, {"id": GUID(1), "trustedCertificateAuthorities": [{"id": "a", "isRootAuthority": True}]}, "certificate"),
        (LIST, {"trustedCertificateAuthorities": [{}]}, "trustedCertificateAuthorities[0].id"),
    ],
)
def test_what_exemptions_and_trust_rest_on_has_to_be_readable(
    loading: Loader, collection: str, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid) as refused:
        loading({"applications": [], collection: [body]})
    assert f"{collection}[0]" in refused.value.message
    assert said in refused.value.message


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_loaded(loading: Loader) -> None:
    wrong = {
        "applications": [
            application(1),
            application(1),
            application(2, passwordCredentials=[SECRET | {"endDateTime": "soon"}]),
            application(3, keyCredentials=[SECRET | {"type": "Quantum", "usage": "Verify"}]),
            {"displayName": "no id"},
            7,
        ],
        "servicePrincipals": [{"id": GUID(1), "appId": "x"}],
        "policies": {"defaultAppManagementPolicy": {"id": GUID(1), "isEnabled": "yes"}},
    }
    with pytest.raises(Invalid) as refused:
        loading(wrong)
    lines = refused.value.message.splitlines()
    assert "nothing of it was. 7 problems" in lines[0]
    beginnings = [line.strip().split(":")[0] for line in lines[1:]]
    assert beginnings == [
        "applications[1] (app 1)",
        "applications[2] (app 2)",
        "applications[3] (app 3)",
        "applications[4] (no id)",
        "applications[5]",
        "servicePrincipals[0]",
        "defaultAppManagementPolicy[0]",
    ]
