"""The same statement often enough for psycopg 3 to prepare it, with and without transactions."""
import psycopg

with psycopg.connect("", autocommit=True) as connection:
    for number in range(1, 8):
        connection.execute("UPDATE account SET balance = balance + 1 WHERE id = %s", [number])
    with connection.transaction():
        for number in range(1, 4):
            connection.execute("SELECT balance FROM account WHERE id = %s FOR UPDATE", [number], prepare=True)
            connection.execute("UPDATE account SET balance = balance + 1 WHERE id = %s", [number])
    try:
        connection.execute("UPDATE account SET balance = -1 WHERE id = %s", [1], prepare=True)
    except psycopg.Error as error:
        print(error)
