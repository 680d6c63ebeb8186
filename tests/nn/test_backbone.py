import pytest

from occreid.errors import UserError
from occreid.nn import create_backbone


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UserError, match=r"'resnt50'\. Did you mean 'res.*50"):
        create_backbone("resnt50", "none")
