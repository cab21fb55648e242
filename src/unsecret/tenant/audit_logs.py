"""/auditLogs: what was changed, what was refused, and who signed in."""

from __future__ import annotations

from starlette.responses import Response

from unsecret.errors import Invalid
from unsecret.model.query import And, AnyOf, Comparison, Filter, Not, Or
from unsecret.tenant.call import Call
from unsecret.tenant.directory_objects import Handler
from unsecret.tenant.use_cases import reading
from unsecret.wire.logs import audit_to_graph, sign_in_to_graph

LONGEST_PAGE = 1000


def list_audits(call: Call) -> Response:
    """GET /auditLogs/directoryAudits, newest first."""
    asked = call.asked(max_top=LONGEST_PAGE)
    page = call.read(reading.list_audits, asked.query)
    return call.page(page, lambda event: audit_to_graph(event, beta=call.beta), "auditLogs/directoryAudits", asked)


def get_audit(call: Call) -> Response:
    """GET /auditLogs/directoryAudits/{id}."""
    event = call.read(reading.get_audit, call.path("key"))
    return call.entity(audit_to_graph(event, beta=call.beta), "auditLogs/directoryAudits", select=call.asked().select)


def list_sign_ins(call: Call) -> Response:
    """GET /auditLogs/signIns, newest first."""
    asked = call.asked(max_top=LONGEST_PAGE)
    if not call.beta and "signineventtypes" in _properties(asked.query.filter):
        raise Invalid(
            "Could not find a property named 'signInEventTypes' on type 'microsoft.graph.signIn'. "
            "It is there on the beta endpoint."
        )
    page = call.read(reading.list_sign_ins, asked.query)
    return call.page(
        page,
        lambda sign_in: sign_in_to_graph(sign_in, tenant_id=call.caller.tenant_id, beta=call.beta),
        "auditLogs/signIns",
        asked,
    )


def get_sign_in(call: Call) -> Response:
    """GET /auditLogs/signIns/{id}."""
    sign_in = call.read(reading.get_sign_in, call.path("key"))
    body = sign_in_to_graph(sign_in, tenant_id=call.caller.tenant_id, beta=call.beta)
    return call.entity(body, "auditLogs/signIns", select=call.asked().select)


def _properties(condition: Filter | None) -> set[str]:
    """The case-folded names of all properties that a filter looks at."""
    match condition:
        case Comparison():
            return {condition.property.casefold()}
        case AnyOf():
            return {condition.collection.casefold()}
        case Not():
            return _properties(condition.part)
        case And() | Or():
            return set().union(*map(_properties, condition.parts))
        case _:
            return set()


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/auditLogs/directoryAudits", list_audits),
    ("GET", "/auditLogs/directoryAudits/{key}", get_audit),
    ("GET", "/auditLogs/signIns", list_sign_ins),
    ("GET", "/auditLogs/signIns/{key}", get_sign_in),
]
