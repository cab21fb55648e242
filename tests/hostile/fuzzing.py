"""Calls made up from `/openapi.json` by schemathesis, against a tenant in process, and what may not happen.

Bodies, queries and headers are generated from the document: half of them as it says, half deliberately not. A parameter
of the path is often the id of something that is there, or else hardly any call would get past "not found".
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err

from tests.local_tenant import LocalTenant

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
CREATED = 201
NOT_SERVED = 501
"""Says so in so many words; every other status of 500 and more is a defect of ours."""

WEIRD = [
    *("\x00", "a\x00b", "\ud800", "\u202e", "\ufffe", "\U0010ffff", "%00", "%ff", "%2e%2e%2f", "..", "'", "''", "\\"),
    *("x" * 5000, "9" * 400, "-1", "1e999", "NaN", "null", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z"),
    *("2026-02-30T00:00:00Z", "P99999999999D", "P1Y", "[[[[[[[[", "((((((((", "\r\nSet-Cookie: a=b", "İ", "ß", "𝟙"),
]
WEIRD_VALUES = [*WEIRD, None, True, 0, -1, 2**63, 10**400, 1e308, {}, [], [[]], {"": ""}, {"@odata.type": "#x"}]
"""What breaks programs: it stands in for a part of what schemathesis made up."""

KINDS = st.sampled_from(["user", "application", "servicePrincipal", "directoryRole", "group"]).map(
    "microsoft.graph.{}".format
)
"""What a list of directory objects is cast to: a made-up word is refused before anything else is looked at."""


@dataclass(frozen=True)
class Call:
    """One call. `spoil` is where in the body a weird value is put, and which."""

    case: Case
    path: dict[str, str]
    spoil: tuple[int, Any] | None
    with_token: bool


@dataclass
class Fuzz:
    """A tenant that is called, and what came of it."""

    tenant: LocalTenant
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schema = schemathesis.openapi.from_dict(self.tenant.client.get("/openapi.json").json())

    def _make_known(self) -> None:
        """Objects that are there: the calls before may have deleted theirs."""
        application = self.tenant.new_application("fuzzed", identifierUris=[f"api://{uuid.uuid4()}"])
        principal = self.tenant.new_principal(application["appId"])
        policy = self.tenant.must("POST", "/policies/appManagementPolicies", {"displayName": "p", "description": "d"})
        self.known = [
            *(application["id"], f"appId={application['appId']}", principal["id"], policy["id"]),
            *(self.tenant.tenant_id, "displayName", "keyCredentials", "uniqueName=x", "nonsense"),
        ]

    @property
    def calls(self) -> int:
        """How many calls were answered."""
        return self.statuses.total()

    @property
    def operations(self) -> list[Any]:
        """Every operation of the document. Raises what is wrong with one."""
        found = []
        for result in self.schema.get_all_operations():
            if isinstance(result, Err):
                raise result.err()
            found.append(result.ok())
        return found

    def run(self, operation: Any, *, examples: int, chance: int) -> None:
        """Call one operation so many times. What was not right is in `failures`, by operation and reason."""
        self._make_known()

        @_many(examples, chance)
        @given(call=self._calls(operation))
        def calls(call: Call) -> None:
            self._send(call)

        calls()

    def live(self, making: Any, *, examples: int, chance: int) -> None:
        """Make an object as the document says, do to it whatever can be done, and delete it: then it is gone."""
        self._make_known()
        own = f"{making.path}/{{"
        below = [one for one in self.operations if one.path.startswith(own)]
        whole = {one.method: one for one in below if one.path.endswith("}") and one.path.count("/") == own.count("/")}
        others = [one for one in below if one not in whole.values()]

        @_many(examples, chance)
        @given(data=st.data())
        def lives(data: st.DataObject) -> None:
            answer = self._send(data.draw(self._calls(making, well=True)))
            if answer.status_code != CREATED:
                return
            made = {"key": answer.json()["id"]}
            for operation in [
                *data.draw(st.permutations(others))[:3],
                *(whole[name] for name in whole if name != "delete"),
            ]:
                self._send(data.draw(self._calls(operation, well=True)), made)
            if {"get", "delete"} <= whole.keys():
                self._ends(whole, made["key"])

        lives()

    def _ends(self, whole: dict[str, Any], key: str) -> None:
        path = whole["get"].path
        for method, status in (("GET", 200), ("DELETE", 204), ("GET", 404), ("DELETE", 404)):
            address = path.replace(path[path.index("{") :], key)
            answer = self.tenant.graph(method, address)
            self.statuses[answer.status_code] += 1
            if answer.status_code != status:
                self.failures[f"{method} {path}"] = f"{answer.status_code} in the place of {status}: {answer.text}"

    def _calls(self, operation: Any, *, well: bool = False) -> st.SearchStrategy[Call]:
        """`well`: as the document says, with the administrator's token."""
        text = st.sampled_from(self.known) | st.sampled_from(self.known) | st.sampled_from(WEIRD)
        spoils = st.tuples(st.integers(0, 10_000), st.sampled_from(WEIRD_VALUES))
        return st.builds(
            Call,
            case=operation.as_strategy(GenerationMode.POSITIVE) if well else self._cases(operation),
            path=st.fixed_dictionaries(
                {one.name: KINDS | text if one.name == "kind" else text for one in operation.path_parameters}
            ),
            spoil=st.none() if well else st.none() | st.none() | spoils,
            with_token=st.just(True) if well else st.sampled_from([True] * 9 + [False]),
        )

    def _cases(self, operation: Any) -> st.SearchStrategy[Case]:
        as_it_says = operation.as_strategy(GenerationMode.POSITIVE)
        try:
            return as_it_says | as_it_says | operation.as_strategy(GenerationMode.NEGATIVE)
        except Exception:
            return as_it_says

    def _send(self, call: Call, path: dict[str, str] | None = None) -> Any:
        case = call.case
        written = call.path if path is None else {**call.path, **dict.fromkeys(list(call.path)[:1], path["key"])}
        case.path_parameters = {name: quote(text, safe="", errors="surrogatepass") for name, text in written.items()}
        sent = case.as_transport_kwargs()
        headers = {name: value for name, value in sent["headers"].items() if name.lower() != "authorization"}
        if call.with_token:
            headers["Authorization"] = f"Bearer {self.tenant.token}"
        content = _content(sent, call.spoil)
        answer = self.tenant.client.request(
            sent["method"], sent["url"], params=sent["params"], headers=headers, content=content
        )
        self.statuses[answer.status_code] += 1
        name = f"{case.operation.method.upper()} {case.operation.path}"
        if answer.status_code >= 500 and answer.status_code != NOT_SERVED:
            self._note(name, f"answered {answer.status_code}", sent, content)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failure:
            self._note(
                name, "; ".join(f"{one.title}: {one.message}" for one in failure.exceptions)[:600], sent, content
            )
        return answer

    def _note(self, operation: str, what: str, sent: dict[str, Any], content: bytes | None) -> None:
        call = f"{sent['method']} {sent['url'][:300]} {sent['params']} {(content or b'')[:600]!r}"
        self.failures.setdefault(f"{operation}: {what}"[:300], f"{what}\n  {call}")


def _many(examples: int, chance: int) -> Callable[[Any], Any]:
    """So many examples, the same ones for the same `chance`."""
    chosen = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: seed(chance)(chosen(test))


def _content(sent: dict[str, Any], spoil: tuple[int, Any] | None) -> bytes | None:
    """The body as bytes. One place of a JSON body is put a weird value in."""
    if "json" in sent:
        return json.dumps(_spoilt(sent["json"], *spoil) if spoil else sent["json"]).encode()
    data = sent.get("data")
    if isinstance(data, dict | list):
        return urlencode(data, doseq=True, errors="replace").encode()
    return data.encode("utf-8", "replace") if isinstance(data, str) else data


def _spoilt(value: Any, place: int, weird: Any) -> Any:
    """`value` with its `place`-th part replaced, counted around."""
    if isinstance(value, dict) and value:
        name = sorted(value)[place % len(value)]
        return {**value, name: _spoilt(value[name], place // len(value), weird)}
    if isinstance(value, list) and value:
        index = place % len(value)
        return [*value[:index], _spoilt(value[index], place // len(value), weird), *value[index + 1 :]]
    return weird
