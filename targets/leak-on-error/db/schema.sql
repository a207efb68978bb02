-- What accrues, what was booked, and the locks of jobs that run.
CREATE TABLE items (id int PRIMARY KEY, cents int NOT NULL);
INSERT INTO items SELECT n, 3 * n FROM generate_series(1, 36) AS n;
CREATE TABLE bookings (
  id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  day   date NOT NULL,
  cents int  NOT NULL
);
CREATE TABLE books (book text PRIMARY KEY, cents int NOT NULL);
INSERT INTO books VALUES ('accruals', 0);
CREATE TABLE locks (job text PRIMARY KEY);
