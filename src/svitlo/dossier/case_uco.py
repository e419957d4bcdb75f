"""A dossier as a CASE graph: exhibits, provenance records and custody as JSON-LD.

Identifiers are UUIDv5 of the dossier's own, so the same dossier gives the same graph. Digests are
upper-case xsd:hexBinary, their method a plain string. CASE 1.5 and UCO 1.5; `case_validate` is the
oracle.
"""

import uuid
from collections.abc import Iterator
from typing import Any

from svitlo.dossier.contents import Dossier, Exhibit
from svitlo.dossier.proofs import Opening
from svitlo.dossier.tables import exhibits_by_name
from svitlo.seal.canonical import dumps

_CONTEXT = {
    "kb": "urn:uuid:",
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://ontology.caseontology.org/svitlo")


def case_graph(dossier: Dossier) -> bytes:
    """The graph as JSON-LD, sorted, with its context inside."""
    graph = list(_Graph(dossier).nodes())
    return dumps({"@context": _CONTEXT, "@graph": graph}) + b"\n"


class _Graph:
    """The nodes of one dossier's graph."""

    def __init__(self, dossier: Dossier) -> None:
        self.dossier = dossier
        self.space = uuid.uuid5(_SPACE, dossier.case.dossier)

    def ident(self, *parts: object) -> str:
        return f"kb:{uuid.uuid5(self.space, ' '.join(map(str, parts)))}"

    def link(self, *parts: object) -> dict[str, str]:
        return {"@id": self.ident(*parts)}

    def nodes(self) -> Iterator[dict[str, Any]]:
        case = self.dossier.case
        yield {
            "@id": self.ident("organisation"),
            "@type": "uco-identity:Organization",
            "uco-core:name": case.organisation or case.node,
        }
        yield {
            "@id": self.ident("tool"),
            "@type": "uco-tool:Tool",
            "uco-core:name": "svitlo",
            "uco-tool:version": case.version,
        }
        events = [one for one in self.dossier.statements if one.kind == "custody.event"]
        names = {key[2]: key[3] for key in self.dossier.trust.people}
        for person in sorted({str(event.value["actor"]) for event in events}):
            yield {
                "@id": self.ident("person", person),
                "@type": "uco-identity:Person",
                "uco-core:name": names.get(person) or person,
            }
        for exhibit in self.dossier.exhibits:
            yield from self.exhibit(exhibit)
        meant = exhibits_by_name(self.dossier)
        for event in events:
            yield self.action(event, meant)
        yield self.investigation(events)

    def investigation(self, events: list[Opening]) -> dict[str, Any]:
        objects = [self.link("exhibit", one.id) for one in self.dossier.exhibits]
        objects += [self.link("record", one.id) for one in self.dossier.exhibits]
        objects += [self.link("event", event.value["id"]) for event in events]
        return {
            "@id": self.ident("investigation"),
            "@type": "case-investigation:Investigation",
            "uco-core:name": self.dossier.case.title or self.dossier.case.dossier,
            "uco-core:object": objects,
        }

    def exhibit(self, exhibit: Exhibit) -> Iterator[dict[str, Any]]:
        node = self.file(
            ("exhibit", exhibit.id), exhibit.name, exhibit.mime, (exhibit.size, exhibit.sha256)
        )
        if exhibit.modified_at:
            time = {"@type": "xsd:dateTime", "@value": exhibit.modified_at}
            node["uco-core:hasFacet"][0]["uco-observable:modifiedTime"] = time
        yield node | {"uco-core:description": exhibit.title or exhibit.name}
        yield {
            "@id": self.ident("record", exhibit.id),
            "@type": "case-investigation:ProvenanceRecord",
            "case-investigation:exhibitNumber": exhibit.number,
            "uco-core:description": exhibit.source or "source not stated",
            "uco-core:object": [self.link("exhibit", exhibit.id)],
        }
        for one in exhibit.derivatives:
            key = ("derivative", exhibit.id, one.k)
            name = f"redacted-{one.k}.{one.extension}"
            yield self.file(key, name, "application/octet-stream", (one.size, one.sha256))
            yield {
                "@id": self.ident("relationship", exhibit.id, one.k),
                "@type": "uco-observable:ObservableRelationship",
                "uco-core:source": self.link(*key),
                "uco-core:target": self.link("exhibit", exhibit.id),
                "uco-core:kindOfRelationship": "Derived_From",
                "uco-core:isDirectional": {"@type": "xsd:boolean", "@value": True},
            }

    def file(
        self, key: tuple[object, ...], path: str, mime: str, content: tuple[int, str]
    ) -> dict[str, Any]:
        """A file with its two facets; `content` is size and SHA-256."""
        size, sha256 = content
        name = path.rsplit("/", 1)[-1] or path
        facet = {
            "@id": self.ident("file facet", *key),
            "@type": "uco-observable:FileFacet",
            "uco-observable:fileName": name,
            "uco-observable:filePath": path,
            "uco-observable:sizeInBytes": size,
        }
        if "." in name[1:]:
            facet["uco-observable:extension"] = name.rsplit(".", 1)[1]
        hash_node = {
            "@id": self.ident("hash", *key),
            "@type": "uco-types:Hash",
            "uco-types:hashMethod": "SHA256",
            "uco-types:hashValue": {"@type": "xsd:hexBinary", "@value": sha256.upper()},
        }
        data = {
            "@id": self.ident("content facet", *key),
            "@type": "uco-observable:ContentDataFacet",
            "uco-observable:mimeType": mime,
            "uco-observable:sizeInBytes": size,
            "uco-observable:hash": hash_node,
        }
        return {
            "@id": self.ident(*key),
            "@type": "uco-observable:File",
            "uco-core:hasFacet": [facet, data],
        }

    def action(self, event: Opening, meant: dict[str, list[str]]) -> dict[str, Any]:
        about = sorted({one for name in event.subject for one in meant.get(name, ())})
        time = {"@type": "xsd:dateTime", "@value": event.value["at"]}
        node: dict[str, Any] = {
            "@id": self.ident("event", event.value["id"]),
            "@type": "case-investigation:InvestigativeAction",
            "uco-core:name": str(event.body.get("event") or "event"),
            "uco-core:description": str(event.body.get("purpose") or "purpose not stated"),
            "uco-action:startTime": time,
            "uco-action:performer": self.link("person", event.value["actor"]),
            "uco-action:instrument": [self.link("tool")],
        }
        if about:
            objects = [self.link("exhibit", name) for name in about]
            node["uco-action:object"] = objects
            node["uco-action:result"] = [self.link("record", n) for n in about]
        return node
