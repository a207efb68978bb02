"""A server-side cursor of psycopg 3, in a transaction."""
import psycopg

with psycopg.connect("") as connection:
    with connection.cursor(name="walk") as cursor:
        cursor.itersize = 7
        cursor.execute("SELECT id FROM account WHERE id > %s ORDER BY id", [2])
        for (number,) in cursor:
            connection.execute("UPDATE account SET balance = balance + 1 WHERE id = %s", [number]) if number == 5 else None
    connection.rollback()
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [7])
