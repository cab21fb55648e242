"""ScubaGear's export of a tenant (ProviderSettingsExport.json, or ScubaResults.json around it) as Graph's collections.

Of applications ScubaGear exports those that it deems risky, each once for its application and its service principal,
and of their keys neither type nor usage. https://github.com/cisagov/ScubaGear
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unsecret.model.snapshot import APPLICATIONS, CUSTOM_POLICIES, DEFAULT_POLICY, SERVICE_PRINCIPALS
from unsecret.wire.powershell import as_graph

NOT_ALL = "ScubaGear exports only those that it deems risky"
"""Why its applications and service principals are not all there are."""

_SIGNS = frozenset({"risky_applications", "risky_third_party_service_principals", "tenant_details", "baseline_version"})
_DIRECT = {"default_app_management_policy": DEFAULT_POLICY, "app_management_policies": CUSTOM_POLICIES}
_KEY = {"type": "AsymmetricX509Cert", "usage": "Verify"}
"""What nearly all keys are, and what is taken for the type and usage that the export does not say."""

_FEDERATED = "federatedIdentityCredentials"


def is_scubagear(members: Mapping[str, Any]) -> bool:
    """Whether a file with these members is such an export."""
    return "Raw" in members or not _SIGNS.isdisjoint(members)


def collections_of(export: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Collection → its objects; only what was exported. Raises Invalid."""
    raw = export.get("Raw", export)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, collection in _DIRECT.items():
        if name in raw:
            found[collection] = [as_graph(one) for one in _listed(raw[name])]
    for one in _listed(raw.get("tenant_details")):
        found["organization"] = [_organization(as_graph(one))]
    if "risky_applications" in raw:
        applications, principals = found.setdefault(APPLICATIONS, []), found.setdefault(SERVICE_PRINCIPALS, [])
        for one in _listed(raw["risky_applications"]):
            for kind, half in _halves(as_graph(one)):
                (applications if kind == "application" else principals).append(half)
    for one in _listed(raw.get("risky_third_party_service_principals")):
        found.setdefault(SERVICE_PRINCIPALS, []).extend(
            half for kind, half in _halves(as_graph(one)) if kind == "servicePrincipal"
        )
    return found


def _listed(value: Any) -> list[Any]:
    """PowerShell writes a list of one as that one, and one of none as null."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _organization(details: dict[str, Any]) -> dict[str, Any]:
    more = details.get("aADAdditionalData")
    return {
        "id": details.get("tenantId"),
        "displayName": details.get("displayName"),
        "createdDateTime": more.get("createdDateTime") if isinstance(more, dict) else None,
        "verifiedDomains": more.get("verifiedDomains", []) if isinstance(more, dict) else [],
    }


def _halves(one: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The application and the service principal that an entry stands for, each with its own credentials."""
    ids = one.pop("objectId", None)
    if not isinstance(ids, dict):
        ids = {"servicePrincipal": ids or one.get("id")}
    federated = one.pop("federatedCredentials", None) or one.pop(_FEDERATED, None) or []
    if one.get("isMultiTenantEnabled") is not None:
        one["signInAudience"] = "AzureADMultipleOrgs" if one["isMultiTenantEnabled"] else "AzureADMyOrg"
    keys = [_KEY | key for key in _listed(one.get("keyCredentials"))]
    for kind, from_application in (("application", True), ("servicePrincipal", False)):
        if ids.get(kind):
            yield (
                kind,
                one
                | {
                    "id": ids[kind],
                    "passwordCredentials": _own(_listed(one.get("passwordCredentials")), from_application),
                    "keyCredentials": _own(keys, from_application),
                    _FEDERATED: federated if from_application else [],
                },
            )


def _own(credentials: list[dict[str, Any]], from_application: bool) -> list[dict[str, Any]]:
    return [one for one in credentials if one.get("isFromApplication") in (from_application, None)]
