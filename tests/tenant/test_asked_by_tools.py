"""What the tools of administrators send, as their sources have it, and what Graph is known to answer: CIPP, Maester,
Microsoft's scripts for identifier URIs, Microsoft365DSC, ScubaGear, Zero Trust Assessment, Graph PowerShell.

One row is one request to one scene, which no row changes for another. `{name}` is the id of something in the scene.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests import databases
from tests.local_tenant import BASE, Identity, LocalTenant
from tests.tenant.scene import Scene
from unsecret.model.identifiers import GRAPH_APP_ID, PolicyId
from unsecret.model.policy import AppManagementPolicy, Restriction, RestrictionKind, RestrictionState
from unsecret.store import policies
from unsecret.tenant.signing import SigningKeys

DEFAULT = "/policies/defaultAppManagementPolicy"
CUSTOM = "/policies/appManagementPolicies"


@pytest.fixture(scope="module")
def scene(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, identity: Identity, signing: SigningKeys
) -> Iterator[Scene]:
    with databases.copied(migrated, tmp_path_factory.mktemp("tools")) as directory:
        tenant = LocalTenant(directory, identity, signing)
        app = tenant.new_application("bound")
        principal = tenant.new_principal(app["appId"])
        ids = {"app": app["id"], "appId": app["appId"], "principal": principal["id"], "tenant": tenant.tenant_id}
        for name in ("policy", "other"):
            body = {"displayName": name, "description": name, "isEnabled": True, "restrictions": {}}
            ids[name] = tenant.must("POST", CUSTOM, body)["id"]
        tenant.must("POST", f"/applications/{app['id']}/appManagementPolicies/$ref", _link(ids["policy"]))
        ids["graph"] = tenant.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id")["id"]
        yield Scene(tenant, ids)
        tenant.close()


def _link(policy_id: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/beta/policies/appManagementPolicies/{policy_id}"}


def _entry(**members: Any) -> dict[str, Any]:
    return {"applicationRestrictions": {"passwordCredentials": [members]}}


def _exemption(*keys: dict[str, Any], **members: Any) -> dict[str, Any]:
    """As CIPP makes it."""
    off = {"state": "disabled", "restrictForAppsCreatedAfterDateTime": "0001-01-01T00:00:00Z"}
    passwords = [{"restrictionType": kind, **off} for kind in ("passwordAddition", "symmetricKeyAddition")]
    restrictions = {"passwordCredentials": passwords, "keyCredentials": [{**off, **key} for key in keys]}
    named = {"displayName": "Exemption Policy", "description": "Allows it", "isEnabled": True}
    return {**named, "restrictions": restrictions, **members}


NO_ROLE = "00000000-0000-0000-0000-000000000000"
CERTIFICATE = {"restrictionType": "asymmetricKeyLifetime"}
UNIQUE = "Request_MultipleObjectsWithSameKeyValue"


class Refused(Struct, frozen=True, kw_only=True):
    """`by` is who sends so; `says` begins the message, `target` is where."""

    by: str
    method: str
    path: str
    body: Any
    says: str
    status: int = 400
    code: str = "Request_BadRequest"
    target: str | None = None


REFUSED = (
    Refused(
        by="Microsoft365DSC, names as in its own language",
        method="PATCH",
        path=f"/beta{DEFAULT}",
        body={"ApplicationRestrictions": {"passwordCredentials": []}},
        says="Invalid property 'ApplicationRestrictions'.",
        target="ApplicationRestrictions",
    ),
    Refused(
        by="Microsoft365DSC, a name within",
        method="PATCH",
        path="/applications/{app}",
        body={"requiredResourceAccess": [{"resourceAppId": "{appId}", "ResourceAccess": []}]},
        says="Invalid property 'ResourceAccess'.",
        target="requiredResourceAccess[0].ResourceAccess",
    ),
    Refused(
        by="Microsoft365DSC, a date as Windows PowerShell writes it",
        method="PATCH",
        path=f"/beta{DEFAULT}",
        body=_entry(
            restrictionType="passwordAddition",
            state="enabled",
            restrictForAppsCreatedAfterDateTime="/Date(1770634800000)/",
        ),
        says="Invalid datetime value: /Date(1770634800000)/.",
        target="applicationRestrictions.passwordCredentials[0].restrictForAppsCreatedAfterDateTime",
    ),
    Refused(
        by="CIPP, twice",
        method="POST",
        path="/beta/applications/{app}/appManagementPolicies/$ref",
        body=_link("{policy}"),
        says="One or more added object references already exist for the following modified properties: "
        "'appManagementPolicies'.",
    ),
    Refused(
        by="scripts that replace what they did not take off",
        method="POST",
        path="/applications/{app}/appManagementPolicies/$ref",
        body=_link("{other}"),
        says="Request contains property changes that would result in property-uniqueness violation(s).",
        code=UNIQUE,
    ),
    Refused(
        by="CIPP, before it gave a lifetime to what is disabled",
        method="POST",
        path=CUSTOM,
        body=_exemption(CERTIFICATE),
        says="Property 'maxLifetime' is required for asymmetricKeyLifetime",
        target="maxLifetime",
    ),
    Refused(
        by="the same, as a change",
        method="PATCH",
        path=f"{CUSTOM}/{{other}}",
        body={"restrictions": {"keyCredentials": [{**CERTIFICATE, "state": "disabled", "maxLifetime": None}]}},
        says="Property 'maxLifetime' is required for asymmetricKeyLifetime",
        target="maxLifetime",
    ),
    Refused(
        by="Microsoft's scripts, before they cut names",
        method="PATCH",
        path=f"{CUSTOM}/{{other}}",
        body={"displayName": "x" * 257},
        says="The string for property 'displayName' is longer than 256 characters.",
        target="displayName",
    ),
    Refused(
        by="Ansible, a secret with a name of its own",
        method="POST",
        path="/applications",
        body={"displayName": "new", "passwordCredentials": [{"keyId": "{policy}", "displayName": "first"}]},
        says="The property KeyId is not supported for Create Application flow.",
        target="passwordCredentials",
    ),
    Refused(
        by="Ansible, a secret of its own",
        method="POST",
        path="/applications",
        body={"displayName": "new", "passwordCredentials": [{"secretText": "chosen-by-me"}]},
        says="New password credentials must be generated using service actions.",
        target="passwordCredentials",
    ),
    *(
        Refused(
            by=f"Ansible, a secret by PATCH of {collection}",
            method="PATCH",
            path=f"/{collection}/{{{name}}}",
            body={"passwordCredentials": [{"displayName": "new"}]},
            says="New password credentials must be generated using service actions.",
            target="passwordCredentials",
        )
        for collection, name in (("applications", "app"), ("servicePrincipals", "principal"))
    ),
    Refused(
        by="Terraform and bicep, before the principal is everywhere",
        method="POST",
        path="/servicePrincipals/{principal}/appRoleAssignedTo",
        body={"principalId": "{policy}", "resourceId": "{principal}", "appRoleId": NO_ROLE},
        says="Not a valid reference update.",
    ),
    Refused(
        by="bicep, before the resource is",
        method="POST",
        path="/servicePrincipals/{principal}/appRoleAssignments",
        body={"principalId": "{principal}", "resourceId": "{policy}", "appRoleId": NO_ROLE},
        says="Not a valid reference update.",
    ),
    Refused(
        by="who mistakes the two ends",
        method="POST",
        path="/servicePrincipals/{graph}/appRoleAssignments",
        body={"principalId": "{principal}", "resourceId": "{graph}", "appRoleId": NO_ROLE},
        says="Not a valid reference update.",
    ),
    Refused(
        by="scripts that take the role's id for the assignment's",
        method="DELETE",
        path="/servicePrincipals/{principal}/appRoleAssignments/{policy}",
        body=None,
        says="Invalid resource identifier for EntitlementGrant.",
    ),
    Refused(
        by="Graph Explorer, a method that is not there",
        method="PUT",
        path="/applications/{app}",
        body={},
        says="Specified HTTP method is not allowed for the request target.",
        status=405,
    ),
)


@pytest.mark.parametrize("refused", REFUSED, ids=lambda row: row.by)
def test_what_graph_refuses_is_refused_in_its_words(scene: Scene, refused: Refused) -> None:
    body, path = scene.named(refused.body), scene.named(refused.path)
    error = scene.tenant.refused(refused.method, path, body, status=refused.status)
    assert error["code"] == refused.code
    assert error["message"].startswith(refused.says), error
    assert refused.target in [None, *(detail["target"] for detail in error.get("details", []))]


def test_an_exemption_is_made_changed_and_taken_back(scene: Scene) -> None:
    """Each body as CIPP, Microsoft365DSC and Microsoft's scripts send it."""
    tenant = scene.tenant
    made = tenant.must("POST", CUSTOM, _exemption({**CERTIFICATE, "maxLifetime": "P730D"}))
    shown = made["restrictions"]["keyCredentials"][0]
    assert (shown["maxLifetime"], shown["state"]) == ("P730D", "disabled")
    (dsc,) = [
        {**shown, "maxLifetime": "P30DT0H0M0S", "restrictForAppsCreatedAfterDateTime": "2024-01-01T00:00:00.0000000"}
    ]
    whole = {**made, "restrictions": {**made["restrictions"], "keyCredentials": [dsc]}}
    tenant.must("PATCH", f"/beta{CUSTOM}/{made['id']}", whole)
    assert tenant.get(f"{CUSTOM}/{made['id']}")["restrictions"]["keyCredentials"][0]["maxLifetime"] == "P30D"
    tenant.must("DELETE", f"{CUSTOM}/{made['id']}")


