"""files.py serve|call PATH: org.example.files in asyncvarlink, which passes descriptors as systemd does."""
import asyncio
import os
import sys
import typing

from asyncvarlink import (
    FileDescriptor, VarlinkClientProtocol, VarlinkInterface, VarlinkInterfaceRegistry, connect_unix_varlink,
    create_unix_server, varlinkmethod)
from asyncvarlink.serviceinterface import InterfaceNotFound, VarlinkServiceInterface


class Two(typing.TypedDict):
    first: FileDescriptor
    second: FileDescriptor


class Files(VarlinkInterface, name="org.example.files"):
    @varlinkmethod
    def Pass(self, *, first: FileDescriptor, second: FileDescriptor) -> Two:
        # Copies: those of the call are closed with it.
        return {"first": FileDescriptor(os.dup(second.fileno())), "second": FileDescriptor(os.dup(first.fileno()))}


def inode(file):
    return os.fstat(file.fileno()).st_ino


async def serve(path):
    registry = VarlinkInterfaceRegistry()
    registry.register_interface(VarlinkServiceInterface("Example", "Files", "1", "https://example.org", registry))
    registry.register_interface(Files())
    async with await create_unix_server(registry.protocol_factory, path) as server:
        await server.serve_forever()


async def one(proxy):
    ends = [os.pipe() for _ in range(2)]
    files = [FileDescriptor(read) for read, _ in ends]
    given = [inode(file) for file in files]
    with await proxy.Pass(first=files[0], second=files[1]) as reply:
        got = [inode(reply["first"]), inode(reply["second"])]
        assert got == given[::-1], (given, got)
    for read, write in ends:
        os.close(write)


async def call(path):
    transport, protocol = await connect_unix_varlink(VarlinkClientProtocol, path)
    service = protocol.make_proxy(VarlinkServiceInterface)
    info = await service.GetInfo()
    assert "org.example.files" in info["interfaces"], info
    proxy = protocol.make_proxy(Files)
    for _ in range(20):
        await one(proxy)
    try:
        await service.GetInterfaceDescription(interface="org.example.none")
    except InterfaceNotFound:
        pass
    else:
        raise SystemExit("no InterfaceNotFound")
    transport.close()
    print("Files passed")


asyncio.run({"serve": serve, "call": call}[sys.argv[1]](sys.argv[2]))
