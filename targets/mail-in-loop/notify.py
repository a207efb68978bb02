"""Nightly job: takes the month's fee from members, and mails each of them.

SEND=loop mails in the loop, before the commit. SEND=outbox writes the mails down in the transaction
and sends them behind it, each under a Message-ID made of member and month.
"""

import os
import smtplib
import sys

import psycopg2

OUTBOX = os.environ["SEND"] == "outbox"


def query(cursor, sql, *values):
    """Returns the one row of a query."""
    cursor.execute(sql, values)
    return cursor.fetchone()


def send(client, member, address, month):
    """Sends one mail."""
    key = f"Message-ID: <fee-{month}-{member}@job.test>\r\n" if OUTBOX else ""
    text = f"To: {address}\r\nSubject: Fee of {month}\r\n{key}\r\nThe fee was taken.\r\n"
    client.sendmail("fees@job.test", [address], text)


def take(cursor, client, month):
    """Takes the fees, unless the mark says that the month is done."""
    (done,) = query(cursor, "SELECT done_for = %s FROM job_state FOR UPDATE", month)
    for member in [] if done else range(1, 13):
        plan, address = query(cursor, "SELECT plan, address FROM members WHERE id = %s", member)
        (fee,) = query(cursor, "SELECT fee FROM plans WHERE plan = %s", plan)
        if fee > 0:
            cursor.execute("UPDATE members SET balance = balance - %s WHERE id = %s", (fee, member))
            if OUTBOX:
                cursor.execute("INSERT INTO outbox VALUES (%s, %s)", (member, month))
            else:
                send(client, member, address, month)
    cursor.execute("UPDATE job_state SET done_for = %s", (month,))


def deliver(connection, cursor, client):
    """Sends what the outbox holds."""
    cursor.execute(
        "SELECT member, address, month FROM outbox JOIN members ON id = member"
        " WHERE NOT sent ORDER BY member"
    )
    for member, address, month in cursor.fetchall():
        send(client, member, address, month)
        cursor.execute("UPDATE outbox SET sent = true WHERE member = %s", (member,))
        connection.commit()


def main():
    connection = psycopg2.connect("")
    cursor = connection.cursor()
    with smtplib.SMTP("mail", 25) as client:
        take(cursor, client, sys.argv[1])
        connection.commit()
        deliver(connection, cursor, client)


main()
