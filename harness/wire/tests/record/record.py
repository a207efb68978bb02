#!/usr/bin/env python3
"""Records the transcripts beside this folder: real clients, a real server, and a proxy between them.

    python3 harness/wire/tests/record/record.py [NAME...]

Needs Python up to 3.11 (for `smtpd`), PostgreSQL's programs (PG_BIN names their folder if PATH does not), psycopg 3 and 2, a JDK with PostgreSQL's
driver (JDBC_JAR), redis-server, redis-cli, redis-py, node-redis, curl, python3-requests, and cargo. All of it runs on loopback, in a temporary folder, and is gone at the end.

A transcript is one connection, one line a chunk, in the order in which the proxy read them: `> ` from the
instance, `< ` from the service, `>|` and `<|` for their ends; bytes that do not print as `\\xNN`. The proxy does
as a tap does: it answers SSLRequest and GSSENCRequest itself, with `N`, so the service never sees them.
"""

import asyncore
import os
import pathlib
import shutil
import smtpd
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "transcripts"
ENCRYPTION = (80877103, 80877104)
PG_BIN = os.environ.get("PG_BIN") or str(
    pathlib.Path(os.path.realpath(shutil.which("initdb") or "/usr/lib/postgresql/15/bin/initdb")).parent
)
JDBC_JAR = os.environ.get("JDBC_JAR", "/usr/share/java/postgresql.jar")


def escape(data):
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in data)


class Proxy:
    """Listens, connects each client to the server, and keeps what both say."""

    def __init__(self, port):
        self.port = port
        self.transcripts = []
        self.threads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            transcript = []
            self.transcripts.append(transcript)
            thread = threading.Thread(target=self.serve, args=(client, transcript), daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, client, lines):
        server = socket.create_connection(("127.0.0.1", self.port))
        back = threading.Thread(target=self.pump, args=(server, client, "<", lines))
        back.start()
        self.pump(client, server, ">", lines)
        back.join()
        client.close()
        server.close()

    def pump(self, source, sink, sign, lines):
        is_first = sign == ">"
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            lines.append(f"{sign} {escape(data)}" if data else f"{sign}|")
            if not data:
                try:
                    sink.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                return
            if is_first and len(data) == 8 and struct.unpack("!ii", data)[1] in ENCRYPTION:
                source.sendall(b"N")
                continue
            is_first = False
            try:
                sink.sendall(data)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(timeout=10)


