import json

import pytest

from occreid.cli.extracted import part_facts
from occreid.errors import UserError


def test_facts_lie_beside_the_part(tmp_path):
    facts = {"metric": "cosine", "weights_sha256": "w", "benchmark": "toy", "more": 1}
    (tmp_path / "extraction.json").write_text(json.dumps(facts))
    assert part_facts(tmp_path / "gallery") == facts


@pytest.mark.parametrize("text", ["{", "[]", '{"metric": "cosine"}'])
def test_damage_is_named(tmp_path, text):
    (tmp_path / "extraction.json").write_text(text)
    with pytest.raises(UserError, match=r"extraction\.json"):
        part_facts(tmp_path / "gallery")
    with pytest.raises(UserError, match="no file"):
        part_facts(tmp_path / "other" / "gallery")
