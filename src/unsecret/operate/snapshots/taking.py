"""One take: the client, the spool that its answers go to, and what is known of what came of each question."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any, TypeVar

from unsecret.errors import Forbidden, Invalid, MethodNotAllowed, NotFound, Throttled, UnsecretError, Unsupported
from unsecret.model.snapshot import Collected
from unsecret.operate.policies.entries import ALL_MEMBERS
from unsecret.wire import questions
from unsecret.wire.batches import Ask

if TYPE_CHECKING:
    from unsecret.operate.graph.client import GraphClient
    from unsecret.operate.snapshots.spool import Spool

T = TypeVar("T")

PATIENCE = 10
"""How often a part of a list is begun anew after the client has waited as long as it may."""

BATCHED = 1000
"""Objects whose answers become one file, which an interruption loses."""

REFUSED = (Forbidden, NotFound, Unsupported, MethodNotAllowed, Invalid)
"""What is answered so will be answered so tomorrow: a permission, a licence or a whole API is not there. Whatever else
goes wrong ends the take, which can be continued."""


class Taking:
    """`collected` gets an entry for every collection and member that was asked for."""

    def __init__(self, client: GraphClient, spool: Spool, say: Callable[[str], None]):
        self.client = client
        self.spool = spool
        self.say = say
        self.collected: dict[str, Collected] = {}
        self._at_work = Condition()
        self._working = 0

    def side_by_side(self, jobs: Iterable[Callable[[], T]]) -> list[T]:
        """What each of `jobs` gives, several at a time. What they put into the spool need not be asked for again, so
        that whoever knows what will be needed can have it fetched together."""
        try:
            return list(self.client.each(self._patiently, jobs))
        except Exception:
            with self._at_work:  # what is on its way still writes into the spool, which the caller lets go of
                self._at_work.wait_for(lambda: not self._working)
            raise

    def _patiently(self, job: Callable[[], T]) -> T:
        """What `job` gives. Graph shows certificates to 150 requests in a minute, whoever asks: a long list has to
        wait longer than a single answer is worth."""
        with self._working_on_it():
            for _time in range(PATIENCE):
                try:
                    return job()
                except Throttled:
                    self.say("the tenant is still busy; asking again")
            return job()

    @contextmanager
    def _working_on_it(self) -> Generator[None]:
        with self._at_work:
            self._working += 1
        try:
            yield
        finally:
            with self._at_work:
                self._working -= 1
                self._at_work.notify_all()

    def first_answer(self, name: str, paths: Iterable[str], *, headers: Mapping[str, str] = ALL_MEMBERS) -> Path:
        """The objects of the first of several paths that is answered; none, and why in `collected`, where no path
        is."""
        refused = f"{name}.refused"

        def answers() -> Iterator[Any]:
            refusals: list[str] = []
            for path in paths:
                try:
                    first, rest = _begun(self.client.pages(path, headers=headers))
                except REFUSED as refusal:
                    refusals.append(_because(refusal, name))
                    continue
                yield from first
                yield from rest
                return
            self.spool.keep(refused, refusals[0])  # before the list appears, which would look complete

        file = self.spool.lines(name, answers)
        self.collected[name] = Collected(count=count_of(file), missing=self.spool.kept(refused))
        return file

    def of_each(self, name: str, paths: Mapping[str, str]) -> tuple[list[Path], str | None]:
        """The answers to a list for each of many objects, as lines `{"id", "value"}`, and why they are not all there.
        An object that is gone meanwhile is left out."""
        refused = f"{name}.refused"
        files: list[Path] = []
        for start, some in enumerate(_some(paths.items(), BATCHED)):
            if self.spool.kept(refused):
                break
            self.say(f"reading {name}: {start * BATCHED} of {len(paths)} so far")
            files.append(self.spool.lines(f"{name}.{start:05}", partial(self._answers, name, some, refused)))
        return files, self.spool.kept(refused)

    def _answers(self, name: str, some: list[tuple[str, str]], refused: str) -> Iterator[dict[str, Any]]:
        version = some[0][1].split("/", 1)[0]
        asks = (Ask("GET", path, headers=ALL_MEMBERS) for _one, path in some)
        for (one, _path), answer in zip(some, self.client.batch(asks, version=version), strict=True):
            if isinstance(answer.refusal, NotFound):
                continue
            if isinstance(answer.refusal, REFUSED):
                self.spool.keep(refused, _because(answer.refusal, name))
                return
            if answer.refusal:
                raise answer.refusal
            more = answer.body.get("@odata.nextLink")
            yield {"id": one, "value": [*answer.body["value"], *(self.client.pages(more) if more else ())]}

    def tried(self, name: str, ask: Callable[[], T], *, about: str) -> tuple[T | None, str | None]:
        """What `ask` gives, or why it was refused; asked once, also over an interruption. It has to be JSON. `about`
        is the collection or member that it is asked for."""

        def outcome() -> list[Any]:
            try:
                return [ask(), None]
            except REFUSED as refused:
                return [None, _because(refused, about)]

        answer, why = self.spool.value(name, outcome)
        return answer, why


def _because(refusal: UnsecretError, name: str) -> str:
    """Why something could not be read, with the permission that it takes when that may be what is missing."""
    need = questions.NEEDS.get(name) if isinstance(refusal, Forbidden) else None
    if need is None or need in refusal.message:
        return refusal.message
    besides = f", and {questions.BESIDES[name]}" if name in questions.BESIDES else ""
    return f"{refusal.message} It takes the permission {need}{besides}."


def count_of(file: Path) -> int:
    """How many lines a file has."""
    with file.open("rb") as opened:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: opened.read(1 << 20), b""))


def _begun(items: Iterator[Any]) -> tuple[list[Any], Iterator[Any]]:
    """The first item, which tells whether there is an answer at all, and the others."""
    first = next(items, None)
    return ([] if first is None else [first]), items


def _some(items: Iterable[T], at_a_time: int) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, at_a_time)):
        yield some
