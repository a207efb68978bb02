"""A web service that does every kind of body, for recordings and comparisons: HTTP_PORT or a free port, which it prints.

It sends neither date nor version, so that equal requests have equal answers.
"""
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=None, **headers):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def chunks(self, pieces, pause):
        self.answer(200, Transfer_Encoding="chunked", Trailer="Sum")
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(pause)
        self.wfile.write(b"0\r\nSum: 3\r\n\r\n")

    def do_GET(self):
        match self.path.split("?")[0]:
            case "/chunked":
                self.chunks([b"one", b"two" * 1000, b"\r\n0\r\n\r\n"], 0)
            case "/slow":
                self.chunks([b"s", b"l", b"o", b"w"], 0.02)
            case "/close":
                self.answer(200, Connection="close")
                self.wfile.write(b"up to the end")
                self.close_connection = True
            case "/empty":
                self.answer(204)
            case "/garbage":
                self.answer(200, Transfer_Encoding="chunked")
                self.wfile.write(b"3\r\nabc\r\ngarbage within a message\r\n")
                self.close_connection = True
            case "/large":
                self.answer(200, b"0123456789abcdef" * 200_000)
            case _:
                self.answer(200, b"hello\n", Content_Type="text/plain")

    do_HEAD = do_GET

    def do_POST(self):
        body = self.body()
        if self.path.startswith("/fail"):
            self.answer(503, b"not now\n", Retry_After="1")
        else:
            self.answer(201, body)

    do_PUT = do_POST
    do_DELETE = do_POST


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("HTTP_PORT", "0"))), Handler)
print(server.server_port)
sys.stdout.flush()
server.serve_forever()