def test_a_disabled_lifetime_that_was_kept_without_a_measure_is_taken_back(scene: Scene) -> None:
    """Whoever reads it and writes it back changes nothing: an older version took it, and so may Graph have done."""
    kept = Restriction(kind=RestrictionKind.ASYMMETRIC_KEY_LIFETIME, state=RestrictionState.DISABLED)
    policy = AppManagementPolicy(
        id=PolicyId(str(uuid.uuid4())), display_name="old", description="old", restrictions=(kept,)
    )
    scene.tenant.store.write(lambda conn: policies.add_policy(conn, scene.tenant.tenant_id, policy)).result()
    path = f"{CUSTOM}/{policy.id}"
    scene.tenant.must("PATCH", path, scene.tenant.get(path))
    error = scene.tenant.refused("POST", CUSTOM, _exemption(CERTIFICATE), status=400)
    assert error["details"][0]["target"] == "maxLifetime"


def test_a_policy_tells_what_it_applies_to_in_the_same_answer(scene: Scene) -> None:
    """As Graph's SDKs can ask (`$expand`), and programs that map policies to applications do."""
    tenant = scene.tenant
    listed = tenant.get(f"{CUSTOM}?$expand=appliesTo($select=id,displayName)&$select=id")
    assert listed["@odata.context"].endswith("$metadata#policies/appManagementPolicies(id,appliesTo(id,displayName))")
    bound = {policy["id"]: policy["appliesTo"] for policy in listed["value"]}
    kind = "#microsoft.graph.application"
    assert bound[scene.ids["policy"]] == [{"@odata.type": kind, "id": scene.ids["app"], "displayName": "bound"}]
    assert bound[scene.ids["other"]] == []
    one = tenant.get(f"/beta{CUSTOM}/{scene.ids['policy']}?$expand=appliesTo")
    assert (one["displayName"], one["appliesTo"][0]["appId"]) == ("policy", scene.ids["appId"])
    reader = tenant.as_workload("Policy.Read.All")
    tenant.get(CUSTOM, token=reader.token)
    tenant.refused("GET", f"{CUSTOM}?$expand=appliesTo", status=403, token=reader.token)
    tenant.refused("GET", f"/applications/{scene.ids['app']}/appManagementPolicies?$expand=appliesTo", status=400)


