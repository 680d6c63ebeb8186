import pytest
from pydantic import BaseModel, ValidationError

from occreid.serve import schemas

GOOD = {"search_id": "0123456789abcdef", "id": "a", "verdict": "right"}


@pytest.mark.parametrize("change", [{}, {"verdict": "wrong"}, {"verdict": "unsure"}, {"id": "x" * 128}])
def test_a_verdict(change):
    assert schemas.Mark(**{**GOOD, **change}).id


@pytest.mark.parametrize(
    "change",
    [
        {"search_id": "0123456789ABCDEF"},
        {"search_id": "0123456789abcdef0"},
        {"search_id": "0123456789abcdef\n"},
        {"id": ""},
        {"id": "x" * 129},
        {"verdict": "maybe"},
    ],
)
def test_what_is_no_verdict(change):
    with pytest.raises(ValidationError):
        schemas.Mark(**{**GOOD, **change})


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_probability_lies_between_nothing_and_certainty(value):
    facts = {"distance": 1.0, "score": 0.5, "message": "", "visibility": ([True], [True])}
    assert schemas.Compared(probability=None, **facts).probability is None
    with pytest.raises(ValidationError):
        schemas.Compared(probability=value, **facts)


def test_every_answer_says_what_it_is():
    answers = [
        c for c in vars(schemas).values() if isinstance(c, type) and issubclass(c, BaseModel) and c is not BaseModel
    ]
    assert len(answers) > 10
    for answer in answers:
        assert (answer.__doc__ and "features" not in answer.model_fields) or answer is schemas.Embedding
