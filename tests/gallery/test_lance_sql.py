from occreid.gallery import Filter
from occreid.gallery.lance_sql import all_of, conditions_of, one_of


def test_a_filter_in_sql():
    assert conditions_of(None) == [] and all_of([]) == "true" and one_of("camid", []) == "false"
    wanted = conditions_of(Filter(camids=(1, "o'clock"), start=1.5, end=2.5, tags=("a b",), exclude_camid="door"))
    assert wanted == [
        "array_has(tags, 'a b')",
        "camera IN ('1', 'o''clock')",
        "time >= 1.5",
        "time < 2.5",
        "camera is null or camera != 'door'",
    ]
