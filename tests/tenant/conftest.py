"""Who signs in, and at what, in most tests of signing in."""

from __future__ import annotations

import pytest

from tests.local_tenant import LocalTenant
from tests.tenant.people import WebApp, new_person, new_web_app
from unsecret.model.people import User


@pytest.fixture
def ada(tenant: LocalTenant) -> User:
    """A person."""
    return new_person(tenant, "ada")


@pytest.fixture
def app(tenant: LocalTenant) -> WebApp:
    """An application on the web, with a secret."""
    return new_web_app(tenant)
