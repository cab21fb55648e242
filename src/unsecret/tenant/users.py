"""/users, and /me for who is signed in."""

from __future__ import annotations

import asyncio
from functools import cache, partial
from typing import Any

from starlette.responses import Response

from unsecret.model.application import ObjectKind
from unsecret.model.people import AnyObject, User
from unsecret.model.query import Page, Query
from unsecret.tenant import passwords
from unsecret.tenant.call import Call, Routes, no_content
from unsecret.tenant.counting import counted
from unsecret.tenant.description import described
from unsecret.tenant.relationships import owned_objects
from unsecret.tenant.use_cases import people
from unsecret.wire import collections, json_schemas, odata
from unsecret.wire.users import UserBody, user_from_graph, user_to_graph

_ATTRIBUTES = "customSecurityAttributes"


def _shows_attributes(select: odata.Names) -> bool:
    return _ATTRIBUTES in (select or ())


def _encode(user: User, select: odata.Names) -> dict[str, Any]:
    return user_to_graph(user, selected=select, with_attributes=_shows_attributes(select))


def list_users(call: Call) -> Response:
    """GET /users: the people of the tenant."""
    asked = call.asked(collections.USERS)
    page = call.read(people.list_users, asked.query, with_attributes=_shows_attributes(asked.select))
    return call.page(page, lambda user: _encode(user, asked.select), "users", asked)


def get_user(call: Call) -> Response:
    """GET /users/{id}: one of them, by id or userPrincipalName."""
    select = call.asked(collections.USERS).select
    user = call.read(people.get_user, call.path("key"), with_attributes=_shows_attributes(select))
    return call.entity(_encode(user, select), "users", select=select)


def get_me(call: Call) -> Response:
    """GET /me: who is signed in."""
    select = call.asked(collections.USERS).select
    user = call.read(people.get_me, with_attributes=_shows_attributes(select))
    return call.entity(_encode(user, select), "users", select=select)


@described(201, takes=json_schemas.NEW_USER)
async def create_user(call: Call) -> Response:
    """POST /users: somebody new, with a password that is not shown again."""
    reading = partial(await call.reading(user_from_graph), existing=None)
    digest = await _digest(call.read(people.password_of_new, reading))
    user = await call.write(people.create_user, reading, digest)
    return call.made(user_to_graph(user), "users", "User")


@described(204, takes=json_schemas.USER)
async def update_user(call: Call) -> Response:
    """PATCH /users/{id}: change somebody; `passwordProfile` sets a new password."""
    decode = await call.reading(user_from_graph)

    def reading(existing: User) -> UserBody:
        return decode(existing=existing)

    digest = await _digest(call.read(people.new_password_of, call.path("key"), reading))
    await call.write(people.update_user, call.path("key"), reading, digest)
    return no_content()


async def delete_user(call: Call) -> Response:
    """DELETE /users/{id}: let somebody go. They can be restored for 30 days."""
    await call.write(people.delete_user, call.path("key"))
    return no_content()


async def _digest(password: str | None) -> people.Digest:
    """Made beside the event loop, for which nobody else should wait, and not made for who may not have it: it costs
    more than all the rest. Who comes to be permitted in this very moment has it made inside the transaction."""
    if password is None:
        return passwords.digest
    digest = cache(passwords.digest)
    await asyncio.to_thread(digest, password)
    return digest


def _owned_by_me(call: Call, query: Query, kind: ObjectKind | None) -> Page[AnyObject]:
    return call.read(people.list_my_owned_objects, query, kind)


def _owned_by_user(call: Call, query: Query, kind: ObjectKind | None) -> Page[AnyObject]:
    return call.read(people.list_user_owned_objects, call.path("key"), query, kind)


def refuse_me(call: Call) -> Response:
    """GET /me/…: an application is nobody's me, and the rest of it is not served."""
    raise people.not_delegated() if call.caller.user is None else call.not_served()


ROUTES: Routes = [
    *counted("/users", list_users),
    ("POST", "/users", create_user),
    ("GET", "/users/{key}", get_user),
    ("PATCH", "/users/{key}", update_user),
    ("DELETE", "/users/{key}", delete_user),
    *owned_objects("/users/{key}", _owned_by_user),
    ("GET", "/me", get_me),
    *owned_objects("/me", _owned_by_me),
]

REST_OF_ME: Routes = [("GET", "/me/{rest:path}", refuse_me)]
"""After every other route of /me."""
