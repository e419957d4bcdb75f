"""The safety line of the project, as far as it can be tested with what is built.

Not built yet, so not tested yet: damage needs an incident (there is no damage), coarse and delayed
restoration plans (there is no plan).
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from typing import Any

import pytest

from tests.rules.sources import (
    ROOT,
    SVITLO,
    dotted,
    imported,
    kept_files,
    kept_texts,
    modules,
    tree,
)

TARGETING = (
    "criticality",
    "importance",
    "betweenness",
    "shadow_price",
    "interdiction",
    "vulnerability",
    "n_minus",
    "worst_case_attack",
    "most_damaging",
    "high_value",
    "target_list",
    "target_rank",
    "unit_position",
)
"""Words of rankings and positions that would make of the record a list of targets."""

NETWORK = frozenset({"socket", "ssl", "http", "urllib", "httpx", "asyncio", "ftplib", "smtplib"})
MAY_USE_NETWORK = frozenset(
    {
        "svitlo.node.timestamps",  # asks a time-stamp authority, when a checkpoint is stamped
        "svitlo.node.demo.authority",  # the demonstration's own authority, on the loopback
        "svitlo.node.sandbox",  # a socket pair to its child
        "svitlo.node.answer",  # what comes over that pair
        "svitlo.media.__main__",  # the child's end of it
    }
)

GREEN = re.compile(r"✓|✔|\bgreen\b|\bGOOD: | intact\"|\"holds\"(?: if|\))", re.IGNORECASE)
SHOWING = ("src/svitlo/cli/", "src/svitlo/web/", "src/svitlo/dossier/", "src/svitlo/node/demo/")
NOT_TRUTH = "integrity and time, not truth"

PLACE_LAYERS = frozenset({".geojson", ".topojson", ".gpkg", ".mbtiles", ".pmtiles", ".shp", ".kml"})
IN_CRIMEA = ((34.10, 44.95), (33.52, 44.60), (36.47, 45.35))  # Simferopol, Sevastopol, Kerch
COUNTRY_NAMES = ("iso_a2", "ISO_A2", "iso_a3", "country", "COUNTRY", "admin", "ADMIN")

OBLASTS = (
    "Vinnytsia Volyn Dnipropetrovsk Donetsk Zhytomyr Zakarpattia Zaporizhzhia Ivano-Frankivsk "
    "Kirovohrad Luhansk Lviv Mykolaiv Odesa Poltava Rivne Sumy Ternopil Kharkiv Kherson "
    "Khmelnytskyi Cherkasy Chernivtsi Chernihiv"
)
RUSSIAN_SPELLINGS = ("Ki" + "ev", "Lv" + "ov", "Ode" + "ssa", "Khar" + "kov", "Dne" + "propetrovsk")


def test_nothing_is_named_after_a_ranking_of_assets() -> None:
    named = {
        f"{dotted(path)}: {name}"
        for path in modules()
        for node in ast.walk(tree(path))
        for name in names_in(node)
        if any(word in name.lower() for word in TARGETING)
    }

    assert not named


def names_in(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
            return [name]
        case _:
            return []


def test_only_named_modules_use_the_network() -> None:
    users = {
        dotted(path)
        for path in modules()
        if {name.split(".")[0] for name in imported(path)} & NETWORK
    }

    assert users <= MAY_USE_NETWORK


def test_reading_evidence_fetches_no_remote_manifest() -> None:
    readers = [path for path in modules(SVITLO / "media") if "c2pa" in imported(path)]

    assert readers
    for path in readers:
        text = path.read_text(encoding="utf-8")
        assert re.search(r"remote_manifest_fetch\W+False", text), dotted(path)
        assert re.search(r"ocsp_fetch\W+False", text), dotted(path)


def test_a_green_mark_stands_beside_its_limit() -> None:
    marked = {
        name: text
        for name, text in kept_texts().items()
        if name.startswith(SHOWING) and GREEN.search(text)
    }

    doors = ("cli/exhibit", "cli/log", "cli/vault", "dossier/verify")
    assert marked.keys() >= {f"src/svitlo/{name}.py" for name in doors}
    silent = [
        name for name, text in marked.items() if NOT_TRUTH not in text and "({CAUTION})" not in text
    ]

    assert not silent


def test_what_people_read_first_says_the_limit() -> None:
    verifier = "".join(path.read_text(encoding="utf-8") for path in modules(SVITLO / "dossier"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")

    assert [NOT_TRUTH in text for text in (verifier, readme, index)] == [True, True, True]


def test_crimea_is_in_ukraine_in_every_layer_we_ship() -> None:
    # No layer is shipped yet: this holds the first one that is.
    layers = [path for path in kept_files() if path.suffix in PLACE_LAYERS]

    unreadable = [path.name for path in layers if path.suffix != ".geojson"]

    assert not unreadable, "extend this test before a layer of another format is shipped"
    for path in layers:
        assert not strangers(json.loads(path.read_text(encoding="utf-8"))), path.name


def strangers(layer: dict[str, Any]) -> list[str]:
    """The countries other than Ukraine that a layer puts Crimea into."""
    return [
        country
        for feature in layer["features"]
        for point in IN_CRIMEA
        if covers(feature["geometry"], point)
        for name in COUNTRY_NAMES
        if (country := feature["properties"].get(name))
        and country not in {"UA", "UKR", "Ukraine", "Україна"}
    ]


def covers(geometry: dict[str, Any], point: tuple[float, float]) -> bool:
    shapes = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else []
    if geometry["type"] == "Polygon":
        shapes = [geometry["coordinates"]]
    return any(inside(shape[0], point) for shape in shapes)


def inside(ring: list[list[float]], point: tuple[float, float]) -> bool:
    """Whether a point lies in a ring, by counting crossings of a ray to the east."""
    x, y = point
    crossings = 0
    for (x1, y1), (x2, y2) in itertools.pairwise(ring):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            crossings += 1
    return crossings % 2 == 1


@pytest.mark.parametrize(("country", "found"), [("UA", 0), ("RU", 3)])
def test_the_check_of_layers_sees_a_wrong_one(country: str, found: int) -> None:
    peninsula = [[32.0, 44.0], [37.0, 44.0], [37.0, 46.0], [32.0, 46.0], [32.0, 44.0]]
    shape = {"type": "Polygon", "coordinates": [peninsula]}
    layer = {"features": [{"geometry": shape, "properties": {"iso_a2": country}}]}

    assert len(strangers(layer)) == found


def test_places_have_their_ukrainian_names() -> None:
    spelled = re.compile(rf"\b({'|'.join(RUSSIAN_SPELLINGS)})\b")

    wrong = [name for name, text in kept_texts().items() if spelled.search(text)]

    assert not wrong


def test_demo_and_documents_name_no_oblast_at_war() -> None:
    oblast = re.compile(rf"\b({'|'.join(OBLASTS.split())})\b")
    shown = {
        name: text
        for name, text in kept_texts().items()
        if name.startswith(("docs/", "changes/", "README", "CHANGELOG", "src/svitlo/node/demo/"))
    }

    assert not [name for name, text in shown.items() if oblast.search(text)]
