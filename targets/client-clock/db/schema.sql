-- Lines of statements, what was booked, and the lease.
CREATE TABLE lines (id int PRIMARY KEY, cents int NOT NULL);
INSERT INTO lines SELECT n, 11 * n FROM generate_series(1, 36) AS n;
CREATE TABLE closings (
  id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  day   date NOT NULL,
  cents int  NOT NULL
);
CREATE TABLE books (book text PRIMARY KEY, cents int NOT NULL);
INSERT INTO books VALUES ('statements', 0);
CREATE TABLE lease (job text PRIMARY KEY, holder uuid, ends timestamp NOT NULL);
INSERT INTO lease VALUES ('statements', NULL, '-infinity');
