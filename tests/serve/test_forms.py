import asyncio

import pytest
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException

from occreid.serve.forms import parse

KIND = Headers({"content-type": "multipart/form-data; boundary=b"})


def part(name, content, more=""):
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{content}\r\n'.encode()


def test_a_form_is_read_in_a_thread_of_its_own():
    async def scene():
        return await asyncio.to_thread(parse, KIND, part("k", "5") + part("p", "x", '; filename="p"') + b"--b--\r\n")

    form = asyncio.run(scene())
    assert form["k"] == "5" and form["p"].file.read() == b"x"
    asyncio.run(form.close())


@pytest.mark.parametrize("body", [part("k", "5") * 400, part("k", "x" * 70_000), b"--c\r\n"])
def test_too_many_or_too_long_fields_and_noise_are_refused(body):
    with pytest.raises(MultiPartException):
        parse(KIND, body + b"--b--\r\n")


def test_a_form_without_files_may_be_urlencoded():
    kind = Headers({"content-type": "application/x-www-form-urlencoded"})
    assert parse(kind, b"id=cam%2F1&k=5")["id"] == "cam/1"
