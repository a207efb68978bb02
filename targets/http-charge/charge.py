"""Nightly job: charges each open order by HTTP, then marks it as charged.

KEY=order sends an idempotency key made of the order; KEY=none sends none.
"""

import http.client
import json
import os
import sys

import psycopg


def charge(client, order, cents):
    """Asks the payment service for one charge; returns its receipt."""
    headers = {"Content-Type": "application/json"}
    if os.environ["KEY"] == "order":
        headers["Idempotency-Key"] = f"charge-{order}"  # key
    client.request("POST", "/charges", json.dumps({"order": order, "cents": cents}), headers)
    response = client.getresponse()
    body = response.read()
    if response.status != 201:
        sys.exit(f"order {order}: {response.status} {body!r}")
    return json.loads(body)["receipt"]


def main():
    client = http.client.HTTPConnection("pay", timeout=30)
    with psycopg.connect("", autocommit=True) as connection:
        orders = connection.execute(
            "SELECT id, cents FROM orders WHERE receipt IS NULL ORDER BY id"
        ).fetchall()
        for order, cents in orders:
            receipt = charge(client, order, cents)
            connection.execute("UPDATE orders SET receipt = %s WHERE id = %s", (receipt, order))
    print(f"charged {len(orders)} orders")


main()
