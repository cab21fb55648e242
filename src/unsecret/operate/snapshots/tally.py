"""What is counted in objects on their way into a snapshot."""

from __future__ import annotations

from msgspec import Raw, Struct, field

from unsecret.model.snapshot import OF_MANAGED_IDENTITIES, Collected
from unsecret.wire import questions

_USER = "#microsoft.graph.user"


class _Related(Struct):
    id: str = ""
    type: str | None = field(name="@odata.type", default=None)


class _Key(Struct):
    type: str | None = None
    key: Raw = Raw(b"null")


class Seen(Struct):
    """What is looked at of an object. A member that was not shown is None."""

    id: str = ""
    owners: list[_Related] | None = None
    federated: list[Raw] | None = field(default=None, name="federatedIdentityCredentials")
    key_credentials: list[_Key] = field(default_factory=list, name="keyCredentials")
    attributes: Raw = field(default=Raw(b""), name=questions.ATTRIBUTES)
    principal_type: str | None = field(default=None, name="servicePrincipalType")
    names: list[str] | None = field(default=None, name="alternativeNames")

    @property
    def is_identity(self) -> bool:
        """Whether it is a managed identity that may have federated credentials."""
        return questions.may_be_federated(self.principal_type, self.names)


class Tally(Struct):
    """What was counted. None is what no object showed."""

    owners: int | None = None
    federated: int | None = None
    attributes: int | None = None
    keys: int = 0
    certificates: int = 0
    people: set[str] = field(default_factory=set)
    identities: int = 0
    of_identities: int = 0

    def add(self, seen: Seen) -> None:
        """Count one object."""
        if seen.owners is not None:
            self.owners = (self.owners or 0) + len(seen.owners)
            self.people.update(one.id for one in seen.owners if one.type == _USER)
        if seen.federated is not None:
            self.federated = (self.federated or 0) + len(seen.federated)
        if seen.is_identity:
            self.identities += 1
            self.of_identities += len(seen.federated or ())
        for key in seen.key_credentials:
            if key.type != "Symmetric":
                self.certificates += 1
                self.keys += bytes(key.key) != b"null"
        attributes = bytes(seen.attributes)
        if attributes:
            self.attributes = (self.attributes or 0) + (attributes not in (b"null", b"{}"))

    def members(self, *, never: str) -> dict[str, Collected]:
        """What is known of each member; `never` says why one that no object showed is not known."""
        hidden = self.certificates - self.keys
        no_bytes = f"of {hidden} of {self.certificates} certificates the bytes were not shown" if hidden else None
        counts = {
            "owners": self.owners,
            "federatedIdentityCredentials": self.federated,
            questions.ATTRIBUTES: self.attributes,
        }
        members = {name: Collected(count=n or 0, missing=never if n is None else None) for name, n in counts.items()}
        return members | {"keys": Collected(count=self.keys, missing=no_bytes)} | self.of_managed_identities(None)

    def of_managed_identities(self, refused: str | None) -> dict[str, Collected]:
        """What is known of the federated credentials of managed identities, if there are any of these. That none was
        shown does not say that there is none: Azure Resource Manager keeps them."""
        if not self.identities:
            return {}
        none = None if self.of_identities else nothing_shown(self.identities)
        return {OF_MANAGED_IDENTITIES: Collected(count=self.of_identities, missing=refused or none)}


def nothing_shown(identities: int) -> str:
    """Why it is not known what federates so many managed identities of which nothing was shown."""
    azure = "az identity federated-credential list"
    return f"Graph showed none for {identities}, and need not show any; Azure lists them: {azure}"
