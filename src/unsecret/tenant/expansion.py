"""`$expand` on applications and service principals: what hangs on an object, in the same answer.

https://learn.microsoft.com/en-us/graph/query-parameters#expand-parameter: of a relationship at most twenty are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unsecret.model.application import DirectoryObject, ObjectKind
from unsecret.tenant.app_role_assignments import grant_to_graph
from unsecret.tenant.call import Call
from unsecret.tenant.memberships import held_role_to_graph
from unsecret.tenant.use_cases import reading
from unsecret.wire import odata
from unsecret.wire.consent import permission_grant_to_graph
from unsecret.wire.directory import directory_object_to_graph
from unsecret.wire.federation import federated_credential_to_graph
from unsecret.wire.policies import policy_to_graph


def expanded(
    kind: ObjectKind,
    objects: Sequence[DirectoryObject],
    call: Call,
    asked: odata.Asked,
    encode: Callable[[DirectoryObject], dict[str, Any]],
) -> Callable[[DirectoryObject], dict[str, Any]]:
    """`encode`, with what `asked` wants of the relationships of `objects` besides."""
    if not asked.expand:
        return encode
    linked = call.read(reading.list_linked, kind, objects, asked.expand)

    def with_links(obj: DirectoryObject) -> dict[str, Any]:
        links = {
            name: [odata.select(_ENCODE[name](item, call), asked.within.get(name)) for item in items]
            for name, items in linked[obj.id].items()
        }
        return encode(obj) | links

    return with_links


_ENCODE: dict[str, Callable[[Any, Call], dict[str, Any]]] = {
    "owners": lambda owner, call: directory_object_to_graph(owner, beta=call.beta),
    "appManagementPolicies": lambda policy, call: policy_to_graph(policy, beta=call.beta),
    "federatedIdentityCredentials": lambda credential, call: federated_credential_to_graph(credential, beta=call.beta),
    "appRoleAssignments": lambda grant, _: grant_to_graph(grant),
    "appRoleAssignedTo": lambda grant, _: grant_to_graph(grant),
    "oauth2PermissionGrants": lambda grant, _: permission_grant_to_graph(grant),
    "memberOf": held_role_to_graph,
}
