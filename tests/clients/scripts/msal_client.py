"""Sign-in by MSAL for Python, unmodified."""

from __future__ import annotations

import base64
import json
from typing import Any

import msal
import requests
from calls import answer_calls


class Listening(requests.Session):
    """The HTTP session that MSAL would make itself; it also remembers the status and the assertion it carried."""

    status: int | None = None
    assertion_header: dict[str, Any] | None = None

    def post(self, url: str, data: Any = None, **options: Any) -> requests.Response:  # type: ignore[override]
        response = super().post(url, data=data, **options)
        self.status = response.status_code
        if "client_assertion" in data:
            header = data["client_assertion"].split(b".")[0]
            self.assertion_header = json.loads(base64.urlsafe_b64decode(header + b"=="))
        return response


def sign_in(authority: str, client_id: str, credential: Any, scope: str) -> dict[str, Any]:
    """MSAL's own answer, with the status and the assertion's header that were on the wire."""
    session = Listening()
    app = msal.ConfidentialClientApplication(
        client_id,
        client_credential=credential,
        authority=authority,
        instance_discovery=False,
        http_client=session,
    )
    result = app.acquire_token_for_client([scope])
    return {"result": result, "status": session.status, "assertion_header": session.assertion_header}


class Person:
    """A public client of MSAL's with its token cache, for one person in front of it."""

    def __init__(self, authority: str, client_id: str):
        self.app = msal.PublicClientApplication(client_id, authority=authority, instance_discovery=False)
        self.flow: dict[str, Any] = {}


people: dict[str, Person] = {}


def new_person(name: str, authority: str, client_id: str) -> None:
    """Make a client, which further calls speak of by `name`."""
    people[name] = Person(authority, client_id)


def begin_code_flow(name: str, scopes: list[str], redirect_uri: str) -> str:
    """The address that a browser must be sent to."""
    person = people[name]
    person.flow = person.app.initiate_auth_code_flow(scopes, redirect_uri=redirect_uri)
    return person.flow["auth_uri"]


def end_code_flow(name: str, answer: dict[str, str]) -> dict[str, Any]:
    """What MSAL makes of what the browser was sent back with."""
    person = people[name]
    return person.app.acquire_token_by_auth_code_flow(person.flow, answer)


def begin_device_flow(name: str, scopes: list[str]) -> dict[str, Any]:
    """The code to type, and where."""
    person = people[name]
    person.flow = person.app.initiate_device_flow(scopes)
    return {key: person.flow[key] for key in ("user_code", "verification_uri", "message")}


def end_device_flow(name: str) -> dict[str, Any]:
    """What MSAL hears once somebody has answered."""
    person = people[name]
    return person.app.acquire_token_by_device_flow(person.flow)


def by_password(name: str, username: str, password: str, scopes: list[str]) -> dict[str, Any]:
    """MSAL's own answer to a name and a password."""
    return people[name].app.acquire_token_by_username_password(username, password, scopes)


def silently(name: str, scopes: list[str], force_refresh: bool) -> dict[str, Any]:
    """A token for the one account in the cache, by the refresh token if that is forced."""
    person = people[name]
    (account,) = person.app.get_accounts()
    found = person.app.acquire_token_silent_with_error(scopes, account, force_refresh=force_refresh)
    return {"account": account, "result": found}


if __name__ == "__main__":
    answer_calls(
        sign_in, new_person, begin_code_flow, end_code_flow, begin_device_flow, end_device_flow, by_password, silently
    )
