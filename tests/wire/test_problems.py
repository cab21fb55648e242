"""Every refusal goes out as Graph's body and comes back as the same refusal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.recorded import needs_recordings, recorded_answers
from unsecret import errors
from unsecret.errors import (
    NotFound,
    PolicyDenied,
    Throttled,
    Unavailable,
    UnsecretError,
    Unsupported,
    UnsupportedMedia,
)
from unsecret.model.verdict import Reason
from unsecret.wire.problems import DEFAULT_PAUSE, LONGEST_PAUSE, STATUS, from_graph, to_graph, unknown_to_graph

NOW = datetime(2026, 11, 22, 10, 17, 5, 999999, tzinfo=UTC)
TRACE: dict[str, Any] = {"request_id": "r-1", "client_request_id": "c-1", "now": NOW}
POLICY = "5e2b1f8c-0000-4000-8000-000000000001"

TYPE = Reason(
    rule="passwordAddition",
    code="CredentialTypeNotAllowedAsPerAppPolicy",
    message=f"Credential type not allowed as per assigned policy '{POLICY}'. Use a certificate.",
    policy_id=POLICY,
)
LIFETIME = Reason(
    rule="passwordLifetime",
    code="CredentialInvalidLifetimeAsPerAppPolicy",
    message=f"Credential lifetime exceeds the max value allowed as per assigned policy '{POLICY}'. Choose less.",
    policy_id=POLICY,
    detail_code="InvalidKeyEndDate",
    target="EndDate",
)


def _made(kind: type[Any]) -> UnsecretError:
    if kind is PolicyDenied:
        return PolicyDenied((TYPE, LIFETIME))
    if kind is Throttled:
        return Throttled("Too many requests.", retry_after=7)
    return kind(f"This is {kind.__name__}.", target="displayName")


def _all_classes() -> list[type[UnsecretError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and UnsecretError in kind.__bases__]


def _there_and_back(error: UnsecretError) -> UnsecretError:
    status, headers, body = to_graph(error, **TRACE)
    return from_graph(status, headers, json.loads(json.dumps(body)))


def test_the_table_has_every_class_of_the_tree() -> None:
    assert set(STATUS) == {*_all_classes(), errors.Taken}


@pytest.mark.parametrize("kind", _all_classes(), ids=lambda kind: kind.__name__)
def test_every_class_survives_the_trip(kind: type[UnsecretError]) -> None:
    error = _made(kind)
    back = _there_and_back(error)
    assert type(back) is kind
    assert (back.code, back.message) == (error.code, error.message)
    assert kind in (PolicyDenied, Throttled) or back.target == "displayName"


@pytest.mark.parametrize("kind", [k for k in _all_classes() if k not in (PolicyDenied, Throttled)], ids=str)
def test_a_code_of_its_own_survives_the_trip(kind: type[UnsecretError]) -> None:
    back = _there_and_back(kind("Taken.", code="SomethingSpecial"))
    assert back.code == "SomethingSpecial"
    assert type(back) is (Unavailable if kind is errors.Unreachable else kind)


def test_a_refusal_by_policy_carries_every_reason() -> None:
    back = _there_and_back(PolicyDenied((TYPE, LIFETIME)))
    assert isinstance(back, PolicyDenied)
    first, second = back.reasons
    assert (first.code, first.message, first.policy_id) == (TYPE.code, TYPE.message, POLICY)
    assert (second.code, second.message, second.policy_id) == (LIFETIME.code, LIFETIME.message, POLICY)
    assert (second.detail_code, second.target) == ("InvalidKeyEndDate", "EndDate")


def test_a_refusal_for_lifetime_looks_like_graphs() -> None:
    status, headers, body = to_graph(PolicyDenied((LIFETIME,)), **TRACE)
    assert (status, headers) == (400, {})
    assert body == {
        "error": {
            "code": "CredentialInvalidLifetimeAsPerAppPolicy",
            "message": LIFETIME.message,
            "details": [{"code": "InvalidKeyEndDate", "message": LIFETIME.message, "target": "EndDate"}],
            "innerError": {"date": "2026-11-22T10:17:05", "request-id": "r-1", "client-request-id": "c-1"},
        }
    }
    assert list(body["error"]) == ["code", "message", "details", "innerError"]


def test_the_date_is_utc_without_a_zone() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    _, _, body = to_graph(NotFound("Gone."), request_id="r", client_request_id="c", now=elsewhere)
    assert body["error"]["innerError"]["date"] == "2026-11-22T10:17:05"
    assert "details" not in body["error"]


def test_the_hint_ends_the_message_because_az_shows_nothing_else() -> None:
    _, _, body = to_graph(Unsupported("Not here.", hint="See docs/reference/divergences.md."), **TRACE)
    assert body["error"]["message"] == "Not here. See docs/reference/divergences.md."
    _, _, body = to_graph(Unsupported("Not here. See the page.", hint="See the page."), **TRACE)
    assert body["error"]["message"] == "Not here. See the page."


def test_whoever_is_not_known_is_told_how_to_sign_in() -> None:
    assert "Bearer" in to_graph(errors.Unauthenticated("Who are you?"), **TRACE)[1]["WWW-Authenticate"]


@pytest.mark.parametrize(("seconds", "header"), [(7, "7"), (0.2, "1"), (0, "1"), (1.1, "2"), (1e9, "3600")])
def test_throttling_says_how_many_whole_seconds_to_wait(seconds: float, header: str) -> None:
    status, headers, _ = to_graph(Throttled("Slow down.", retry_after=seconds), **TRACE)
    assert (status, headers) == (429, {"Retry-After": header})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"RETRY-AFTER": " 7 "}, 7),
        ({}, DEFAULT_PAUSE),
        ({"Retry-After": "soon"}, DEFAULT_PAUSE),
        ({"Retry-After": "-5"}, DEFAULT_PAUSE),
        ({"Retry-After": "nan"}, DEFAULT_PAUSE),
        ({"Retry-After": "1e400"}, LONGEST_PAUSE),
        ({"Retry-After": "Sun, 22 Nov 2026 10:18:00 GMT", "Date": "Sun, 22 Nov 2026 10:17:30 GMT"}, 30),
        ({"Retry-After": "Sun, 22 Nov 2026 10:17:00 GMT", "Date": "Sun, 22 Nov 2026 10:17:30 GMT"}, 0),
        ({"Retry-After": "Sun, 22 Nov 2026 10:18:00 GMT"}, DEFAULT_PAUSE),
    ],
)
def test_the_pause_is_read_from_every_form_of_retry_after(headers: dict[str, str], seconds: float) -> None:
    error = from_graph(429, headers, {"error": {"code": "TooManyRequests", "message": "Slow down."}})
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


REAL = [
    (
        400,
        {
            "error": {
                "code": "CredentialInvalidLifetimeAsPerAppPolicy",
                "message": "Credential lifetime exceeds the max value allowed as per assigned policy 'p-1'.",
                "details": [
                    {
                        "code": "InvalidKeyEndDate",
                        "message": "Credential lifetime exceeds the max value allowed as per assigned policy 'p-1'.",
                        "target": "EndDate",
                    }
                ],
                "innerError": {"date": "2024-03-20T03:05:50", "request-id": "r", "client-request-id": "c"},
            }
        },
        PolicyDenied,
        "CredentialInvalidLifetimeAsPerAppPolicy",
        "Credential lifetime exceeds the max value allowed as per assigned policy 'p-1'.",
    ),
    (
        400,
        {"error": {"code": "CredentialTypeNotAllowedAsPerAppPolicy", "message": "Credential type not allowed."}},
        PolicyDenied,
        "CredentialTypeNotAllowedAsPerAppPolicy",
        "Credential type not allowed.",
    ),
    (
        409,
        {
            "error": {
                "code": "Request_MultipleObjectsWithSameKeyValue",
                "message": "Another object with the same value for property identifierUris already exists.",
                "details": [{"code": "ConflictingObjects", "message": "…", "target": "identifierUris"}],
            }
        },
        errors.Conflict,
        "Request_MultipleObjectsWithSameKeyValue",
        "Another object with the same value for property identifierUris already exists.",
    ),
    (
        401,
        {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."},
        errors.Unauthenticated,
        "invalid_client",
        "AADSTS7000215: Invalid client secret provided.",
    ),
    (
        404,
        {"odata.error": {"code": "Request_ResourceNotFound", "message": {"lang": "en", "value": "Not there."}}},
        NotFound,
        "Request_ResourceNotFound",
        "Not there.",
    ),
    (
        415,
        {"error": {"code": "UnsupportedMediaType", "message": "No."}},
        UnsupportedMedia,
        "UnsupportedMediaType",
        "No.",
    ),
    (504, {"error": {"code": "GatewayTimeout", "message": "Late."}}, Unavailable, "GatewayTimeout", "Late."),
    (
        500,
        {"error": {"code": "UnknownError", "message": ""}},
        Unavailable,
        "UnknownError",
        "The tenant answered HTTP 500, UnknownError, without an explanation.",
    ),
    (
        502,
        "<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>",
        Unavailable,
        "ServiceUnavailable",
        "The answer is not Graph's: HTTP 502, '502 Bad Gateway'.",
    ),
    (
        403,
        b"Forbidden by the proxy\r\n",
        errors.Forbidden,
        "Authorization_RequestDenied",
        "The answer is not Graph's: HTTP 403, 'Forbidden by the proxy'.",
    ),
    (
        302,
        None,
        Unavailable,
        "ServiceUnavailable",
        "The answer is not Graph's: HTTP 302 without an explanation.",
    ),
]


@pytest.mark.parametrize(("status", "body", "kind", "code", "message"), REAL)
def test_answers_of_real_services_become_fitting_refusals(
    status: int, body: Any, kind: type[UnsecretError], code: str, message: str
) -> None:
    error = from_graph(status, {}, body)
    assert type(error) is kind
    assert (error.code, error.message) == (code, message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "details", "target", "value", "odata.error", "innerError"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.integers(100, 599), st.dictionaries(st.sampled_from(["Retry-After", "date", "x"]), st.text()), json_values)
def test_reading_an_answer_never_fails(status: int, headers: dict[str, str], body: Any) -> None:
    error = from_graph(status, headers, body)
    assert error.message
    assert error.code
    assert type(_there_and_back(error)) in STATUS


@needs_recordings
def test_recorded_refusals_of_the_service_are_read_and_written_alike() -> None:
    bodies = [body for body in recorded_answers() if "innerError" in body.get("error", {})]
    assert bodies
    for body in bodies:
        error = from_graph(404, {}, body)
        inner = body["error"]["innerError"]
        _, _, again = to_graph(
            error,
            request_id=inner["request-id"],
            client_request_id=inner["client-request-id"],
            now=datetime.fromisoformat(inner["date"]).replace(tzinfo=UTC),
        )
        assert isinstance(error, NotFound)
        assert again == body


def test_a_failure_that_nobody_foresaw_tells_only_where_to_look() -> None:
    status, headers, body = unknown_to_graph(**TRACE)
    assert (status, headers) == (500, {})
    assert "r-1" in body["error"]["message"]
    assert isinstance(from_graph(status, headers, body), Unavailable)
