"""A small HTTP server for tests: a service that misbehaves."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

Answer = tuple[int, dict[str, str], bytes] | Iterable[bytes] | None
"""Status, headers and body; or what is written to the connection, piece by piece, before it is
closed; None hangs up after the request was read."""


@contextmanager
def serving(
    answer: Callable[[str, str, dict[str, str], bytes], Answer],
    tls: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """Serve a function on a free port of this machine, and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            said = answer(self.command, self.path, dict(self.headers), body)
            if said is None:
                self.close_connection = True
                return
            if not isinstance(said, tuple):
                self.close_connection = True
                with suppress(OSError):  # the client has left
                    for piece in said:
                        self.wfile.write(piece)
                return
            status, headers, content = said
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  (the library's names)

        def log_message(self, *_: Any) -> None:
            """Print nothing: pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        where = "https://localhost" if tls else "http://127.0.0.1"
        yield f"{where}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
