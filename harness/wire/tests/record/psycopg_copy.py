"""COPY of psycopg 3: in, out, and one that the server refuses."""
import psycopg

with psycopg.connect("", autocommit=True) as connection:
    cursor = connection.cursor()
    with cursor.copy("COPY log (text) FROM STDIN") as copy:
        for number in range(50):
            copy.write_row([f"row {number}"])
    with cursor.copy("COPY log (text) TO STDOUT") as copy:
        print(sum(1 for _ in copy.rows()))
    with cursor.copy("COPY (SELECT id FROM account WHERE id < %s) TO STDOUT", [5]) as copy:
        print(list(copy.rows()))
    for rows in (["1", "x"], ["hunter2", "x"]):
        try:
            with cursor.copy("COPY account (id, name) FROM STDIN") as copy:
                for _ in range(3):
                    copy.write_row(rows)
        except psycopg.Error as error:
            print(error)
    try:
        with cursor.copy("COPY log (text) FROM STDIN") as copy:
            copy.write_row(["a"])
            raise ValueError("our own")
    except psycopg.Error as error:
        print(error)
    cursor.execute("SELECT 1")
