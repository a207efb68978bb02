"""Pipelines of psycopg 3: one that works, one that fails, one that asks for results on its way."""
import psycopg

with psycopg.connect("", autocommit=True) as connection:
    with connection.pipeline():
        connection.execute("UPDATE account SET balance = balance + %s WHERE id = %s", [1, 1])
        connection.execute("UPDATE account SET balance = balance + %s WHERE id = %s", [1, 2])
        row = connection.execute("SELECT sum(balance) FROM account").fetchone()
        connection.execute("INSERT INTO log (text) VALUES (%s)", ["hunter2"])
    try:
        with connection.pipeline() as pipeline:
            connection.execute("INSERT INTO log (text) VALUES ('kept?')")
            connection.execute("INSERT INTO account VALUES (%s, 'again', 0)", [1])
            connection.execute("INSERT INTO log (text) VALUES ('skipped')")
            pipeline.sync()
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        print(error)
    with connection.pipeline(), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO log (text) VALUES (%s) RETURNING id", [["a"], ["b"], ["c"]], returning=True)
    with connection.pipeline():
        with connection.transaction():
            connection.execute("DELETE FROM log")
    connection.execute("SELECT count(*) FROM log")
    try:
        with connection.pipeline():
            first = connection.execute("SELECT 1 / (id - 1) FROM account")
            second = connection.execute("SELECT 2")
            first.fetchall()
    except psycopg.Error as error:
        print(error)
    connection.execute("SELECT 3")
