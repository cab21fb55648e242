"""A snapshot in Graph's place: it answers what the verbs that only read ask of a tenant, so that they need no second
way to read. What was not read when it was taken is refused, and never shown as empty.

Answered are the policies and what they apply to, the organisation, applications, service principals and people with
what stands in them, and the audit log as far as it was taken. Everything else a snapshot is not asked for.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from unsecret.errors import Invalid, NotFound, Unsupported
from unsecret.model.snapshot import (
    APPLICATIONS,
    AUDIT_LOG,
    CUSTOM_POLICIES,
    DEFAULT_POLICY,
    EXEMPTED_PEOPLE,
    SERVICE_PRINCIPALS,
    Collected,
    Manifest,
)
from unsecret.operate.graph.client import GraphClient
from unsecret.operate.graph.offline import offline_client
from unsecret.operate.snapshots.snapshot_file import Snapshot, open_snapshot
from unsecret.wire import questions
from unsecret.wire.instants import format_instant, parse_instant

Json = dict[str, Any]

_KINDS = {APPLICATIONS: "application", SERVICE_PRINCIPALS: "servicePrincipal"}
"""The collections that hold credentials, and what the columns call one object of each."""

_NAMED = re.compile(r"displayName eq '((?:[^']|'')*)'")

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
"""A tenant's id, or a domain of it."""

_LARGEST_PAGE = 8 * 1024 * 1024
"""Bytes. Somebody else's file may hold objects that are a thousand times as long as Graph's, and unpack from little."""

_SPAN = re.compile(r"activityDateTime ge (\S+)(?: and activityDateTime le (\S+))?")

_NAMES = """
    CREATE TEMP TABLE names AS
    SELECT object, kind, object_id, app_id, display_name, created_at, lower(object_id) AS lower_object_id,
           lower(app_id) AS lower_app_id, lower(display_name) AS lower_display_name
    FROM objects
"""


@contextmanager
def snapshot_client(path: Path) -> Generator[tuple[GraphClient, Manifest]]:
    """A client of the tenant as the snapshot in the file `path` shows it, and what that says of itself. Raises what
    opening it raises; whoever asks for what is not in it gets Unsupported."""
    with open_snapshot(path) as snapshot:
        manifest = snapshot.manifest
        if not _TENANT.fullmatch(manifest.tenant_id):  # what is noted of a tenant lies in a directory named so
            raise Invalid(f"{path} names no tenant: '{manifest.tenant_id}'.")
        answers = SnapshotAnswers(snapshot)
        with offline_client(answers, name=path.name, tenant_id=manifest.tenant_id, source=manifest.source) as client:
            yield client, manifest


