"""What every test folder may use: a tenant in process, and CI's rule that nothing is skipped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests import databases, witnesses
from tests.local_tenant import NOW, Identity, LocalTenant, new_identity
from unsecret.store.engine import Store
from unsecret.tenant.signing import SigningKeys

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

AnyReport = TypeVar("AnyReport", pytest.TestReport, pytest.CollectReport)

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # that a machine is busy says nothing about the code

NO_SKIPS = os.environ.get("UNSECRET_NO_SKIPS") == "1"


IN_PROCESS = {"operate", "recordings", "rules", "store", "tenant", "wire"}
"""Folders with many files of a few seconds each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts servers and clients comes first: files that take half a minute, one of them begun last, would have
    one worker wait for the other."""
    items.sort(key=lambda item: item.path.parent.name in IN_PROCESS)


@pytest.fixture(scope="session")
def identity() -> Identity:
    """A key and certificate, made once."""
    return new_identity()


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKeys]:
    """Keys of the whole test run."""
    store = Store.open(tmp_path_factory.mktemp("signing") / "directory.sqlite")
    yield SigningKeys.open(store, clock=lambda: NOW)
    store.close()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory with an empty database."""
    with databases.migrated_into(tmp_path_factory.mktemp("migrated")) as directory:
        yield directory


@pytest.fixture
def own_directory(tmp_path: Path, migrated: Path) -> Iterator[Path]:
    """A data directory of the test's own, with an empty database."""
    with databases.copied(migrated, tmp_path) as copy:
        yield copy


@pytest.fixture
def tenant(own_directory: Path, identity: Identity, signing: SigningKeys) -> Iterator[LocalTenant]:
    """A fresh tenant with its administrator, in process."""
    local = LocalTenant(own_directory, identity, signing)
    yield local
    local.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that is named as the witness of an operation must have made it succeed."""
    witnesses.made.clear()
    yield
    witnesses.record(item.nodeid)
    if demanded := witnesses.demanded_of(item.nodeid):
        missing = demanded - witnesses.operations_of(witnesses.made)
        assert not missing, f"{item.nodeid} is named in tests/witnesses.json for {missing}, and does not call them"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _skip_is_failure((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _skip_is_failure((yield))


def _skip_is_failure(report: AnyReport) -> AnyReport:
    """CI installs what the tests need; a test that does not run there hides something."""
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped where nothing may be: {reason}"
    return report
