"""psycopg 2: transactions, an error, COPY, a named cursor, notices."""
import io

import psycopg2
import psycopg2.extras

connection = psycopg2.connect("")
with connection, connection.cursor() as cursor:
    cursor.execute("SELECT balance FROM account WHERE id = %s FOR UPDATE", [3])
    cursor.execute("UPDATE account SET balance = %s WHERE id = %s", [5, 3])
    cursor.execute("SELECT shout(%s)", ["hunter2"])
try:
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO account VALUES (3, 'hunter2', 0)")
except psycopg2.Error as error:
    print(error)
with connection, connection.cursor() as cursor:
    cursor.copy_expert("COPY log (text) FROM STDIN", io.StringIO("x\ny\n"))
    cursor.copy_expert("COPY log (text) TO STDOUT", io.StringIO())
    psycopg2.extras.execute_values(cursor, "INSERT INTO log (text) VALUES %s", [["a"], ["b"]])
with connection, connection.cursor("walk") as cursor:
    cursor.itersize = 8
    cursor.execute("SELECT id FROM account")
    print(len(list(cursor)))
connection.close()
