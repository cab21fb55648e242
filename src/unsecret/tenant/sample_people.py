"""The people of the sample organisation: one for each role that the law knows best, one who owns applications and
holds no role, and one with nothing at all.

Their passwords are random in every data directory. They stand in `people.json`, which only its owner may read, and
nowhere else: of a password the directory keeps a digest, and a file that was lost is made good by an administrator's
PATCH of `passwordProfile`.
"""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from unsecret.model.directory_roles import ROLE_DEFINITIONS, Role
from unsecret.model.identifiers import ObjectId, TenantId
from unsecret.model.people import DirectoryRoleAssignment, User
from unsecret.store import directory_roles, users
from unsecret.tenant import passwords
from unsecret.tenant.use_cases.links import new_assignment_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

PEOPLE_FILE = "people.json"


class SamplePerson(Struct, frozen=True):
    """One row of the sample: given name, surname, what they do, and the role that they hold."""

    given_name: str
    surname: str
    job: str
    role: Role | None = None

    @property
    def alias(self) -> str:
        """The name before the @."""
        return self.given_name.lower()


PEOPLE = (
    SamplePerson("Ada", "Berg", "Head of IT", Role.GLOBAL_ADMINISTRATOR),
    SamplePerson("Amir", "Okafor", "Application Platform", Role.APPLICATION_ADMINISTRATOR),
    SamplePerson("Sina", "Lindholm", "Security", Role.SECURITY_ADMINISTRATOR),
    SamplePerson("Greta", "Holm", "Internal Audit", Role.GLOBAL_READER),
    SamplePerson("Maria", "Duarte", "Payroll Systems"),
    SamplePerson("Ben", "Young", "Sales"),
)


class Person(Struct, frozen=True, kw_only=True):
    """One entry of `people.json`: how to sign in as somebody."""

    user_principal_name: str
    password: str
    display_name: str
    roles: tuple[str, ...] = ()


def new_people(domain: str) -> tuple[Person, ...]:
    """The sample's people with passwords that were just made."""
    return tuple(
        Person(
            user_principal_name=f"{one.alias}@{domain}",
            password=passwords.new_password(),
            display_name=f"{one.given_name} {one.surname}",
            roles=(ROLE_DEFINITIONS[one.role].display_name,) if one.role else (),
        )
        for one in PEOPLE
    )


def people_file(people: tuple[Person, ...]) -> bytes:
    """What `people.json` holds."""
    return msgspec.json.format(msgspec.json.encode(people)) + b"\n"


def digests_of(people: tuple[Person, ...]) -> tuple[bytes, ...]:
    """What is kept of their passwords. It takes long, so it is not for a transaction; the hash lets go of the
    interpreter, so they are made side by side."""
    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(lambda person: passwords.digest(person.password), people))


def add_people(
    conn: Connection, tenant_id: TenantId, people: tuple[Person, ...], digests: tuple[bytes, ...], now: datetime
) -> dict[str, ObjectId]:
    """Puts them into the directory, with their roles. Gives their ids by the name before the @."""
    known: dict[str, ObjectId] = {}
    for row, person, digest in zip(PEOPLE, people, digests, strict=True):
        user = User(
            id=ObjectId(str(uuid.uuid4())),
            display_name=person.display_name,
            user_principal_name=person.user_principal_name,
            created_at=now,
            mail=person.user_principal_name,
            other={
                "givenName": row.given_name,
                "surname": row.surname,
                "jobTitle": row.job,
                "mailNickname": row.alias,
            },
        )
        users.add(conn, tenant_id, user, password_digest=digest)
        known[row.alias] = user.id
        if row.role:
            held = DirectoryRoleAssignment(id=new_assignment_id(), role_definition_id=row.role, principal_id=user.id)
            directory_roles.add(conn, tenant_id, held)
    return known
