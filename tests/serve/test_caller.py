from occreid.serve.caller import Caller
from occreid.serve.keys import Key


def test_the_log_gets_the_key_but_not_its_hash():
    caller = Caller(Key("1a", "anna", ("search",), "secret", 0.0), "r1", "10.0.0.1")
    assert caller.facts() == {"key": "1a", "name": "anna", "request": "r1", "from": "10.0.0.1"}
