"""A server that listens on TCP and knows nothing of hostctl."""
import os
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"<h1>A site from a plain Dockerfile</h1><p>asked as {self.headers['Host']}</p>\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(ThreadingHTTPServer):
    # Who comes while it is busy waits; five, as by default, is soon too few.
    request_queue_size = 128


server = Server(("", int(os.environ.get("PORT", "8000"))), Page)
signal.signal(signal.SIGTERM, lambda *_: exit(0))
server.serve_forever()
