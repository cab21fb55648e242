"""A check as JUnit XML, which build servers show as tests: a requirement is a test, and its findings are its failure.

There is no standard; this is the shape that Jenkins' plugin and the test viewers of GitLab and Azure Pipelines read
(https://github.com/testmoapp/junitxml). A requirement that is not known is an error, one that is muted is skipped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from unsecret.cli.printing import harmless
from unsecret.operate.checks.findings import Finding, Outcome, Report, Result

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


_NO_XML = re.compile(r"[\ud800-\udfff\ufffe\uffff]")
"""Characters that no XML holds, besides those that `harmless` replaces (https://www.w3.org/TR/xml/#charsets)."""


def document(report: Report) -> str:
    """The report as JUnit XML."""
    from xml.etree import ElementTree

    name = f"unsecret check {report.profile}"
    counts = {
        "tests": str(len(report.results)),
        "failures": str(_count(report, Outcome.FAILS)),
        "errors": str(_count(report, Outcome.NOT_KNOWN)),
        "skipped": str(_count(report, Outcome.MUTED)),
        "time": "0",
    }
    root = ElementTree.Element("testsuites", {"name": _text(name), **counts})
    at = f"{report.as_of:%Y-%m-%dT%H:%M:%S}"
    suite = ElementTree.SubElement(root, "testsuite", {"name": _text(name), **counts, "timestamp": at})
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", {"name": "tenant", "value": _text(report.tenant_id)})
    for result in report.results:
        _case(suite, result, [one for one in report.findings if one.requirement == result.requirement.id])
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _count(report: Report, outcome: Outcome) -> int:
    return sum(one.outcome is outcome for one in report.results)


def _case(suite: Element, result: Result, findings: list[Finding]) -> None:
    from xml.etree import ElementTree

    asked = result.requirement
    name = _text(f"{asked.id}: {asked.title}")
    case = ElementTree.SubElement(suite, "testcase", {"name": name, "classname": suite.get("name", ""), "time": "0"})
    if result.outcome is Outcome.FAILS:
        told = {"message": f"findings: {result.found}", "type": asked.severity.value}
        failure = ElementTree.SubElement(case, "failure", told)
        failure.text = "\n".join(map(_finding, findings))
    elif result.outcome is Outcome.NOT_KNOWN:
        error = ElementTree.SubElement(case, "error", {"message": "not known", "type": "not-known"})
        error.text = _text("\n".join(result.not_known))
    elif result.outcome is Outcome.MUTED:
        ElementTree.SubElement(case, "skipped", {"message": _text(f"muted: {result.muted}")})


def _finding(one: Finding) -> str:
    return _text(f"{one.subject.words}: {one.why} ({'; '.join(one.evidence)})\n  {one.mend}")


def _text(words: str) -> str:
    """Words as XML can hold them."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", harmless(words))
