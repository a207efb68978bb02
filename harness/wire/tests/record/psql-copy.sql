\copy account (id, name) TO '/dev/null'
COPY (SELECT id FROM account WHERE id < 4) TO STDOUT;
COPY log (text) FROM STDIN;
one
two
three
\.
COPY account (id, name) FROM STDIN;
901	a
not a number	b
902	c
\.
COPY nothing FROM STDIN;
SELECT count(*) FROM log;
BEGIN;
COPY log (text) FROM STDIN WITH (FORMAT csv);
"four, five"
\.
COMMIT;
