from __future__ import annotations

import re

from tests.rules.sources import ROOT, kept_files, kept_texts

REGISTRIES = (
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "crates" + ".io",
    "proxy.go" + "lang.org",
)
MACHINE_PATH = re.compile(r"(?<![\w.<{$])/(?:work|root|home/[a-z]\w*|Users/\w+)/\w")
LARGEST_BYTES = 512 * 1024


def test_no_kept_file_names_the_host_of_a_package_registry() -> None:
    named = [
        (name, host) for name, text in kept_texts().items() for host in REGISTRIES if host in text
    ]

    assert not named


def test_no_kept_file_names_a_path_of_somebodys_machine() -> None:
    named = [name for name, text in kept_texts().items() if MACHINE_PATH.search(text)]

    assert not named


def test_no_kept_file_is_large() -> None:
    large = [
        str(path.relative_to(ROOT)) for path in kept_files() if path.stat().st_size > LARGEST_BYTES
    ]

    assert not large


def test_every_folder_of_vectors_names_its_source() -> None:
    vectors = ROOT / "tests" / "vectors"
    folders = [path for path in vectors.iterdir() if path.is_dir()] if vectors.is_dir() else []

    assert not [path.name for path in folders if not list(path.glob("SOURCE*"))]
