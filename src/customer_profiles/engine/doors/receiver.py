"""The door for files of engines that are not served: a port of this machine that receives them.

Code that uses boto3 puts the file of an upload job to the URL that the service answers, with any
HTTP client. In a process with an engine behind its clients, this door stands for S3.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from customer_profiles.engine.service import protocol
from customer_profiles.engine.service.clock import Clock
from customer_profiles.engine.service.refusals import Refusal, not_found
from customer_profiles.engine.store.database import StorageError

from .origins import Gate

if TYPE_CHECKING:
    from customer_profiles.engine import Engine

UPLOADS = "/uploads/"
"""The path of files."""
_ADDRESS = "127.0.0.1"
_PIECE = 1 << 20
_SECONDS = 30.0
"""How long a connection may be silent."""


class Receiver:
    """A server that receives the files of an engine's upload jobs."""

    def __init__(self, engine: Engine) -> None:
        """Open a port, and listen in a thread."""
        handler = type("_BoundHandler", (_Handler,), {"engine": engine})
        self._server = ThreadingHTTPServer((_ADDRESS, 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="upload-receiver", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL below which files are received."""
        return f"http://{_ADDRESS}:{self._server.server_address[1]}{UPLOADS[:-1]}"

    def close(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    engine: Engine
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS
    gate = Gate(_ADDRESS)
    clock = Clock()

    def do_PUT(self) -> None:
        """Receive a file."""
        ids = self.clock.new_answer_ids()
        try:
            status, headers, body = 200, {**ids, **self._receive(), "content-length": "0"}, b""
        except Refusal as refusal:
            status, headers, body = protocol.refused(refusal, ids)
        except StorageError as error:
            fault = Refusal("InternalServerException", str(error))
            status, headers, body = protocol.refused(fault, ids)
        # What was refused may not have been read, and would be taken for the next request.
        self.close_connection = status != 200  # noqa: PLR2004
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _receive(self) -> dict[str, str]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.gate.check(headers)
        url = urlsplit(self.path)
        if not url.path.startswith(UPLOADS):
            raise not_found("This port receives the files of upload jobs and nothing else")
        with self.engine.receive_file(url.path.rpartition("/")[2], url.query, headers) as file:
            left = file.size
            while left and (piece := self.rfile.read(min(_PIECE, left))):
                file.write(piece)
                left -= len(piece)
            return file.keep()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's)
        """Print nothing: a URL is a right to put a file."""
