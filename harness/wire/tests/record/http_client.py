"""The standard library's client, and requests, on connections that they keep."""
import http.client
import os

import requests

PORT = int(os.environ["HTTP_PORT"])
SECRET = {"Authorization": "Bearer hunter2", "Cookie": "session=hunter2"}


def told(response, body):
    print(response.status, body[:60], len(body))


def standard():
    client = http.client.HTTPConnection("127.0.0.1", PORT)
    for method, path in [("GET", "/member/17/points"), ("HEAD", "/member/17"), ("GET", "/chunked"), ("GET", "/empty")]:
        client.request(method, path, headers=SECRET)
        response = client.getresponse()
        told(response, response.read())
    client.request("POST", "/charge", body=b"amount=5", headers={"Idempotency-Key": "order-1"})
    response = client.getresponse()
    told(response, response.read())
    client.request("PUT", "/a", body=iter([b"one", b"two"]), encode_chunked=True)
    response = client.getresponse()
    told(response, response.read())
    client.request("POST", "/a", body=b"waits for nothing", headers={"Expect": "100-continue"})
    response = client.getresponse()
    told(response, response.read())
    client.request("GET", "/close")
    response = client.getresponse()
    told(response, response.read())
    client.close()


def third_party():
    with requests.Session() as session:
        session.headers = {"Accept": "*/*"}
        base = f"http://127.0.0.1:{PORT}"
        for response in [
            session.get(f"{base}/slow", params={"token": "hunter2", "limit": 10}),
            session.post(f"{base}/charge", json={"amount": 5}, headers={"Idempotency-Key": "order-2"}),
            session.post(f"{base}/fail", data={"a": "b"}),
            session.put(f"{base}/a", data=iter([b"one", b"two"])),
            session.delete(f"{base}/a/6f1b0b1e-7c3c-4a5e-9c7e-0a4f2d3c4b5a"),
        ]:
            print(response.status_code, response.content)


standard()
third_party()
