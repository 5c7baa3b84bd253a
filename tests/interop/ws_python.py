"""Python's websockets as a peer of ours. Needs the package, and nothing of the harness: it may run in another Python.

    ws_python.py client URL OPTIONS    tries what an echo server must do
    ws_python.py echo URL OPTIONS      a client that sends messages back
    ws_python.py server OPTIONS        a server that sends messages back

OPTIONS are JSON: deflate (none, or an object of the parameters of RFC 7692), protocols, origin, ca, certificate and
key, first (a message of so many bytes that an echo client begins with). Who echoes takes orders from messages:
"!ping WORD", "!parts WORD WORD…" and "!close CODE REASON".
"""
import asyncio
import json
import ssl
import sys

import websockets
from websockets.extensions import permessage_deflate

SIZES = 0, 1, 125, 126, 65535, 65536, 1 << 20
LARGEST = 1 << 21


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")  # in one piece
    sys.stdout.flush()


def common(options, factory):
    """What connect and serve are given. No ping and no message but those of the test."""
    deflate = options.get("deflate")
    return {"subprotocols": options.get("protocols") or None, "compression": None, "max_size": LARGEST,
            "ping_interval": None, "extensions": None if deflate is None else [factory(**deflate)]}


def connect(url, options):
    factory = permessage_deflate.ClientPerMessageDeflateFactory
    if options.get("ca"):
        arguments = {"ssl": ssl.create_default_context(cafile=options["ca"])}
    else:
        arguments = {}
    return websockets.connect(url, origin=options.get("origin"), **arguments, **common(options, factory))


def say_open(socket):
    # Newer versions of the package keep them in an object of its own.
    extensions = getattr(socket, "protocol", socket).extensions
    say(f"open protocol={socket.subprotocol or ''} deflates={int(bool(extensions))}")


async def run_client(url, options):
    async with connect(url, options) as socket:
        say_open(socket)

        async def check(message, whole=None):
            await socket.send(message)
            assert await socket.recv() == (message if whole is None else whole)

        for size in SIZES:
            await check(("x1y2z3w4" * (size // 8 + 1))[:size])
            await check(bytes((number * number) % 251 for number in range(size)))
        await check("gr\u00fc\u00dfe \u65e5\u672c \U0001f388")
        await check(iter(["a", "", "\u00e9" * 70000, "z"]), "a" + "\u00e9" * 70000 + "z")
        await check(iter([b"\x00" * 10, b"\xff" * 300]), b"\x00" * 10 + b"\xff" * 300)
        await (await socket.ping(b"are you there"))

        async def send_all():
            for number in range(1000):
                await socket.send(f"number {number}")

        sending = asyncio.ensure_future(send_all())
        for number in range(1000):
            assert await socket.recv() == f"number {number}"
        await sending
        await socket.close(4321, "bye")
        say("close", socket.close_code, socket.close_reason)
    say("all done")


async def obey(socket, order):
    verb, *words = order.split()
    if verb == "!ping":
        await (await socket.ping(words[0]))
        await socket.send("pong " + words[0])
    elif verb == "!parts":
        await socket.send(iter(words))
    elif verb == "!close":
        await socket.close(int(words[0]), " ".join(words[1:]))


async def echo(socket):
    say_open(socket)
    try:
        async for message in socket:
            if isinstance(message, str) and message.startswith("!"):
                await obey(socket, message)
            else:
                await socket.send(message)
    except websockets.ConnectionClosed:
        pass
    say("close", socket.close_code, socket.close_reason)


async def run_echo(url, options):
    try:
        async with connect(url, options) as socket:
            if options.get("first"):
                await socket.send("x" * options["first"])
            await echo(socket)
    except websockets.InvalidHandshake as error:
        answer = getattr(error, "response", error)
        say("refused", answer.status_code)


async def run_server(options):
    context = None
    if options.get("certificate"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["certificate"], options["key"])
    arguments = common(options, permessage_deflate.ServerPerMessageDeflateFactory)
    async with websockets.serve(echo, "127.0.0.1", 0, ssl=context, **arguments) as server:
        say("listening", list(server.sockets)[0].getsockname()[1])
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


role, *where, options_text = sys.argv[1:]
asyncio.run({"client": run_client, "echo": run_echo, "server": run_server}[role](*where, json.loads(options_text)))
