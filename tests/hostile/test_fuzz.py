"""A short run of `make fuzz`: every operation is called a few times, always the same ones."""

from __future__ import annotations

import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.hostile.fuzzing import Fuzz
from tests.local_tenant import LocalTenant
from tests.witnesses import Noted
from unsecret.tenant.app import Tenant
from unsecret.tenant.routing import RouteIndex

pytestmark = pytest.mark.filterwarnings("ignore")  # of schemathesis, which cannot make up every header

ALIKE = "/v1.0/"
"""Almost every operation is there twice; `make fuzz` calls both."""


@pytest.fixture
def fuzz(tenant: LocalTenant):
    with tenant.client:
        yield Fuzz(tenant)


def test_no_made_up_call_makes_it_fail(fuzz: Fuzz) -> None:
    for operation in fuzz.operations:
        if not operation.path.startswith(ALIKE):
            fuzz.run(operation, examples=2, chance=1)
    assert fuzz.failures == {}
    assert fuzz.calls > 100


@pytest.mark.parametrize("path", ["/beta/applications", "/beta/policies/appManagementPolicies"])
def test_what_is_made_as_the_document_says_lives_and_is_gone_in_the_end(fuzz: Fuzz, path: str) -> None:
    making = next(one for one in fuzz.operations if (one.method, one.path) == ("post", path))
    fuzz.live(making, examples=3, chance=1)
    assert fuzz.failures == {}
    assert fuzz.statuses[201] > 1


@pytest.mark.parametrize(
    ("status", "body", "defect"),
    [
        (500, {"error": {"code": "a", "message": "b", "innerError": {}}}, "answered 500"),
        (418, {}, "418"),
        (400, {"error": "not as Graph says it"}, "schema"),
    ],
)
def test_what_is_not_as_the_document_says_is_found(fuzz: Fuzz, status: int, body: dict, defect: str) -> None:
    bad = Route("/v1.0/applications", lambda _request: JSONResponse(body, status), methods=["GET"])
    noted = fuzz.tenant.client.app
    assert isinstance(noted, Noted)
    app = noted.noted
    assert isinstance(app, Tenant)
    app.index = RouteIndex([bad, *(route for route in app.index.routes if isinstance(route, Route))])
    listing = next(one for one in fuzz.operations if (one.method, one.path) == ("get", "/v1.0/applications"))
    fuzz.run(listing, examples=1, chance=1)
    assert defect in "".join(fuzz.failures)
