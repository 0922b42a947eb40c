"""A service whose replies a test writes, bytes and descriptors as they are: for what the real daemon never sends."""
import contextlib
import json
import os
import socket
import tempfile
import threading


class Service:
    """Answers every call with what `answer` returns for it: (bytes, descriptors) pairs, sent one after the other.

    None in an answer closes the connection. `calls` has each call, and how many descriptors came with it.
    """

    def __init__(self, answer):
        self.answer, self.calls, self.failure = answer, [], None
        self.folder = tempfile.mkdtemp(prefix="service-")
        self.path = self.folder + "/socket"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.threads = [threading.Thread(target=self.accept)]
        self.connections = []
        self.threads[0].start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                self.threads.append(threading.Thread(target=self.serve, args=(connection,)))
                self.threads[-1].start()

    def serve(self, connection):
        buffer, files = b"", []
        try:
            while True:
                data, came, _, _ = socket.recv_fds(connection, 1 << 16, 16)
                files += came
                if not data:
                    return
                buffer += data
                while b"\0" in buffer:
                    text, _, buffer = buffer.partition(b"\0")
                    call = json.loads(text)
                    self.calls.append((call, [os.readlink(f"/proc/self/fd/{file}") for file in files]))
                    self.close_all(files)
                    for item in self.answer(call):
                        if item is None:
                            return
                        self.send(connection, *item)
        except OSError:
            # The client ended the connection, as it may.
            return
        finally:
            self.close_all(files)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def send(connection, data, files):
        try:
            if files:
                data = data[socket.send_fds(connection, [data], files):]
            connection.sendall(data)
        finally:
            Service.close_all(files)

    @staticmethod
    def close_all(files):
        while files:
            os.close(files.pop())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in [self.listener, *self.connections]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in list(self.threads):
            thread.join()
        for end in [self.listener, *self.connections]:
            end.close()
        os.unlink(self.path)
        os.rmdir(self.folder)


def reply(parameters=None, **members):
    """The bytes of a reply."""
    return json.dumps({"parameters": parameters or {}, **members}).encode() + b"\0"


def is_introduction(call):
    """The call that a client makes before it sends descriptors."""
    return call["method"] == "org.varlink.service.GetInfo"
