"""What the token endpoint serves, by `grant_type`: a module each.

A grant is handed what was asked and by whom, and gives back the body of the answer. It authenticates the client,
and it has its sign-in recorded before it returns; when it raises, the endpoint records that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from unsecret.tenant.grants import authorization_code, client_credentials, device_code, password, refresh_token
from unsecret.tenant.token_attempts import Asking
from unsecret.tenant.token_requests import Client

Form = Mapping[str, str]
Grant = Callable[[Asking, Form, Client], Awaitable[dict[str, Any]]]

GRANTS: dict[str, Grant] = {
    "client_credentials": client_credentials.issue,
    "authorization_code": authorization_code.issue,
    "refresh_token": refresh_token.issue,
    "password": password.issue,
    **dict.fromkeys(device_code.GRANT_TYPES, device_code.issue),
}
