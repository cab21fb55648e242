"""The system query options: what they ask for, when they need the advanced query parameters, and the next page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from unsecret.errors import Invalid, UnsecretError
from unsecret.model.query import And, AnyOf, Comparison, Filter, Not, Operator, Or, OrderBy, Query
from unsecret.wire import odata
from unsecret.wire.collections import (
    APP_MANAGEMENT_POLICIES,
    APPLICATIONS,
    BETA_SIGN_INS,
    DEFAULT_APP_MANAGEMENT_POLICY,
    DIRECTORY_AUDITS,
    DIRECTORY_OBJECTS,
    SERVICE_PRINCIPALS,
    SIGN_INS,
)
from unsecret.wire.queryable import Collection

EVENTUAL = {"ConsistencyLevel": "eventual"}


def word(beginning: str) -> Comparison:
    return Comparison("displayName", Operator.HAS_WORD, beginning)


def asked(query: str, headers: dict[str, str] | None = None, collection: Collection = APPLICATIONS) -> odata.Asked:
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    return odata.parse_query(parse_qsl(query, keep_blank_values=True), sent, collection=collection)


def refused(query: str, headers: dict[str, str] | None = None, collection: Collection = APPLICATIONS) -> UnsecretError:
    with pytest.raises(UnsecretError) as error:
        asked(query, headers, collection)
    return error.value


# -- paging --------------------------------------------------------------------------------------------------------


def test_without_options_a_page_has_a_hundred_items_of_everything() -> None:
    assert asked("") == odata.Asked(query=Query(top=100))


@pytest.mark.parametrize(
    ("query", "headers", "top"),
    [
        ("$top=1", {}, 1),
        ("$top=999", {}, 999),
        ("$top=5", {"Prefer": "odata.maxpagesize=7"}, 5),
        ("", {"Prefer": "odata.maxpagesize=7"}, 7),
        ("", {"prefer": 'return=minimal, maxpagesize="7"'}, 7),
        ("", {"Prefer": "odata.maxpagesize=5000"}, 999),
        ("", {"Prefer": "odata.maxpagesize=0"}, 1),
        ("", {"Prefer": "odata.maxpagesize=many"}, 100),
        ("", {"Prefer": "create-if-missing"}, 100),
    ],
)
def test_the_size_of_a_page_is_told_or_wished_for(query: str, headers: dict[str, str], top: int) -> None:
    assert asked(query, headers).query.top == top


@pytest.mark.parametrize("size", ["0", "-1", "1000", "", "ten", "1.5", "1e2", "٣", "9" * 40])
def test_a_page_size_out_of_range_is_refused_in_graphs_words(size: str) -> None:
    error = refused(f"$top={size}")
    assert error.message.startswith("Invalid page size specified: '")
    assert error.message.endswith("Must be between 1 and 999 inclusive.")
    assert error.code == "Request_UnsupportedQuery"


def test_the_logs_have_longer_pages() -> None:
    assert asked("$top=1000", collection=DIRECTORY_AUDITS).query.top == 1000


def test_a_collection_has_its_own_page_sizes() -> None:
    small = Collection(type="microsoft.graph.small", declared=frozenset(), default_top=20, max_top=50)
    assert asked("$top=50", collection=small).query.top == 50
    assert asked("", collection=small).query.top == 20
    assert "between 1 and 50" in refused("$top=51", collection=small).message


def test_a_cursor_is_passed_on_as_it_is() -> None:
    assert asked("$skiptoken=a%2Bb%3D").query.after == "a+b="
    for cursor in ("", "x" * 5000):
        assert "$skiptoken" in refused(f"$skiptoken={cursor}").message


NEXT = "https://localhost:8443/v1.0/applications"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (NEXT, f"{NEXT}?$skiptoken=a%2Bb%2F%3D"),
        (f"{NEXT}?$top=2", f"{NEXT}?$top=2&$skiptoken=a%2Bb%2F%3D"),
        (
            f"{NEXT}?%24filter=startswith%28displayName%2C%27a%26b%27%29&$skiptoken=old&$select=id,appId",
            f"{NEXT}?%24filter=startswith%28displayName%2C%27a%26b%27%29&$select=id,appId&$skiptoken=a%2Bb%2F%3D",
        ),
        (f"{NEXT}?%24skipToken=old&skiptoken=old", f"{NEXT}?$skiptoken=a%2Bb%2F%3D"),
    ],
)
def test_the_next_link_repeats_the_options_and_replaces_the_cursor(url: str, link: str) -> None:
    assert odata.next_link(url, "a+b/=") == link
    assert asked(link.partition("?")[2]).query.after == "a+b/="


# -- options -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["$top=5", "$Top=5", "top=5", "%24top=5", " $top=5"])
def test_an_option_is_known_in_any_case_and_without_its_dollar(query: str) -> None:
    assert asked(query).query.top == 5


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("$top=1&$top=2", "more than once"),
        ("$filter=a&filter=b", "more than once"),
        ("$foo=1", "The query parameter '$foo' is not supported."),
        ("$apply=x", "$apply"),
        ("$skip=1", "'$skip' is not supported by the service."),
        ("$deltatoken=latest", "$deltatoken"),
        ("$count=maybe", "Valid values are 'true' or 'false'"),
        ("$expand=nothing", "nothing"),
        ("$expand=owners($top=1)", "$expand"),
        ("$expand=owners(", "identifier"),
        ("$expand=owners owners", "identifier"),
        ("$expand=owners,owners", "more than once"),
        ("$expand=", "identifier"),
    ],
)
def test_an_option_that_is_not_understood_is_refused(query: str, words: str) -> None:
    error = refused(query)
    assert isinstance(error, Invalid)
    assert words in error.message


def test_parameters_that_are_no_options_are_passed_over() -> None:
    assert asked("api-version=1.0&x=1&x=2&$format=json") == asked("")


def test_search_needs_its_header() -> None:
    assert "ConsistencyLevel: eventual" in refused('$search="displayName:x"').message


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ('"displayName:pay"', word("pay")),
        ('"DisplayName:pay-roll 2"', And((word("pay"), word("roll"), word("2")))),
        ('"displayName:a" AND "displayName:b"', And((word("a"), word("b")))),
        ('"displayName:a" OR "displayName:b" AND "displayName:c"', Or((word("a"), And((word("b"), word("c")))))),
    ],
)
def test_a_search_asks_for_words(search: str, found: Filter) -> None:
    assert asked(f"$search={search}", EVENTUAL).query.filter == found


def test_a_search_and_a_filter_both_hold() -> None:
    both = asked("$search=\"displayName:a\"&$filter=displayName eq 'b'&$count=true", EVENTUAL).query.filter
    assert both == And((Comparison("displayName", Operator.EQ, "b"), word("a")))


@pytest.mark.parametrize(
    "search",
    ["displayName:a", '"a"', '"appId:a"', '"displayName:"', '"displayName:a" "displayName:b"', '"displayName:a', ""],
)
def test_a_search_that_is_not_understood_is_refused(search: str) -> None:
    assert isinstance(refused(f"$search={search}", EVENTUAL), Invalid)


# -- names ---------------------------------------------------------------------------------------------------------


def test_selected_names_are_spelt_as_graph_spells_them() -> None:
    assert asked("$select=ID, displayname,id,keyCredentials").select == ("id", "displayName", "keyCredentials")
    assert asked("$select=*").select is None


@pytest.mark.parametrize("name", ["foo", "@odata.type", "owner"])
def test_a_name_that_the_type_does_not_declare_is_refused(name: str) -> None:
    error = refused(f"$select=id,{name}")
    assert error.message == (
        f"Parsing OData Select and Expand failed: Could not find a property named '{name}' "
        "on type 'microsoft.graph.application'."
    )


@pytest.mark.parametrize("names", ["", "id,", ",", ",".join(f"extension_{n}" for n in range(300))])
def test_a_list_of_names_has_names_in_it_and_an_end(names: str) -> None:
    assert isinstance(refused(f"$select={names}"), Invalid)


@pytest.mark.parametrize(
    ("names", "collection"),
    [
        # what m365, azure-cli and Graph's own samples select
        ("appId,appRoles,id,oauth2PermissionScopes,servicePrincipalNames", SERVICE_PRINCIPALS),
        ("customSecurityAttributes", SERVICE_PRINCIPALS),
        ("id,appId,displayName,passwordCredentials,keyCredentials,web,signInAudience", APPLICATIONS),
        ("id,appId,displayName,createdDateTime", DIRECTORY_OBJECTS),
        ("applicationRestrictions", DEFAULT_APP_MANAGEMENT_POLICY),
        ("id,restrictions,isEnabled", APP_MANAGEMENT_POLICIES),
        ("servicePrincipalCredentialKeyId,clientCredentialType,signInEventTypes", BETA_SIGN_INS),
        ("extension_0123_cost", APPLICATIONS),
    ],
)
def test_what_real_clients_select_is_declared(names: str, collection: Collection) -> None:
    assert asked(f"$select={names}", collection=collection).select == tuple(names.split(","))


def test_owners_can_be_expanded_in_a_plain_query() -> None:
    assert asked("$expand=Owners").expand == ("owners",)
    assert "advanced" in refused("$expand=owners&$count=true", EVENTUAL).message


def test_of_what_is_expanded_some_can_be_selected() -> None:
    found = asked("$select=id&$expand=owners($select=id,displayName),appManagementPolicies")
    assert found.expand == ("owners", "appManagementPolicies")
    assert found.within == {"owners": ("id", "displayName")}
    assert found.named == ("id", "owners(id,displayName)", "appManagementPolicies()")


BODY = {"@odata.type": "#x", "id": "1", "appId": "2", "keys": [], "keys@odata.context": "c", "web@odata.type": "w"}


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (None, list(BODY)),
        (("id",), ["@odata.type", "id"]),
        (("ID", "keys", "absent"), ["@odata.type", "id", "keys", "keys@odata.context"]),
        ((), ["@odata.type"]),
    ],
)
def test_a_selection_keeps_the_control_information_of_what_it_keeps(names: Any, shown: list[str]) -> None:
    assert list(odata.select(BODY, names)) == shown


def test_the_context_names_what_was_selected() -> None:
    root = "https://localhost:8443"
    assert odata.context_url(root, "v1.0", "applications", None) == f"{root}/v1.0/$metadata#applications"
    assert odata.context_url(f"{root}/", "beta", "applications", ("id", "appId")) == (
        f"{root}/beta/$metadata#applications(id,appId)"
    )


# -- filters and the advanced query parameters -----------------------------------------------------------------------

PLAIN = [
    "appId eq 'x'",
    "id in ('a','b')",
    "displayName eq 'x'",
    "startswith(displayName,'x')",
    "identifierUris/any(s:s eq 'x')",
    "identifierUris/any(s:startswith(s,'x'))",
    "createdDateTime ge 2026-01-01T00:00:00Z and createdDateTime le 2026-02-01",
    "signInAudience eq 'AzureADMyOrg' or publisherDomain eq 'contoso.com'",
    "tags/any(t:t eq 'x')",
    "requiredResourceAccess/any(r:r/resourceAppId eq 'x')",
    "keyCredentials/any(k:k/keyId eq 'x')",
    "keyCredentials/any(c:c/endDateTime le 2026-01-01)",
    "displayName eq null",
]
ADVANCED = [
    "displayName ne 'x'",
    "not(displayName eq 'x')",
    "NOT startsWith(displayName,'x')",
    "appId ne 'x'",
    "displayName ge 'x'",
    "endsWith(displayName,'x')",
    "createdDateTime in (2026-01-01)",
    "startswith(publisherDomain,'x')",
    "identifierUris/any(s:s ge 'x')",
    "owners/$count eq 0",
    "owners/$count ne 0",
    " or ".join(["id eq 'x'"] * 16),
    "id in (" + ",".join(["'x'"] * 16) + ")",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_question_works_as_it_is(text: str) -> None:
    assert asked(f"$filter={text}").query.filter == asked(f"$filter={text}&$count=true", EVENTUAL).query.filter


@pytest.mark.parametrize("text", ADVANCED)
def test_an_advanced_question_needs_the_header_and_the_count(text: str) -> None:
    for query, headers in ((f"$filter={text}", {}), (f"$filter={text}", EVENTUAL), (f"$filter={text}&$count=true", {})):
        assert refused(query, headers).code == "Request_UnsupportedQuery"
    found = asked(f"$filter={text}&$count=true", {"consistencylevel": "Eventual"})
    assert found.query.count
    assert found.query.count
    assert asked(f"$filter={text}&$count=true&ConsistencyLevel=eventual") == found


def test_the_refusal_says_what_is_missing() -> None:
    assert refused("$filter=displayName ne 'x'").message.startswith(
        "Operator 'ne' is not supported because the required parameters might be missing. "
        "Try adding $count=true query parameter and ConsistencyLevel:eventual header."
    )
    assert "Max allowed: 15" in refused("$filter=" + " or ".join(["id eq 'x'"] * 16)).message


def test_a_count_without_the_header_is_not_counted() -> None:
    assert not asked("$count=true").query.count
    assert asked("$count=true", EVENTUAL).query.count


def test_sorting_is_an_advanced_query_in_the_directory_and_not_in_the_logs() -> None:
    assert refused("$orderby=displayName").message.startswith("Sorting not supported for current query.")
    assert asked("$orderby=displayname desc&$count=true", EVENTUAL).query.order_by == OrderBy("displayName", True)
    newest = asked("$orderby=activityDateTime desc", collection=DIRECTORY_AUDITS).query.order_by
    assert newest == OrderBy("activityDateTime", descending=True)
    assert asked("$orderby=createdDateTime ASC", collection=BETA_SIGN_INS).query.order_by == OrderBy("createdDateTime")


@pytest.mark.parametrize(
    "order", ["", "displayName down", "displayName asc x", "displayName,id", "displayName asc,id", "foo"]
)
def test_an_order_is_one_property_and_a_direction(order: str) -> None:
    assert isinstance(refused(f"$orderby={order}&$count=true", EVENTUAL), Invalid)


@pytest.mark.parametrize(
    ("text", "collection", "type_"),
    [
        ("foo eq 1", APPLICATIONS, "application"),
        ("foo/any(f:f eq 1)", APPLICATIONS, "application"),
        ("signInEventTypes/any(t: t eq 'servicePrincipal')", SIGN_INS, "signIn"),
        ("clientCredentialType eq 'clientSecret'", SIGN_INS, "signIn"),
    ],
)
def test_a_property_that_the_type_does_not_have_is_named(text: str, collection: Collection, type_: str) -> None:
    name = text.replace("/", " ").split()[0]
    error = refused(f"$filter={text}", collection=collection)
    assert error.code == "Request_BadRequest"
    assert f"Could not find a property named '{name}' on type 'microsoft.graph.{type_}'" in error.message


def test_names_in_a_filter_are_spelt_as_graph_spells_them() -> None:
    spelt = asked("$filter=keycredentials/any(k:k/KEYID eq 'x')").query.filter
    assert spelt == AnyOf("keyCredentials", Comparison("keyId", Operator.EQ, "x"))
    assert asked("$filter=Status/errorCode eq 0", collection=SIGN_INS).query.filter == (
        Comparison("status/errorCode", Operator.EQ, 0)
    )


def test_an_empty_string_is_a_mistake_that_shows_in_the_directory() -> None:
    error = refused("$filter=servicePrincipalNames/any(c:c eq '')", collection=SERVICE_PRINCIPALS)
    assert error.message == (
        "Unsupported or invalid query filter clause specified for property 'servicePrincipalNames' "
        "of resource 'ServicePrincipal'."
    )


def test_the_logs_answer_without_the_advanced_query_parameters() -> None:
    found = asked("$filter=not(status/errorCode eq 0)", collection=BETA_SIGN_INS).query.filter
    assert found == Not(Comparison("status/errorCode", Operator.EQ, 0))


def test_the_bare_count_needs_its_header() -> None:
    odata.require_eventual_for_count(EVENTUAL)
    with pytest.raises(Invalid, match=r"^\$count is not currently supported\."):
        odata.require_eventual_for_count({})
