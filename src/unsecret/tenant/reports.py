"""/reports (beta): when credentials and applications were last used."""

from __future__ import annotations

from starlette.responses import Response

from unsecret.tenant.call import Call, Routes
from unsecret.tenant.use_cases import reports
from unsecret.wire import collections
from unsecret.wire.activity import credential_activity_to_graph, principal_activity_to_graph

_CREDENTIALS, _PRINCIPALS = "reports/appCredentialSignInActivities", "reports/servicePrincipalSignInActivities"


def list_credential_activities(call: Call) -> Response:
    """GET /reports/appCredentialSignInActivities: the credentials that were used, and when last."""
    asked = call.asked(collections.APP_CREDENTIAL_SIGN_IN_ACTIVITIES)
    page = call.read(reports.list_credential_activities, asked.query)
    return call.page(page, credential_activity_to_graph, _CREDENTIALS, asked)


def get_credential_activity(call: Call) -> Response:
    """GET /reports/appCredentialSignInActivities/{id}: one of them."""
    select = call.asked(collections.APP_CREDENTIAL_SIGN_IN_ACTIVITIES).select
    activity = call.read(reports.get_credential_activity, call.path("key"))
    return call.entity(credential_activity_to_graph(activity), _CREDENTIALS, select=select)


def list_principal_activities(call: Call) -> Response:
    """GET /reports/servicePrincipalSignInActivities: the applications that signed in or were signed in to."""
    asked = call.asked(collections.SERVICE_PRINCIPAL_SIGN_IN_ACTIVITIES)
    page = call.read(reports.list_principal_activities, asked.query)
    return call.page(page, principal_activity_to_graph, _PRINCIPALS, asked)


def get_principal_activity(call: Call) -> Response:
    """GET /reports/servicePrincipalSignInActivities/{id}: one of them."""
    select = call.asked(collections.SERVICE_PRINCIPAL_SIGN_IN_ACTIVITIES).select
    activity = call.read(reports.get_principal_activity, call.path("key"))
    return call.entity(principal_activity_to_graph(activity), _PRINCIPALS, select=select)


BETA_ROUTES: Routes = [
    ("GET", f"/{_CREDENTIALS}", list_credential_activities),
    ("GET", f"/{_CREDENTIALS}/{{key}}", get_credential_activity),
    ("GET", f"/{_PRINCIPALS}", list_principal_activities),
    ("GET", f"/{_PRINCIPALS}/{{key}}", get_principal_activity),
]
