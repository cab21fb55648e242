"""A mail server that keeps what it is sent, for clients that tell people about their applications (RFC 5321)."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Generator
from email import message_from_bytes, policy
from email.message import EmailMessage


class Mailbox(socketserver.ThreadingTCPServer):
    """Takes every message, from whoever logs in with anything. `messages` are those that came, whole."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.messages: list[EmailMessage] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Conversation(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self) -> None:
        assert isinstance(self.server, Mailbox)
        self._say("220 localhost")
        while line := self.rfile.readline(1000):
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                self._say("250-localhost", "250 AUTH PLAIN LOGIN")
            elif verb == b"AUTH":
                self._say("235 welcome")
            elif verb == b"DATA":
                self._say("354 go on")
                self.server.messages.append(message_from_bytes(self._message(), policy=policy.default))
                self._say("250 kept")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 well")

    def _message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextlib.contextmanager
def mailbox() -> Generator[Mailbox]:
    """A mailbox that is open while the context lasts."""
    with Mailbox() as open_mailbox:
        thread = threading.Thread(target=open_mailbox.serve_forever, daemon=True)
        thread.start()
        yield open_mailbox
        open_mailbox.shutdown()
        thread.join()
