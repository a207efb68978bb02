"""Mails by smtplib: one that is taken, one that is refused after its body, one without a recipient."""
import os
import smtplib

with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"])) as client:
    client.sendmail("a@example.com", ["b@example.com", "c@example.com"], "Subject: x\r\n\r\n.dot\r\nhunter2\r\n")
    try:
        client.sendmail("a@example.com", ["b@example.com"], "Subject: refuse\r\n\r\nbody\r\n")
    except smtplib.SMTPDataError as error:
        print(error)
    client.docmd("NONSENSE", "hunter2")
    client.rset()