def test_the_address_of_an_assigned_policy_is_told(scene: Scene) -> None:
    """Get-MgApplicationAppManagementPolicyByRef."""
    told = scene.tenant.get(f"/applications/{scene.ids['app']}/appManagementPolicies/$ref")
    root = f"{BASE}/v2/{scene.ids['tenant']}"
    assert told["@odata.context"] == f"{BASE}/v1.0/$metadata#Collection($ref)"
    assert told["value"] == [{"@odata.id": f"{root}/appManagementPolicies/{scene.ids['policy']}"}]
    assert scene.tenant.get(f"/servicePrincipals/{scene.ids['principal']}/appManagementPolicies/$ref")["value"] == []


def test_a_batch_of_requests_that_were_counted_is_answered(scene: Scene) -> None:
    """Maester and EntraExporter number their requests, and leave out the first slash."""
    urls = ("policies/defaultAppManagementPolicy", "applications/{app}?$select=id")
    eventual = {"ConsistencyLevel": "eventual"}
    steps = [
        {"id": number, "method": "GET", "url": scene.named(url), "headers": eventual} for number, url in enumerate(urls)
    ]
    answers = scene.tenant.must("POST", "/$batch", {"requests": steps})["responses"]
    assert [(answer["id"], answer["status"]) for answer in answers] == [("0", 200), ("1", 200)]
    assert answers[1]["body"]["id"] == scene.ids["app"]


