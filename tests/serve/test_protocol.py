import asyncio
import json

import h11
import pytest
import uvicorn

from occreid.serve.protocol import GuardedProtocol


class Quick(GuardedProtocol):
    head_seconds = 0.3
    most_connections = 5


ENDED = []


async def app(scope, receive, send):
    if scope["type"] == "http":
        if scope["method"] == "POST":
            while (message := await receive())["type"] != "http.disconnect" and message.get("more_body"):
                pass
            ENDED.append(message["type"])
        try:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})
        except h11.LocalProtocolError as error:
            ENDED.append(str(error))


@pytest.fixture
def scene():
    """Run a scene against a server on a port of its own."""

    def run(act):
        async def whole():
            config = uvicorn.Config(app, port=0, http=Quick, lifespan="off", log_level="critical", ws="none")
            server = uvicorn.Server(config)
            task = asyncio.create_task(server._serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            try:
                return await act(lambda: asyncio.open_connection("127.0.0.1", port))
            finally:
                server.should_exit = True
                await task

        return asyncio.run(whole())

    return run


GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def asked(connect):
    reader, writer = await connect()
    writer.write(GET)
    answer = await asyncio.wait_for(reader.readuntil(b"ok"), 20)
    writer.transport.abort()
    return answer[:15]


def test_a_head_that_does_not_arrive_is_given_up(scene):
    async def act(connect):
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\n")
        with pytest.raises((ConnectionError, EOFError)):  # broken off, not answered
            await asyncio.wait_for(reader.readexactly(1), 20)
        writer.transport.abort()

    scene(act)


def test_idle_connections_make_way_for_new_ones(scene):
    async def act(connect):
        idle = [await connect() for _ in range(30)]
        answers = [await asked(connect) for _ in range(3)]
        for _, writer in idle:
            writer.transport.abort()
        return answers

    assert scene(act) == [b"HTTP/1.1 200 OK"] * 3


def test_what_is_no_http_is_answered_as_every_other_mistake(scene):
    async def act(connect):
        reader, writer = await connect()
        writer.write(b"\x00\x01 noise\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.transport.abort()
        return answer

    head, _, body = scene(act).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") and json.loads(body).keys() == {"problem", "hint", "request_id"}


@pytest.mark.parametrize(("method", "ended"), [("POST", ["http.disconnect"]), ("GET", [])])
def test_a_body_that_is_no_http_is_one_answer_and_no_fault_of_the_service(scene, method, ended):
    async def act(connect):
        reader, writer = await connect()
        writer.write(method.encode() + b" / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.transport.abort()
        await asyncio.sleep(0.1)
        return answer

    ENDED.clear()
    assert scene(act).count(b"HTTP/1.1 400") == 1 and ended == ENDED