class SnapshotAnswers:
    """What Graph would answer. Threads may share it; one asks at a time."""

    def __init__(self, snapshot: Snapshot):
        self._snapshot = snapshot
        self._one_asks = threading.Lock()
        self._rest: dict[str, Iterator[Json]] = {}
        self._tokens = count(1)
        self._is_indexed = False
        one = r"(?P<collection>applications|servicePrincipals)"
        self._answers: dict[str, Callable[..., Json]] = {
            r"policies/defaultAppManagementPolicy": self._default_policy,
            r"policies/appManagementPolicies": self._policies,
            r"policies/appManagementPolicies/(?P<policy_id>[^/]+)/appliesTo": self._applies_to,
            rf"auditLogs/{AUDIT_LOG}": self._log,
            r"(?P<collection>organization|applications|servicePrincipals|users)": self._list,
            rf"{one}\(appId='(?P<app_id>[^']*)'\)": self._of_app_id,
            rf"{one}/(?P<object_id>[^/]+)": self._object,
            r"(?:applications|servicePrincipals)/(?P<object_id>[^/]+)/appManagementPolicies": self._policies_of,
        }

    def __call__(self, path: str, query: Mapping[str, str]) -> bytes:
        """The JSON for `path`. Raises NotFound for an object that was not there, Unsupported for what is not known."""
        for pattern, answer in self._answers.items():
            if found := re.fullmatch(pattern, path):
                with self._one_asks:
                    return msgspec.json.encode(answer(query, **found.groupdict()))
        raise self._unknown(path, "no verb that reads asks for it")

    def _default_policy(self, _query: Mapping[str, str]) -> Json:
        policy = next(self._snapshot.objects(DEFAULT_POLICY), None)
        if policy is None:
            raise self._not_read(DEFAULT_POLICY)
        return policy

    def _policies(self, _query: Mapping[str, str]) -> Json:
        shown = self._all_policies()
        return {"value": [{name: told for name, told in one.items() if name != "appliesTo"} for one in shown]}

    def _all_policies(self) -> list[Json]:
        if not self._custom and not self._snapshot.manifest.is_known(CUSTOM_POLICIES):
            raise self._not_read(CUSTOM_POLICIES)
        return self._custom

    @cached_property
    def _custom(self) -> list[Json]:
        return list(self._snapshot.objects(CUSTOM_POLICIES))

    def _applies_to(self, _query: Mapping[str, str], *, policy_id: str) -> Json:
        for policy in self._all_policies():
            if str(policy.get("id")).lower() == policy_id.lower():
                return {"value": self._bound_by(policy)}
        raise NotFound(f"There was no policy {policy_id} in the tenant.")

    def _bound_by(self, policy: Json) -> list[Json]:
        bound = policy.get("appliesTo")
        if bound is None:
            raise self._not_read(CUSTOM_POLICIES, what=f"what the policy '{policy.get('displayName')}' applies to")
        if not isinstance(bound, list) or not all(isinstance(one, dict) and one.get("id") for one in bound):
            raise Invalid(
                f"{self._snapshot.path} cannot be read: appliesTo lists something that is no object with an id."
            )
        return bound

    def _policies_of(self, _query: Mapping[str, str], *, object_id: str) -> Json:
        return {"value": self._by_bound.get(object_id.lower(), [])}

    @cached_property
    def _by_bound(self) -> dict[str, list[Json]]:
        """The policies that each object has."""
        found: dict[str, list[Json]] = {}
        for policy in self._all_policies():
            for bound in self._bound_by(policy):
                found.setdefault(str(bound["id"]).lower(), []).append(policy)
        return found

    def _of_app_id(self, query: Mapping[str, str], *, collection: str, app_id: str) -> Json:
        return self._one(query, collection, "app_id", app_id)

    def _object(self, query: Mapping[str, str], *, collection: str, object_id: str) -> Json:
        return self._one(query, collection, "object_id", object_id)

    def _one(self, query: Mapping[str, str], collection: str, column: str, key: str) -> Json:
        if found := self._looked_up(collection, column, key):
            return _selected(found[0], query)
        if not self._snapshot.manifest.is_known(collection):
            raise self._not_read(collection)
        raise NotFound(f"There was no {_KINDS[collection]} {key} in the tenant.")

    def _looked_up(self, collection: str, column: str, value: str) -> list[Json]:
        """By the columns, whatever the case of letters. A plan looks up many of a million: hence the indexes."""
        database = self._snapshot.database
        if not self._is_indexed:
            database.execute(_NAMES)
            for name in ("object_id", "app_id", "display_name"):
                database.execute(f"CREATE INDEX of_{name} ON names (lower_{name})")
            self._is_indexed = True
        rows = database.execute(
            "SELECT object_id, app_id, display_name, created_at FROM names "
            f"WHERE lower_{column} = lower(?) AND kind = ? ORDER BY object",
            (value, _KINDS[collection]),
        ).fetchall()
        return [
            {
                "id": object_id,
                "appId": app_id,
                "displayName": name,
                "createdDateTime": created_at and format_instant(created_at),
            }
            for object_id, app_id, name, created_at in rows
        ]

    def _log(self, query: Mapping[str, str]) -> Json:
        path, held_since = f"auditLogs/{AUDIT_LOG}", self._snapshot.manifest.log_since
        if token := query.get("$skiptoken"):
            return self._page(self._rest.pop(token), query, path)
        if held_since is None or not self._snapshot.manifest.is_known(AUDIT_LOG):
            raise self._not_read(AUDIT_LOG, hint="Take it with the log: unsecret snapshot FILE --log 30d")
        if (span := _SPAN.fullmatch(query.get("$filter", ""))) is None:
            raise self._unknown(path, "a log is asked for a span of time")
        since, until = parse_instant(span[1]), parse_instant(span[2]) if span[2] else None
        if since < held_since:
            begin = format_instant(held_since)
            raise self._unknown(
                f"what was done before {begin}", "its log begins then", hint=f"Ask since then: --since {begin}"
            )
        return self._page(_done_between(self._snapshot.objects(AUDIT_LOG), since, until), query, path)

    def _list(self, query: Mapping[str, str], *, collection: str) -> Json:
        if token := query.get("$skiptoken"):
            return self._page(self._rest.pop(token), query, collection)
        if term := query.get("$filter"):
            return {"value": [_selected(one, query) for one in self._filtered(collection, term)]}
        self._require_whole(collection, query)
        return self._page(self._snapshot.objects(collection), query, collection)

    def _filtered(self, collection: str, term: str) -> list[Json]:
        named = _NAMED.fullmatch(term)
        if collection not in _KINDS or not named:
            raise self._unknown(term, "a snapshot is not filtered by it")
        if not self._snapshot.manifest.is_known(collection):  # another of that name may be among those not read
            raise self._not_read(collection)
        return self._looked_up(collection, "display_name", named[1].replace("''", "'"))

    def _require_whole(self, collection: str, query: Mapping[str, str]) -> None:
        """Raises Unsupported for a list, or a member of it, of which something was not read."""
        asks_attributes = questions.ATTRIBUTES in query.get("$select", "")
        needed = {
            "users": (EXEMPTED_PEOPLE,),
            SERVICE_PRINCIPALS: (SERVICE_PRINCIPALS, *((questions.ATTRIBUTES,) if asks_attributes else ())),
        }
        for name in needed.get(collection, (collection,)):
            if not self._snapshot.manifest.is_known(name):
                raise self._not_read(name)

    def _page(self, objects: Iterator[Json], query: Mapping[str, str], collection: str) -> Json:
        items: list[msgspec.Raw] = []
        size = 0
        while len(items) < questions.LARGEST_PAGE and size < _LARGEST_PAGE:
            if (one := next(objects, None)) is None:
                return {"value": items}
            items.append(msgspec.Raw(msgspec.json.encode(_selected(one, query))))
            size += len(items[-1])
        token = str(next(self._tokens))
        self._rest[token] = objects
        select = f"&$select={query['$select']}" if "$select" in query else ""
        return {"value": items, "@odata.nextLink": f"v1.0/{collection}?$skiptoken={token}{select}"}

    def _not_read(self, name: str, *, what: str | None = None, hint: str | None = None) -> Unsupported:
        collected = self._snapshot.manifest.collections.get(name, Collected())
        again = f"Take it again with the permission for it (unsecret snapshot --help), or with a file {name}.json."
        return self._unknown(what or name, collected.missing or "it was not read", hint=hint or again)

    def _unknown(self, what: str, why: str, *, hint: str | None = None) -> Unsupported:
        words = f"The snapshot {self._snapshot.path} does not say {what}: {why}."
        return Unsupported(words, code="NotInSnapshot", hint=hint)


def _selected(one: Json, query: Mapping[str, str]) -> Json:
    """An object with the members that are selected, as far as it has them."""
    names = query.get("$select")
    return {name: one[name] for name in names.split(",") if name in one} if names else one


def _done_between(log: Iterator[Json], since: datetime, until: datetime | None) -> Iterator[Json]:
    for one in log:
        at = parse_instant(one.get("activityDateTime"))
        if since <= at and (until is None or at <= until):
            yield one
