"""This tenant against recordings of Microsoft Graph: the same requests in the same order, and the answers compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.local_tenant import Clock, Identity, LocalTenant
from tests.recordings.cassettes import exchanges, needs_recordings, recording_names
from tests.recordings.comparison import Difference
from tests.recordings.expected import EXPLAINED, NOT_SERVED, Explained, NotServed
from tests.recordings.replay import Played, play
from unsecret.tenant.signing import SigningKeys

RECORDINGS = recording_names()

Replay = Callable[[str], tuple[Played, ...]]


@pytest.fixture(scope="session")
def replay(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, identity: Identity, signing: SigningKeys
) -> Replay:
    """Plays a recording to a tenant of its own, once in a test run."""
    played: dict[str, tuple[Played, ...]] = {}

    def once(recording: str) -> tuple[Played, ...]:
        if recording not in played:
            sent = exchanges(recording)
            directory = shutil.copytree(migrated, tmp_path_factory.mktemp("replay") / "data")
            tenant = LocalTenant(directory, identity, signing, clock=Clock(sent[0].at))
            played[recording] = tuple(play(sent, tenant))
            tenant.close()
        return played[recording]

    return once


@needs_recordings
@pytest.mark.parametrize("recording", RECORDINGS or ["none"])
def test_every_answer_is_the_recorded_one(replay: Replay, recording: str) -> None:
    unexplained = [
        f"{played.exchange}\n    {difference}"
        for played in replay(recording)
        for difference in _compared(played)
        if not any(line.explains(difference, played.exchange) for line in EXPLAINED)
    ]
    assert not unexplained, "\n".join(unexplained)


@needs_recordings
@pytest.mark.parametrize("line", EXPLAINED, ids=lambda line: f"{line.path}: {line.why}")
def test_every_explanation_is_still_needed(replay: Replay, line: Explained) -> None:
    assert any(
        line.explains(difference, played.exchange)
        for recording in RECORDINGS
        for played in replay(recording)
        for difference in _compared(played)
    )


def _compared(played: Played) -> tuple[Difference, ...]:
    """The differences, unless the whole operation is missing, which `test_what_is_not_served_says_so` looks at."""
    return () if any(line.means(played.exchange) for line in NOT_SERVED) else played.differences


@pytest.mark.parametrize(
    ("method", "line"),
    [(method, line) for line in NOT_SERVED for method in line.methods.split()],
    ids=lambda value: value.path if isinstance(value, NotServed) else value,
)
def test_what_is_not_served_says_so(tenant: LocalTenant, method: str, line: NotServed) -> None:
    path = line.example.replace("{id}", tenant.new_application()["id"])
    answer = tenant.graph(method, path, {} if method in ("POST", "PATCH") else None)
    assert answer.status_code == line.status
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "innerError"}
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