BETA_ONLY = {
    "isAuthorizationServiceEnabled": False,
    "isManagementRestricted": None,
    "oauth2RequirePostResponse": False,
    "orgRestrictions": [],
    "windows": None,
}


def test_beta_shows_more_of_an_application(scene: Scene) -> None:
    """What the Zero Trust Assessment has columns for; whoever sends it back changes nothing."""
    path = f"/applications/{scene.ids['app']}"
    v1, beta = scene.tenant.get(path), scene.tenant.get(f"/beta{path}")
    assert {name: value for name, value in beta.items() if name not in v1} == BETA_ONLY
    listed = scene.tenant.get("/beta/applications?$expand=owners&$top=999")["value"]
    assert all(BETA_ONLY.items() <= {**app, "orgRestrictions": app["orgRestrictions"]}.items() for app in listed)
    scene.tenant.must("PATCH", f"/beta{path}", BETA_ONLY)
    scene.tenant.refused("PATCH", f"/beta{path}", {"isManagementRestricted": True}, status=400)


BETA_ONLY_OF_PRINCIPALS = {
    "api": {"resourceSpecificApplicationPermissions": []},
    "errorUrl": None,
    "isAuthorizationServiceEnabled": False,
    "preferredTokenSigningKeyEndDateTime": None,
    "samlMetadataUrl": None,
}


def test_beta_shows_more_of_a_service_principal(scene: Scene) -> None:
    path = f"/servicePrincipals/{scene.ids['principal']}"
    v1, beta = scene.tenant.get(path), scene.tenant.get(f"/beta{path}")
    more = {name: value for name, value in beta.items() if name not in v1}
    assert more == {**BETA_ONLY_OF_PRINCIPALS, "publishedPermissionScopes": []}
    assert scene.tenant.get(f"/beta{path}?$select=samlMetadataUrl,api")["api"] == more["api"]
    scene.tenant.must("PATCH", f"/beta{path}", BETA_ONLY_OF_PRINCIPALS)
    scene.tenant.refused("PATCH", f"/beta{path}", {"errorUrl": "https://elsewhere.test"}, status=400)


def test_any_object_shows_what_is_selected(scene: Scene) -> None:
    for name, kind in (("app", "application"), ("principal", "servicePrincipal")):
        shown = scene.tenant.get(f"/directoryObjects/{scene.ids[name]}?$select=id,displayName")
        assert shown.pop("@odata.context").endswith("$metadata#directoryObjects(id,displayName)/$entity")
        assert shown == {"@odata.type": f"#microsoft.graph.{kind}", "id": scene.ids[name], "displayName": "bound"}


BEHAVIORS = {
    "blockAzureADGraphAccess": False,
    "removeUnverifiedEmailClaim": True,
    "requireClientServicePrincipal": None,
}


def test_how_an_application_signs_in_is_changed_at_an_address_of_its_own(scene: Scene) -> None:
    """As Microsoft's page about `authenticationBehaviors` has it, in beta."""
    path = f"/beta/applications/{scene.ids['app']}/authenticationBehaviors"
    assert scene.tenant.graph("GET", path).status_code == 204
    scene.tenant.must("PATCH", path, {"removeUnverifiedEmailClaim": True})
    scene.tenant.must("PATCH", path, {"blockAzureADGraphAccess": False})
    told = scene.tenant.get(path)
    assert told.pop("@odata.context").endswith(f"/$metadata#applications('{scene.ids['app']}')/authenticationBehaviors")
    assert told == BEHAVIORS
    scene.tenant.refused("PATCH", path, {"somethingElse": True}, status=400)


