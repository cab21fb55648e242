"""Every spelling of an address that real clients send leads to the same place."""

from __future__ import annotations

import pytest

from unsecret.tenant.paths import canonical_path, tenant_in

TENANT = "aaaaaaaa-0000-4000-8000-00000000000a"
WORDS: dict[str, str] = {
    word.casefold(): word
    for word in (
        "applications",
        "auditLogs",
        "directoryAudits",
        "addPassword",
        "owners",
        "$ref",
        "appManagementPolicies",
    )
}


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("/v1.0/applications", "/v1.0/applications"),
        ("/v1.0//applications", "/v1.0/applications"),
        ("/v1.0/myorganization/applications", "/v1.0/applications"),
        (f"/v1.0/{TENANT}/applications", "/v1.0/applications"),
        (f"//beta//{TENANT}//applications/x", "/beta/applications/x"),
        (f"/v1.0/applications/{TENANT}/owners", f"/v1.0/applications/{TENANT}/owners"),
        ("/v1.0/applications/x/graph.addPassword", "/v1.0/applications/x/addPassword"),
        ("/Beta/AuditLogs/directoryaudits", "/beta/auditLogs/directoryAudits"),
        ("/v1.0/applications(appId='A-1')/owners", "/v1.0/applications/appId=A-1/owners"),
        ("/v1.0/applications('id-1')", "/v1.0/applications/id-1"),
        ("/v1.0/applications/", "/v1.0/applications"),
        ("/v1.0/applications(uniqueName='it''s')", "/v1.0/applications/uniqueName=it's"),
        ("/v1.0/applications/x/microsoft.graph.addPassword", "/v1.0/applications/x/addPassword"),
        ("/v1.0/applications/x/APPMANAGEMENTPOLICIES/$ref", "/v1.0/applications/x/appManagementPolicies/$ref"),
        ("/v1.0/applications(appId=unquoted)", "/v1.0/applications(appId=unquoted)"),
        ("/TENANT/oauth2/v2.0/token", "/TENANT/oauth2/v2.0/token"),
        ("//metadata//endpoints", "/metadata/endpoints"),
        ("/", "/"),
    ],
)
def test_a_path_is_respelled_as_the_route_table_has_it(sent: str, canonical: str) -> None:
    assert canonical_path(sent, WORDS) == canonical


def test_an_identifier_keeps_its_case() -> None:
    assert canonical_path("/v1.0/applications/AbC", WORDS) == "/v1.0/applications/AbC"


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (f"/v1.0/{TENANT.upper()}/applications", TENANT),
        (f"//beta//{TENANT}", TENANT),
        ("/v1.0/applications", None),
        (f"/v1.0/applications/{TENANT}", None),
        (f"/{TENANT}/oauth2/token", None),
        ("/", None),
    ],
)
def test_a_path_may_name_its_tenant(sent: str, named: str | None) -> None:
    assert tenant_in(sent) == named
