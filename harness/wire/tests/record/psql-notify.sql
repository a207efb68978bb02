LISTEN work;
NOTIFY work, 'to myself';
\! psql -X -q -c "NOTIFY work, 'from another'"
SELECT 1;
UNLISTEN work;
