"""What Graph answers: a status, headers and a body, or a page of a collection and where the next one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from unsecret.errors import Invalid, UnsecretError
from unsecret.wire.problems import from_graph


class Answer(Struct, frozen=True):
    """What came back. `body` is the decoded JSON, text when it is none, None when there is nothing."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def etag(self) -> str | None:
        """The version mark of what was read, when the tenant gives one."""
        inside = self.body.get("@odata.etag") if isinstance(self.body, dict) else None
        return self.headers.get("etag") or inside

    @property
    def refusal(self) -> UnsecretError | None:
        """What the tenant refused with; None when it did not. `send` raises it, `batch` leaves it to the caller."""
        return from_graph(self.status, self.headers, self.body) if self.status >= 300 else None


class Page(Struct, frozen=True):
    """One page of a collection, and the address of the next; reading may go on from there at another time."""

    items: list[Any]
    next_link: str | None


def decoded(content: bytes) -> Any:
    """JSON; text where it is none (metadata is XML, a proxy's error is HTML); None where there is nothing."""
    try:
        return msgspec.json.decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content.decode("utf-8", "replace")


class RawPage(Struct):
    """A page of a collection whose items nobody has read yet."""

    value: list[Raw]
    next_link: str | None = field(default=None, name="@odata.nextLink")


def page_or_anything(content: bytes) -> Any:
    """A RawPage; what `decoded` gives where it is none."""
    try:
        return msgspec.json.decode(content, type=RawPage)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decoded(content)


def page_of(body: Any) -> Page | None:
    """The page that is the body of an answer; None where it is none."""
    if not isinstance(body, dict) or not isinstance(body.get("value"), list):
        return None
    return Page(body["value"], body.get("@odata.nextLink"))


def followed(path: str, read: Callable[[str], Page | None]) -> Iterator[Page]:
    """The pages from `path` on; `read` gives None for what is no page. Raises Invalid for that, and for a circle."""
    seen: set[str] = set()
    link: str | None = path
    while link:
        if link in seen:
            raise Invalid("The tenant's pages run in a circle; the list would never end.", code="UnexpectedAnswer")
        seen.add(link)
        page = read(link)
        if page is None:
            raise Invalid(f"{path} is not a collection.", code="UnexpectedAnswer")
        link = page.next_link
        yield page
