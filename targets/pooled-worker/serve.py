"""Worker behind a queue, as a web application has them: each message is handled on a connection of
the pool, in one transaction with the row that says it was handled.

All messages may be delivered again, to this worker or to another one.
"""

from psycopg2.pool import SimpleConnectionPool

MESSAGES = range(1, 9)


def query(cursor, sql, *values):
    """Returns the one row of a query, or None."""
    cursor.execute(sql, values)
    return cursor.fetchone()


def handle(cursor, message):
    """Credits the account that a message names, unless it was handled."""
    cursor.execute("INSERT INTO handled VALUES (%s) ON CONFLICT DO NOTHING", (message,))
    if cursor.rowcount == 0:
        return
    account, cents = query(cursor, "SELECT account, cents FROM messages WHERE id = %s", message)
    (is_open,) = query(cursor, "SELECT open FROM accounts WHERE id = %s", account)
    if is_open:
        cursor.execute(
            "UPDATE accounts SET balance = balance + %s WHERE id = %s", (cents, account)
        )


def main():
    pool = SimpleConnectionPool(1, 2, "")
    for message in MESSAGES:
        connection = pool.getconn()
        with connection, connection.cursor() as cursor:
            handle(cursor, message)
        pool.putconn(connection)
    pool.closeall()


main()
