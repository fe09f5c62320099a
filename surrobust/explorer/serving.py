"""Serving the page to a browser on this machine."""

import logging
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"

logger = logging.getLogger(__name__)


def make_server(page: str, port: int) -> ThreadingHTTPServer:
    """Return a server of one page on the loopback interface; ``serve_forever`` runs it.

    It answers GET and HEAD of ``/`` alone, and only where it is asked for by a name of this
    machine, so that no foreign site's name can be pointed at it.

    Args:
        page: The page.
        port: The port; 0 takes a free one, ``server_port`` tells which.

    Raises:
        OSError: If the port is taken or may not be used.
    """
    content = page.encode()

    class Handler(BaseHTTPRequestHandler):
        """Answers with the page."""

        server_version = "surrobust"
        sys_version = ""  # the header Server does not tell Python's

        def do_GET(self) -> None:
            """Answer with the page, or with why not."""
            if self._head():
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            """Answer with the headers of the page."""
            self._head()

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

        def _head(self) -> bool:
            # With any port, which may be forwarded; browsers leave out that of http, 80.
            host = self.headers.get("Host", "").partition(":")[0]
            if self.path != "/" or host not in (LOOPBACK, "localhost"):
                self.send_error(404)
                return False
            self.send_response(200)
            for name, value in _headers(len(content)).items():
                self.send_header(name, value)
            self.end_headers()
            return True

    return _Server((LOOPBACK, port), Handler)


class _Server(ThreadingHTTPServer):
    """A server that tells of an error in the log; a browser that leaves is none."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exception()
        if not isinstance(error, OSError):
            logger.warning("%s: %s", type(error).__name__, error)


def _headers(length: int) -> dict[str, str]:
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(length),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "frame-ancestors 'none'",
    }
