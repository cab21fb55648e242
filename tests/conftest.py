"""What every test folder may use: a running tenant, and CI's rule that nothing is skipped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.running_tenant import RunningTenant

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

AnyReport = TypeVar("AnyReport", pytest.TestReport, pytest.CollectReport)

NO_SKIPS = os.environ.get("UNSECRET_NO_SKIPS") == "1"


@pytest.fixture(scope="session")
def running_tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTenant]:
    """A tenant with the sample organisation, in a process of its own; shared, so put back what you change."""
    with RunningTenant.start(tmp_path_factory.mktemp("tenant") / "data", "--sample") as tenant:
        yield tenant


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
