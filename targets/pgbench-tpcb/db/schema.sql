-- The tables of pgbench, with fewer rows than its own initialisation makes.
CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int NOT NULL, filler char(88));
CREATE TABLE pgbench_tellers (
  tid int PRIMARY KEY, bid int NOT NULL, tbalance int NOT NULL, filler char(84)
);
CREATE TABLE pgbench_accounts (
  aid int PRIMARY KEY, bid int NOT NULL, abalance int NOT NULL, filler char(84)
) WITH (fillfactor = 100);
CREATE TABLE pgbench_history (
  tid int, bid int, aid int, delta int, mtime timestamp, filler char(22)
);
INSERT INTO pgbench_branches (bid, bbalance) VALUES (1, 0);
INSERT INTO pgbench_tellers (tid, bid, tbalance) SELECT tid, 1, 0 FROM generate_series(1, 10) AS tid;
INSERT INTO pgbench_accounts (aid, bid, abalance) SELECT aid, 1, 0 FROM generate_series(1, 50) AS aid;