def test_an_object_by_its_path_shows_its_members_beside_the_context(scene: Scene) -> None:
    told = scene.tenant.get(f"/applications/{scene.ids['app']}/web")
    assert "redirectUris" in told
    assert "value" not in told
    assert scene.tenant.get(f"/applications/{scene.ids['app']}/identifierUris")["value"] == []


@pytest.mark.parametrize("kind", ["application", "servicePrincipal", "user"])
def test_what_was_deleted_is_shown_as_what_it_was(scene: Scene, kind: str) -> None:
    """Get-MgDirectoryDeletedItemAsApplication and its siblings."""
    tenant = scene.tenant
    app = tenant.new_application("gone")
    gone = {
        "application": f"/applications/{app['id']}",
        "servicePrincipal": f"/servicePrincipals/{tenant.new_principal(app['appId'])['id']}",
        "user": f"/users/{tenant.as_person().user.id}",
    }[kind]
    tenant.must("DELETE", gone)
    path = f"/directory/deletedItems/{gone.rpartition('/')[2]}"
    told = tenant.get(f"{path}/microsoft.graph.{kind}?$select=id,deletedDateTime")
    assert told["@odata.context"].endswith(f"#{kind}s(id,deletedDateTime)/$entity")
    assert (told["id"], bool(told["deletedDateTime"])) == (gone.rpartition("/")[2], True)
    assert tenant.get(f"{path}/graph.{kind}")["displayName"] == tenant.get(path)["displayName"]
    other = "user" if kind == "application" else "application"
    tenant.refused("GET", f"{path}/microsoft.graph.{other}", status=404)


PRIVILEGED = (
    "/beta/roleManagement/directory/roleDefinitions?$filter=isPrivileged eq true&$select=displayName,isPrivileged"
)


def test_beta_tells_which_roles_are_privileged(scene: Scene) -> None:
    """Maester and the Zero Trust Assessment ask for them."""
    roles = scene.tenant.get(PRIVILEGED)["value"]
    assert {"displayName": "Application Administrator", "isPrivileged": True} in roles
    assert "Reports Reader" not in [role["displayName"] for role in roles]
    assert "isPrivileged" not in scene.tenant.get("/roleManagement/directory/roleDefinitions")["value"][0]


NOBODYS = {
    "assignedLicenses": [],
    "authorizationInfo": {"certificateUserIds": []},
    "employeeOrgData": None,
    "externalUserStateChangeDateTime": None,
    "isLicenseReconciliationNeeded": False,
    "onPremisesImmutableId": None,
    "serviceProvisioningErrors": [],
}


def test_what_nobody_here_has_is_shown_as_none_when_it_is_selected(scene: Scene) -> None:
    """The Zero Trust Assessment selects every property of people that there is."""
    user = scene.tenant.as_person().user
    every = ",".join([*NOBODYS, "onPremisesExtensionAttributes", "OnPremisesSipInfo", "refreshTokensValidFromDateTime"])
    for path in (f"/users/{user.id}", f"/beta/users/{user.id}"):
        shown = scene.tenant.get(f"{path}?$select={every}")
        assert set(shown["onPremisesExtensionAttributes"].values()) == {None}
        assert len(shown["onPremisesExtensionAttributes"]) == 15
        assert {name: shown[name] for name in NOBODYS} == NOBODYS
    listed = scene.tenant.get("/users?$select=ID,ASSIGNEDLICENSES&$top=1")["value"][0]
    assert listed["assignedLicenses"] == []


def test_the_security_identifier_of_a_person_is_their_id(scene: Scene) -> None:
    user = scene.tenant.as_person().user
    numbers = scene.tenant.get(f"/users/{user.id}?$select=securityIdentifier")["securityIdentifier"].split("-")
    assert numbers[:4] == ["S", "1", "12", "1"]
    parts = b"".join(int(number).to_bytes(4, "little") for number in numbers[4:])
    assert str(uuid.UUID(bytes_le=parts)) == user.id
