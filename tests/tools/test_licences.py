"""The list of licences, and that nothing installed may bind who uses it."""

from email.message import Message
from types import SimpleNamespace

import pytest

from installed import USE, closure
from licences import kind_of, licence_of, rows


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("Apache-2.0", "granted"),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", "granted"),
        ("GPL-3.0-or-later", "copyleft"),
        ("LGPL-2.1-only AND MIT", "copyleft"),
        ("GNU Affero General Public License v3", "copyleft"),
        ("GPL-2.0-only OR MIT", "granted"),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", "weak"),
        ("MIT AND (GPL-3.0 OR AGPL-3.0)", "copyleft"),
        ("LicenseRef-NVIDIA-Proprietary", "nvidia"),
        ("CC-BY-NC-4.0", "copyleft"),
        ("", "unknown"),
        ("Ask us", "unknown"),
    ],
)
def test_a_licence_is_of_one_kind(licence, kind):
    assert kind_of(licence) == kind


def _package(**fields):
    data = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            data[name.replace("_", "-")] = value
    return SimpleNamespace(metadata=data, version="1")


def test_what_a_package_says_is_found_wherever_it_says_it():
    assert licence_of("a", _package(License_Expression="MIT")) == "MIT"
    assert licence_of("a", _package(License="BSD")) == "BSD"
    assert (
        licence_of("a", _package(Classifier=["License :: OSI Approved :: ISC License (ISCL)"])) == "ISC License (ISCL)"
    )
    assert (
        licence_of("a", _package(License="The terms\nApache License, Version 2.0\n")) == "Apache License, Version 2.0"
    )
    assert licence_of("a", _package(Name="a")) == ""
    assert licence_of("anny", _package(Name="anny")) == "Apache-2.0"


def test_nothing_that_is_installed_is_under_a_copyleft():
    found = rows(closure(USE))
    assert len(found) > 60
    assert {name: kind for name, _, _, kind in found if kind in ("copyleft", "unknown")} == {}
    assert {name for name, _, _, kind in found if kind == "weak"} <= {"certifi", "tqdm", "orjson"}
