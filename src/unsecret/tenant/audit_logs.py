"""/auditLogs: what was changed, what was refused, and who signed in."""

from __future__ import annotations

from starlette.responses import Response

from unsecret.tenant.call import Call, Routes
from unsecret.tenant.use_cases import reading
from unsecret.wire import collections
from unsecret.wire.logs import audit_to_graph, sign_in_to_graph
from unsecret.wire.queryable import Collection


def list_audits(call: Call) -> Response:
    """GET /auditLogs/directoryAudits, newest first."""
    asked = call.asked(collections.DIRECTORY_AUDITS)
    page = call.read(reading.list_audits, asked.query)
    return call.page(page, lambda event: audit_to_graph(event, beta=call.beta), "auditLogs/directoryAudits", asked)


def get_audit(call: Call) -> Response:
    """GET /auditLogs/directoryAudits/{id}."""
    select = call.asked(collections.DIRECTORY_AUDITS).select
    event = call.read(reading.get_audit, call.path("key"))
    return call.entity(audit_to_graph(event, beta=call.beta), "auditLogs/directoryAudits", select=select)


def list_sign_ins(call: Call) -> Response:
    """GET /auditLogs/signIns, newest first. What tells one credential from another is shown by beta only."""
    asked = call.asked(_sign_ins(call))
    page = call.read(reading.list_sign_ins, asked.query)
    return call.page(
        page,
        lambda sign_in: sign_in_to_graph(sign_in, tenant_id=call.caller.tenant_id, beta=call.beta),
        "auditLogs/signIns",
        asked,
    )


def get_sign_in(call: Call) -> Response:
    """GET /auditLogs/signIns/{id}."""
    select = call.asked(_sign_ins(call)).select
    sign_in = call.read(reading.get_sign_in, call.path("key"))
    body = sign_in_to_graph(sign_in, tenant_id=call.caller.tenant_id, beta=call.beta)
    return call.entity(body, "auditLogs/signIns", select=select)


def _sign_ins(call: Call) -> Collection:
    return collections.BETA_SIGN_INS if call.beta else collections.SIGN_INS


ROUTES: Routes = [
    ("GET", "/auditLogs/directoryAudits", list_audits),
    ("GET", "/auditLogs/directoryAudits/{key}", get_audit),
    ("GET", "/auditLogs/signIns", list_sign_ins),
    ("GET", "/auditLogs/signIns/{key}", get_sign_in),
]
