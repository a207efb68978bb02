"""Nightly job: books what accrued in a day, once.

SCOPE=row puts a row into a table of locks, and takes it out at the end; an error on the way leaves
it there. SCOPE=transaction holds a lock that ends with the transaction that works.
"""

import os
import sys

import psycopg2
import psycopg2.errors

SCOPE = os.environ["SCOPE"]


def accrue(cursor, day):
    """Books the day, unless it is booked."""
    total = 0
    for item in range(1, 37):
        cursor.execute("SELECT cents FROM items WHERE id = %s", (item,))
        total += cursor.fetchone()[0]
    cursor.execute("SELECT count(*) FROM bookings WHERE day = %s", (day,))
    if cursor.fetchone()[0] == 0:
        cursor.execute("INSERT INTO bookings (day, cents) VALUES (%s, %s)", (day, total))
        cursor.execute("UPDATE books SET cents = cents + %s", (total,))


def main():
    connection = psycopg2.connect("")
    cursor = connection.cursor()
    if SCOPE == "transaction":
        cursor.execute("SELECT pg_advisory_xact_lock(1122)")
    else:
        try:
            cursor.execute("INSERT INTO locks VALUES ('accrue')")
            connection.commit()
        except psycopg2.errors.UniqueViolation:
            sys.exit("another run is at work")
    accrue(cursor, sys.argv[1])
    if SCOPE == "row":
        cursor.execute("DELETE FROM locks")
    connection.commit()


main()
