select c.oid, c.relkind::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
  exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgenabled in ('A', 'R'))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'S') and c.relpersistence <> 't'
  and n.nspname <> 'information_schema' and n.nspname not like 'pg\_%'
order by 3
