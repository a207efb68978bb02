"""Random pipelines of the bare protocol: errors, flushes, COPY data sent blindly, all without waiting for answers.

The first argument seeds them, the second is how many.
"""
import os
import random
import socket
import struct
import sys
import threading
import time

pick = random.Random(int(sys.argv[1]))
link = socket.create_connection(("127.0.0.1", int(os.environ["PGPORT"])))
link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
received = [0]


def receive():
    while data := link.recv(65536):
        received[0] += len(data)


def settle():
    before = -1
    while received[0] != before:
        before = received[0]
        time.sleep(0.02)


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def statement():
    rows = pick.randint(0, 9)
    return pick.choice([
        f"SELECT generate_series(1, {rows}) AS r{rows}", f"SELECT repeat('x', 9) AS r{rows} FROM generate_series(1, {rows})",
        "SELECT 1/0", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT x", "ROLLBACK TO x", "nonsense", "NOTIFY n, 'hunter2'",
        "LISTEN n", "SET work_mem='4MB'", "DO $$ begin raise notice 'hunter2'; end $$",
    ]).encode()


def run(query, name=b""):
    close = message(b"C", b"S" + name + b"\0") if name else b""
    describe = message(b"D", b"P\0") if pick.random() < 0.3 else b""
    return (close + message(b"P", name + b"\0" + query + b"\0\0\0") + message(b"B", b"\0" + name + b"\0" + bytes(6))
            + describe + message(b"E", b"\0" + bytes(4)))


def copy_data():
    data = pick.choices([b"1\n", b"bad\n", b"2\n3\n"], k=pick.randint(0, 3))
    return b"".join(message(b"d", row) for row in data) + pick.choice([message(b"c"), message(b"f", b"no\0")])


def unit():
    kind = pick.random()
    if kind < 0.3:
        return [message(b"Q", b"; ".join(statement() for _ in range(pick.randint(1, 3))) + b"\0")]
    if kind < 0.4:
        return [message(b"Q", b"COPY numbers FROM STDIN\0"), copy_data()]
    if kind < 0.5:
        end = pick.choice([message(b"S"), message(b"S"), message(b"H"), b""])
        return [run(b"COPY numbers FROM STDIN") + end, copy_data() + message(b"S")]
    parts = [run(statement(), pick.choice([b"", b"a", b"b"])) + pick.choice([b"", b"", message(b"H")])
             for _ in range(pick.randint(1, 3))]
    return parts + [pick.choice([b"", message(b"H")]) + message(b"S")]


start = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0\0"
link.sendall(struct.pack("!i", len(start) + 4) + start)
threading.Thread(target=receive, daemon=True).start()
settle()
waiting = b""
for _ in range(int(sys.argv[2])):
    for part in unit():
        waiting += part
        if pick.random() < 0.4:
            link.sendall(waiting)
            waiting = b""
            if pick.random() < 0.4:
                settle()
link.sendall(waiting)
settle()
link.sendall(message(b"X"))
time.sleep(0.1)
