"""Nightly job: 1,000 points for every eligible member, and a mail about them.

SEND=outbox writes the mails down with the points, in one transaction, and sends them after it, each
under a Message-ID made of member and day; SEND=renamed does the same under new Message-IDs;
SEND=loop sends each mail at once, before the commit.
"""

import email.message
import email.utils
import os
import smtplib
import sys

import psycopg

POINTS = 1000
SEND = os.environ["SEND"]


def send(client, member, address, day):
    mail = email.message.EmailMessage()
    mail["From"] = "points@job.test"
    mail["To"] = address
    mail["Subject"] = f"{POINTS} points"
    if SEND == "outbox":
        mail["Message-ID"] = f"<points-{day}-{member}@job.test>"  # key
    elif SEND == "renamed":
        mail["Message-ID"] = email.utils.make_msgid(domain="job.test")
    mail.set_content(f"You have {POINTS} points more.\n")
    client.send_message(mail)


def grant(connection, client, day):
    """Adds the points, unless the mark says that the day is done."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(1122)")
        (done,) = connection.execute("SELECT done_on = %s FROM job_state", (day,)).fetchone()
        if done:
            return
        members = connection.execute("SELECT id, address FROM members ORDER BY id").fetchall()
        for member, address in members:
            connection.execute(
                "UPDATE members SET points = points + %s WHERE id = %s", (POINTS, member)
            )
            if SEND == "loop":
                send(client, member, address, day)
            else:
                connection.execute("INSERT INTO outbox VALUES (%s, %s, false)", (member, day))
        connection.execute("UPDATE job_state SET done_on = %s", (day,))


def deliver(connection, client):
    """Sends what the outbox holds."""
    mails = connection.execute(
        "SELECT member, address, day FROM outbox JOIN members ON id = member"
        " WHERE NOT sent ORDER BY member, day"
    ).fetchall()
    for member, address, day in mails:
        send(client, member, address, day)
        connection.execute(
            "UPDATE outbox SET sent = true WHERE member = %s AND day = %s", (member, day)
        )


def main():
    with psycopg.connect("", autocommit=True) as connection, smtplib.SMTP("mail", 25) as client:
        grant(connection, client, sys.argv[1])
        deliver(connection, client)


main()
