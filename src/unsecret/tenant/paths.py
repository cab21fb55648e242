"""One spelling for every URL.

Clients write the same address in many ways: `/v1.0//applications` (msgraph-sdk), `/v1.0/myorganization/…`
(CLI for Microsoft 365), `/v1.0/{tenantId}/…` (older releases of Terraform's provider), `/auditLogs/directoryaudits`,
`applications(appId='…')`, `microsoft.graph.addPassword`, `graph.user` (clients that Kiota made).
This turns each into the one path that the route table knows. Keys become a segment of their own:
`applications(appId='x')/owners` → `/applications/appId=x/owners`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from unsecret.model.identifiers import canonical_guid

VERSIONS = ("v1.0", "beta")

_KEYED = re.compile(r"(?P<name>[A-Za-z.]+)\((?P<key>.*)\)")
_QUOTED = re.compile(r"(?:(?P<property>[A-Za-z]+)\s*=\s*)?'(?P<text>(?:[^']|'')*)'")
_NAMESPACE = "microsoft.graph."
_ALIAS = "graph."
"""The schema's other name for its namespace, which the generated SDKs write: `deletedItems/graph.application`."""

LENGTH_OF_ID = 36
"""Looked at before anything else: most segments in this place are words."""


def canonical_path(path: str, words: Mapping[str, str]) -> str:
    """`path` as the route table spells it; a path outside Graph only loses its doubled slashes.

    `words` maps a case-folded segment to its spelling.
    """
    segments = [segment for segment in path.split("/") if segment]
    if not segments or segments[0].casefold() not in VERSIONS:
        return "/" + "/".join(segments)
    version, *rest = segments
    if rest and (rest[0].casefold() == "myorganization" or _is_id(rest[0])):
        rest = rest[1:]
    spelled = [version.casefold()]
    for segment in rest:
        if "(" in segment:
            spelled += _respelled(segment, words)
        else:
            spelled.append(_word(segment, words))
    return "/" + "/".join(spelled)


def tenant_in(path: str) -> str | None:
    """The id of the tenant that a Graph path names in front of everything else, `/beta/{tenantId}/applications`."""
    segments = [segment for segment in path.split("/", 4) if segment]
    named = len(segments) > 1 and segments[0].casefold() in VERSIONS and _is_id(segments[1])
    return canonical_guid(segments[1]) if named else None


def kind_in(segment: str) -> str:
    """The type that a list is narrowed to by the end of its path, case-folded: `microsoft.graph.user`, `graph.user`."""
    return segment.casefold().removeprefix("microsoft.").removeprefix(_ALIAS)


def _is_id(segment: str) -> bool:
    return len(segment) == LENGTH_OF_ID and canonical_guid(segment) is not None


def _respelled(segment: str, words: Mapping[str, str]) -> list[str]:
    keyed = _KEYED.fullmatch(segment)
    if keyed is None:
        return [_word(segment, words)]
    key = _key(keyed["key"])
    if key is None:
        return [segment]
    return [_word(keyed["name"], words), key] if key else [_word(keyed["name"], words)]


def _key(text: str) -> str | None:
    """`appId='x'` → `appId=x`, `'x'` → `x`, nothing → nothing; None when it is no key at all."""
    if not text.strip():
        return ""
    quoted = _QUOTED.fullmatch(text.strip())
    if quoted is None:
        return None
    value = quoted["text"].replace("''", "'")
    return f"{quoted['property']}={value}" if quoted["property"] else value


def _word(segment: str, words: Mapping[str, str]) -> str:
    whole = segment.casefold()
    if whole.startswith(_ALIAS):
        whole = _NAMESPACE + whole.removeprefix(_ALIAS)
    return words.get(whole) or words.get(whole.removeprefix(_NAMESPACE), segment)
