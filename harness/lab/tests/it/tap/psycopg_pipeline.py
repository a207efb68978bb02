"""Pipelines of psycopg 3. What fails comes last, so that what is sent does not depend on when answers come."""
import psycopg

with psycopg.connect("", autocommit=True) as connection:
    with connection.pipeline():
        for number in range(1, 9):
            connection.execute("UPDATE account SET balance = balance + %s WHERE id = %s", [1, number])
        row = connection.execute("SELECT sum(balance) FROM account").fetchone()
        print(row)
        connection.execute("INSERT INTO log (text) VALUES (%s)", ["after a flush"])
    try:
        with connection.pipeline():
            connection.execute("INSERT INTO log (text) VALUES ('taken back')")
            connection.execute("INSERT INTO account VALUES (%s, 'again', 0)", [1])
    except psycopg.Error as error:
        print(error)
    with connection.pipeline(), connection.cursor() as cursor:
        parameters = [["a"], ["b"], ["c"]]
        cursor.executemany("INSERT INTO log (text) VALUES (%s) RETURNING id", parameters, returning=True)
        print(cursor.fetchall())
    with connection.pipeline():
        with connection.transaction():
            connection.execute("DELETE FROM log WHERE text = 'a'")
    print(connection.execute("SELECT text FROM log ORDER BY id").fetchall())
