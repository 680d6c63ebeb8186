import pyarrow as pa
import torch

from occreid.gallery.coded import Coded


def test_names_are_coded_and_the_unknown_equals_nobody():
    for column in (pa.array(["b", None, "a", "b"]), pa.chunked_array([["b", None], ["a", "b"]])):
        coded = Coded.of(column)
        assert coded.names == ("b", "a") and coded.codes.tolist() == [0, -1, 1, 0]
        assert coded.among(["b", "elsewhere"]).tolist() == [True, False, False, True]
        assert coded.among([]).tolist() == [False] * 4
        assert coded.code("elsewhere") == coded.code(None) not in coded.codes.tolist()
        assert coded[torch.tensor([2, 1])].codes.tolist() == [1, -1]
