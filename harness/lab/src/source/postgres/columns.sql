select a.attrelid, a.attname::text, t.typname::text, t.oid < 16384, quote_ident(a.attname),
  coalesce(l.collisdeterministic, true),
  exists (select from pg_constraint p where p.conrelid = a.attrelid and p.contype = 'p' and a.attnum = any (p.conkey)),
  a.attidentity <> '' or (a.attgenerated = '' and coalesce(
    pg_get_expr(d.adbin, d.adrelid) ~ '(nextval|gen_random_uuid|uuid_generate\w*|uuidv\d)\(', false)),
  quote_ident(fn.nspname) || '.' || quote_ident(fc.relname), fa.attname::text
from pg_attribute a
join pg_type t on t.oid = a.atttypid
left join pg_collation l on l.oid = a.attcollation
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join lateral (select min(f.oid) as oid from pg_constraint f where f.conrelid = a.attrelid
  and f.contype = 'f' and f.conkey = array[a.attnum]) x on true
left join pg_constraint f on f.oid = x.oid
left join pg_class fc on fc.oid = f.confrelid
left join pg_namespace fn on fn.oid = fc.relnamespace
left join pg_attribute fa on fa.attrelid = f.confrelid and fa.attnum = f.confkey[1]
where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
