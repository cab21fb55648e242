"""Taking a snapshot of a tenant: everything that later questions need, asked for once.

What is refused, because a permission, a licence or a whole API is not there, is said to be missing; without
applications or service principals there is no snapshot. Nothing secret comes along: Graph shows no secret, and tokens
are not written.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct, field

from unsecret import __version__
from unsecret.model.snapshot import (
    APPLICATIONS,
    AUDIT_LOG,
    CUSTOM_POLICIES,
    DEFAULT_POLICY,
    EXEMPTED_PEOPLE,
    GRAPH,
    SERVICE_PRINCIPALS,
    Collected,
    Manifest,
)
from unsecret.model.times_in_words import instant_in_words
from unsecret.operate.policies.block import read_default
from unsecret.operate.policies.exempted_callers import objects_with, values_in
from unsecret.operate.snapshots.directory_lists import (
    Identified,
    Listed,
    Shown,
    Split,
    list_parts,
    may_be_shown,
    parts,
    read_list,
    split_of,
)
from unsecret.operate.snapshots.spool import Begun, lines_of, open_spool
from unsecret.operate.snapshots.taking import Taking
from unsecret.operate.snapshots.tally import Seen, Tally
from unsecret.operate.snapshots.writing import write_snapshot
from unsecret.wire import questions

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient

FEDERATED = "federatedIdentityCredentials"
OF_IDENTITIES = "identities.federatedIdentityCredentials"
ROLES = "appRoleAssignments"


def take(
    client: GraphClient,
    path: Path,
    *,
    now: datetime,
    log: timedelta | None = None,
    say: Callable[[str], None] = lambda _words: None,
) -> Manifest:
    """Take a snapshot of the tenant into the file `path`, with the audit `log` of that long where one is wanted; an
    interrupted one is continued. `say` is told what is being read.

    Raises what the lists of applications and service principals are refused with, Unreachable when the tenant stops
    answering, Unavailable when the file cannot be written.
    """
    connection = client.connection
    begun = Begun(software=__version__, tenant_id=connection.tenant_id, graph=connection.graph, at=now, log=log)
    with open_spool(path, begun) as spool:
        if spool.continued:
            say(f"continuing the snapshot that was begun at {instant_in_words(spool.begun.at)}")
        taking = Taking(client, spool, say)
        (assembled := spool.folder / GRAPH).mkdir(exist_ok=True)
        organization = _read_everything(taking, assembled)
        since = spool.begun.at - log if log else None
        if since:
            _audit_log(taking, assembled, since)
        manifest = Manifest(
            software=__version__,
            taken_at=spool.begun.at,
            tenant_id=organization.get("id") or client.tenant_id(),  # the connection may know its domain only
            display_name=organization.get("displayName"),
            source=connection.graph,
            log_since=since,
            collections=taking.collected,
        )
        say("making columns")
        write_snapshot(assembled, manifest, path)
    return manifest


def _read_everything(taking: Taking, assembled: Path) -> dict[str, Any]:
    """Everything into `assembled`, a file for each collection; gives the organisation."""
    tally = Tally()
    taking.say("finding out what may be read")
    kinds = (APPLICATIONS, SERVICE_PRINCIPALS)
    taking.side_by_side([partial(_roles_refused, taking), *(partial(_may_be_shown, taking, name) for name in kinds)])
    lists = {name: _may_be_shown(taking, name) for name in kinds}
    _fetch_ahead(taking, lists)
    listings: dict[str, Listed] = {}
    for collection, shown in lists.items():
        taking.say(f"reading {collection}")
        listings[collection] = listed = read_list(taking, collection, shown)
        extra = _members_of(taking, collection, listed)
        count = _assemble(listed.files, extra, assembled / f"{collection}.ndjson", tally)
        taking.collected[collection] = Collected(count=count)
    for name, paths in questions.LISTS.items():
        taking.say(f"reading {name}")
        _with_related(taking, name, taking.first_answer(name, paths), assembled / f"{name}.ndjson")
    _note_members(taking, lists[APPLICATIONS], lists[SERVICE_PRINCIPALS], tally)
    taking.collected |= tally.of_managed_identities(taking.spool.kept(f"{OF_IDENTITIES}.refused"))
    _default_policy(taking, assembled)
    _permissions(taking, assembled, listings[SERVICE_PRINCIPALS])
    _people(taking, assembled, tally.people)
    return next((msgspec.json.decode(line) for line in lines_of(assembled / "organization.ndjson")), {})


def _may_be_shown(taking: Taking, collection: str) -> Shown:
    return may_be_shown(taking, collection, attributes=collection == SERVICE_PRINCIPALS)


def _fetch_ahead(taking: Taking, lists: dict[str, Shown]) -> None:
    """Most of what is asked for below, side by side: nothing of it waits for something else."""
    splits = taking.side_by_side(partial(split_of, taking, name) for name in lists)
    jobs: list[Callable[[], Any]] = []
    for (collection, shown), split in zip(lists.items(), splits, strict=True):
        jobs += list_parts(taking, collection, shown, split)
    jobs += [partial(taking.first_answer, name, paths) for name, paths in questions.LISTS.items()]
    jobs += [] if _roles_refused(taking) else _role_parts(taking, splits[-1])
    jobs += [partial(_default_policy_of, taking), partial(_federated_of, taking)]
    taking.side_by_side(jobs)


def _members_of(taking: Taking, collection: str, listed: Listed) -> dict[str, dict[str, Raw]]:
    """What has to be asked of single objects: member by object."""
    extra: dict[str, dict[str, Raw]] = {}
    crowded = {one.id for one in _seen(listed.files) if len(one.owners or ()) >= questions.MOST_EXPANDED}
    owners = {one: questions.owners_of(collection, one) for one in sorted(crowded.union(listed.undated))}
    files, refused = taking.of_each(f"{collection}.owners", owners)
    _collect(files, "owners", extra)
    if refused:
        taking.collected["owners"] = Collected(missing=refused)
    if collection == APPLICATIONS:
        federated = {one: questions.federated_of(one) for one in _who_has_federated(taking, listed)}
        files, missing = taking.of_each(FEDERATED, federated)
        count = _collect(files, FEDERATED, extra)
        taking.collected[FEDERATED] = Collected(count=count, missing=missing)
    else:
        identities = [one.id for one in _seen(listed.files) if one.is_identity]
        files, _ = taking.of_each(OF_IDENTITIES, {one: questions.federated_of_identity(one) for one in identities})
        _collect(files, FEDERATED, extra)
    return extra


def _who_has_federated(taking: Taking, listed: Listed) -> list[str]:
    """Applications with federated credentials; all of them where Graph does not say which."""
    found, refused = _federated_of(taking)
    return [one.id for one in _seen(listed.files)] if refused or found is None else found


def _federated_of(taking: Taking) -> tuple[list[str] | None, str | None]:
    def ids() -> list[str]:
        return [one["id"] for one in taking.client.pages(questions.FEDERATED, headers=questions.ADVANCED)]

    return taking.tried(f"{FEDERATED}.whose", ids, about=FEDERATED)


def _seen(files: Iterable[Path]) -> Iterator[Seen]:
    decode = msgspec.json.Decoder(Seen).decode
    return (decode(line) for file in files for line in lines_of(file))


class _Answered(Struct):
    id: str
    value: Raw


def _collect(files: Iterable[Path], member: str, extra: dict[str, dict[str, Raw]]) -> int:
    """Put what was asked of single objects into `extra`; gives how many there are in all."""
    decode = msgspec.json.Decoder(_Answered).decode
    count = 0
    for line in (line for file in files for line in lines_of(file)):
        answered = decode(line)
        extra.setdefault(answered.id, {})[member] = answered.value.copy()
        count += len(msgspec.json.decode(answered.value, type=list[Raw]))
    return count


def _assemble(files: Iterable[Path], extra: dict[str, dict[str, Raw]], target: Path, tally: Tally) -> int:
    """Every object once, with its members. An object that moved between pages while they were read comes twice."""
    decode = msgspec.json.Decoder(Seen).decode
    known: set[str] = set()
    with target.open("wb") as opened:
        for file in files:
            for line in lines_of(file):
                seen = decode(line)
                if seen.id in known:
                    continue
                known.add(seen.id)
                members = extra.get(seen.id)
                whole = _merged(line, members) if members else line
                opened.write(whole)
                tally.add(decode(whole) if members else seen)
    return len(known)


def _merged(line: bytes, members: dict[str, Raw]) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(line, type=dict[str, Raw]) | members) + b"\n"


def _note_members(taking: Taking, applications: Any, principals: Any, tally: Tally) -> None:
    members = tally.members(never="they were not shown")
    refused = {
        "owners": applications.no_owners or principals.no_owners,
        "keys": applications.no_keys or principals.no_keys,
        questions.ATTRIBUTES: principals.no_attributes,
    }
    for name, why in refused.items():
        one, before = members[name], taking.collected.get(name, Collected())
        taking.collected[name] = Collected(count=one.count, missing=why or before.missing or one.missing)


def _with_related(taking: Taking, collection: str, file: Path, target: Path) -> None:
    """The objects of a short list, each with what has to be asked of it by a question of its own."""
    extra: dict[str, dict[str, Raw]] = {}
    if collection in questions.RELATED:
        member, path = questions.RELATED[collection]
        paths = {one.id: path.format(id=one.id) for one in _seen([file])}
        answers, missing = taking.of_each(f"{collection}.{member}", paths)
        _collect(answers, member, extra)
        if missing:
            count = taking.collected[collection].count
            taking.collected[collection] = Collected(count=count, missing=f"{member}: {missing}")
    with target.open("wb") as opened:
        for line in lines_of(file):
            members = extra.get(msgspec.json.decode(line, type=Identified).id)
            opened.write(_merged(line, members) if members else line)


def _audit_log(taking: Taking, assembled: Path, since: datetime) -> None:
    taking.say("reading the audit log")
    file = taking.first_answer(AUDIT_LOG, (questions.done_between(since, None),))
    shutil.copyfile(file, assembled / f"{AUDIT_LOG}.ndjson")


def _default_policy(taking: Taking, assembled: Path) -> None:
    policy, missing = _default_policy_of(taking)
    taking.collected[DEFAULT_POLICY] = Collected(count=int(policy is not None), missing=missing)
    content = b"" if policy is None else msgspec.json.encode(policy) + b"\n"
    (assembled / f"{DEFAULT_POLICY}.ndjson").write_bytes(content)


def _default_policy_of(taking: Taking) -> tuple[dict[str, Any] | None, str | None]:
    return taking.tried(DEFAULT_POLICY, lambda: read_default(taking.client)[1], about=DEFAULT_POLICY)


class _Holder(Struct):
    """A service principal with the assignments that it was expanded with, or was asked for."""

    id: str
    assignments: list[Raw] = field(default_factory=list, name=ROLES)
    value: list[Raw] = field(default_factory=list)


def _roles_refused(taking: Taking) -> str | None:
    path = questions.listing(SERVICE_PRINCIPALS, members=("id",), expand=ROLES, top=1)
    return taking.tried(f"{ROLES}.may", lambda: bool(taking.client.get(path)), about=ROLES)[1]


def _role_parts(taking: Taking, split: Split) -> list[Callable[[], Path]]:
    return parts(taking, ROLES, SERVICE_PRINCIPALS, split, members=("id",), expand=ROLES)


def _permissions(taking: Taking, assembled: Path, listed: Listed) -> None:
    """The application permissions that service principals hold: as `$expand` shows them, and asked for where there may
    be more. Asking the resources instead (appRoleAssignedTo) would tell who uses each application as well.
    https://learn.microsoft.com/en-us/graph/api/serviceprincipal-list-approleassignments"""
    name = ROLES
    if refused := _roles_refused(taking):
        taking.collected[name] = Collected(missing=refused)
        return
    files = taking.side_by_side(_role_parts(taking, listed.split))
    decode = msgspec.json.Decoder(_Holder).decode
    crowded = {
        one.id
        for one in (decode(line) for file in files for line in lines_of(file))
        if len(one.assignments) >= questions.MOST_EXPANDED
    }
    asked = {one: questions.roles_held_by(one) for one in sorted(crowded.union(listed.undated))}
    held, missing = taking.of_each(f"{name}.held", asked)
    known: set[str] = set()
    with (assembled / f"{name}.ndjson").open("wb") as opened:
        for line in (line for file in (*held, *files) for line in lines_of(file)):
            for one in (holder := decode(line)).value or holder.assignments:
                if (assignment := msgspec.json.decode(one, type=Identified).id) not in known:
                    known.add(assignment)
                    opened.write(bytes(one) + b"\n")
    taking.collected[name] = Collected(count=len(known), missing=missing)