class Cluster:
    """A server of our own."""

    def __init__(self, folder):
        self.data = folder / "data"
        self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        if self.user:
            shutil.chown(folder, "nobody", "nogroup")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync")
        hba = self.data / "pg_hba.conf"
        hba.write_text("local all all trust\nhost all plain 127.0.0.1/32 password\n"
                       "host all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")
        self.server = subprocess.Popen(
            [f"{PG_BIN}/postgres", "-D", self.data, "-p", str(self.port), "-k", folder,
             "-c", "fsync=off", "-c", "wal_level=logical", "-c", "log_destination=stderr"],
            stderr=subprocess.DEVNULL, cwd=folder, **self.user)
        for _ in range(200):
            if subprocess.run([f"{PG_BIN}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0:
                break
            time.sleep(0.05)
        self.sql((HERE / "seed.sql").read_text())

    def run(self, program, *arguments):
        subprocess.run([f"{PG_BIN}/{program}", *map(str, arguments)], check=True,
                       stdout=subprocess.DEVNULL, cwd=self.data.parent, **self.user)

    def sql(self, sql):
        subprocess.run([f"{PG_BIN}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
                        "-U", "postgres"], input=sql.encode(), check=True)

    def stop(self):
        self.server.terminate()
        self.server.wait()


def psql(script, role):
    return lambda: [f"{PG_BIN}/psql", "-X", "-q", "-h", "127.0.0.1", "-U", role, "-f", HERE / script, "postgres"]


def python(script, *arguments):
    return lambda: ["/usr/bin/python3", HERE / script, *arguments]


def java(mode):
    return lambda: ["java", "-cp", JDBC_JAR, HERE / "Jdbc.java", mode]


def cargo(example):
    return lambda: ["cargo", "run", "-q", "-p", "twiceproof-wire", "--example", example]


POSTGRES = {
    "psql-queries": psql("psql-queries.sql", "plain"),
    "psql-copy": psql("psql-copy.sql", "scram"),
    "psql-notify": psql("psql-notify.sql", "postgres"),
    "psycopg-pipeline": python("psycopg_pipeline.py"),
    "psycopg-cursor": python("psycopg_cursor.py"),
    "psycopg-prepared": python("psycopg_prepared.py"),
    "psycopg-copy": python("psycopg_copy.py"),
    "psycopg2": python("psycopg2_session.py"),
    "jdbc-prepared": java("prepared"),
    "jdbc-batch": java("batch"),
    "jdbc-timeout": java("timeout"),
    "tokio-postgres": cargo("tokio_postgres"),
    "pipelines": python("pipelines.py", 7, 40),
    "pgbench": lambda: [f"{PG_BIN}/pgbench", "-n", "-M", "prepared", "-t", "2", "-h", "127.0.0.1", "-U", "postgres",
                        "-f", HERE / "pgbench.sql", "postgres"],
}


HTTP = {
    "http-curl": lambda: ["/bin/sh", HERE / "http_curl.sh"],
    "http-python": python("http_client.py"),
    "http-java": lambda: ["java", HERE / "Http.java"],
    "http-ureq": cargo("ureq"),
}


def record(name, command, port):
    proxy = Proxy(port)
    host, port = proxy.address
    environment = dict(os.environ, PGPORT=str(port), PGHOST=host, PGUSER="postgres", PGDATABASE="postgres",
                       PGPASSWORD="hunter2", PGAPPNAME="record", SMTP_PORT=str(port), HTTP_PORT=str(port),
                       NODE_PATH="/usr/share/nodejs")
    subprocess.run([str(word) for word in command()], env=environment, timeout=300,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if name.startswith("psql") else None)
    proxy.close()
    for old in OUT.glob(f"{name}.*.txt"):
        old.unlink()
    for number, lines in enumerate(proxy.transcripts, 1):
        if name == "redis-cli":
            # It asks for the help of all commands first: 170 kB that tell nothing.
            lines = lines[next(at for at, line in enumerate(lines) if line.endswith("30000\\x0d\\x0a")):]
        (OUT / f"{name}.{number}.txt").write_text("\n".join(lines) + "\n")
    print(name, [len(lines) for lines in proxy.transcripts])


class Redis:
    """A server of our own."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        words = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.server = subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=folder)
        cli = ["redis-cli", "-p", str(self.port)]
        for _ in range(200):
            if subprocess.run([*cli, "ping"], capture_output=True).stdout == b"PONG\n":
                break
            time.sleep(0.05)
        self.clean = lambda: subprocess.run([*cli, "flushall"], stdout=subprocess.DEVNULL)
        subprocess.run([*cli, "config", "set", "requirepass", ""], stdout=subprocess.DEVNULL)
        subprocess.run([*cli, "acl", "setuser", "default", ">hunter2", "nopass"], stdout=subprocess.DEVNULL)

    def stop(self):
        self.server.terminate()
        self.server.wait()


REDIS = {
    "redis-cli": lambda: ["sh", "-c", f"redis-cli -h $PGHOST -p $PGPORT < {HERE / 'redis-cli.txt'}"],
    "redis-py": python("redis_py_session.py"),
    "node-redis": lambda: ["node", HERE / "redis_session.js"],
    "redis-rs": cargo("redis_rs"),
}


class Sink(smtpd.SMTPServer):
    def process_message(self, peer, mailfrom, rcpttos, data, **options):
        return "554 no" if b"refuse" in data else None


def main():
    wanted = sys.argv[1:]
    OUT.mkdir(exist_ok=True)
    names = [name for name in POSTGRES if not wanted or name in wanted]
    if names:
        with tempfile.TemporaryDirectory() as folder:
            cluster = Cluster(pathlib.Path(folder))
            try:
                for name in names:
                    record(name, POSTGRES[name], cluster.port)
            finally:
                cluster.stop()
    names = [name for name in REDIS if not wanted or name in wanted]
    if names:
        with tempfile.TemporaryDirectory() as folder:
            server = Redis(folder)
            try:
                for name in names:
                    server.clean()
                    record(name, REDIS[name], server.port)
            finally:
                server.stop()
    names = [name for name in HTTP if not wanted or name in wanted]
    if names:
        server = subprocess.Popen(["/usr/bin/python3", HERE / "http_server.py"], stdout=subprocess.PIPE)
        try:
            port = int(server.stdout.readline())
            for name in names:
                record(name, HTTP[name], port)
        finally:
            server.terminate()
            server.wait()
    if not wanted or "smtplib" in wanted:
        sink = Sink(("127.0.0.1", 0), None)
        threading.Thread(target=asyncore.loop, kwargs={"timeout": 0.1}, daemon=True).start()
        record("smtplib", python("smtplib_session.py"), sink.socket.getsockname()[1])


main()