def _people(taking: Taking, assembled: Path, owners: set[str]) -> None:
    """The people whom something else speaks of: owners, holders of roles, who consented, and callers whom a policy
    exempts. Nobody else comes along."""
    named = set(owners)
    for collection in ("roleAssignments", "oauth2PermissionGrants"):
        for line in lines_of(assembled / f"{collection}.ndjson"):
            if one := msgspec.json.decode(line).get("principalId"):
                named.add(one)
    ids = sorted(named)

    def people() -> list[Any]:
        found = []
        for start in range(0, len(ids), questions.MOST_IDS):
            body = {"ids": ids[start : start + questions.MOST_IDS], "types": ["user"]}
            found += taking.client.send("POST", questions.BY_IDS, body=body).body["value"]
        return [one for one in found if one.get("userPrincipalName")]  # a tenant that ignores `types` tells all

    found, missing = taking.tried("users.named", people, about="users")
    everybody = {one["id"]: one for one in (*(found or ()), *_exempted_people(taking, assembled, refused=missing))}
    (assembled / "users.ndjson").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in everybody.values()))
    taking.collected["users"] = Collected(count=len(everybody), missing=missing)


def _exempted_people(taking: Taking, assembled: Path, *, refused: str | None) -> list[dict[str, Any]]:
    """People with the attribute by which a policy exempts callers. Where none does, nobody is asked for; nor where
    people are not shown at all, and `refused` says why."""
    files = [assembled / f"{name}.ndjson" for name in (DEFAULT_POLICY, CUSTOM_POLICIES)]
    values = values_in(msgspec.json.decode(line) for file in files for line in lines_of(file))
    if not values:
        return []

    def people() -> list[Any]:
        return objects_with(taking.client, "users", values, members=questions.OF_PEOPLE)

    found, missing = (None, refused) if refused else taking.tried("users.exempted", people, about=EXEMPTED_PEOPLE)
    taking.collected[EXEMPTED_PEOPLE] = Collected(count=len(found or ()), missing=missing)
    return found or []
