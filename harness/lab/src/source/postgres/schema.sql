with own as materialized (
  select c.*, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname not like 'pg\_%'
    and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
)
select case relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' when 'm' then 'view'
    when 'f' then 'foreign table' when 'c' then 'type' end, name,
  concat_ws(' ', case relpersistence when 'u' then 'unlogged' end,
    case when exists (select from pg_inherits h where oid in (h.inhrelid, h.inhparent)) and relkind = 'r'
      and not relispartition then 'inherits' end,
    case when relrowsecurity then 'row security' end, case when relkind = 'p' then pg_get_partkeydef(oid) end,
    pg_get_expr(relpartbound, oid), reloptions::text, 'owner ' || relowner::regrole, 'grants ' || relacl::text,
    case when relkind in ('v', 'm') then pg_get_viewdef(oid) end)
from own where relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all
select 'sequence', o.name, concat_ws(' ', s.seqtypid::regtype, 'start', s.seqstart, 'by', s.seqincrement,
  'from', s.seqmin, 'to', s.seqmax, 'cache', s.seqcache, case when s.seqcycle then 'cycle' end)
from own o join pg_sequence s on s.seqrelid = o.oid
union all
select 'column', o.name || '.' || quote_ident(a.attname), concat_ws(' ', format_type(a.atttypid, a.atttypmod),
  case when a.attnotnull then 'not null' end,
  case a.attidentity when 'a' then 'identity always' when 'd' then 'identity' end,
  case a.attgenerated when '' then 'default ' else 'generated ' end || pg_get_expr(d.adbin, d.adrelid),
  'grants ' || a.attacl::text)
from own o join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where o.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all
select 'index', o.name, pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end
from own o join pg_index i on i.indexrelid = o.oid
union all
select 'constraint', o.name || '.' || quote_ident(k.conname), pg_get_constraintdef(k.oid)
from own o join pg_constraint k on k.conrelid = o.oid
union all
select 'trigger', o.name || '.' || quote_ident(g.tgname),
  pg_get_triggerdef(g.oid) || case g.tgenabled when 'O' then '' else ' enabled ' || g.tgenabled::text end
from own o join pg_trigger g on g.tgrelid = o.oid and not g.tgisinternal
union all
select 'rule', o.name || '.' || quote_ident(r.rulename), pg_get_ruledef(r.oid)
from own o join pg_rewrite r on r.ev_class = o.oid and r.rulename <> '_RETURN'
union all
select 'policy', o.name || '.' || quote_ident(p.polname), concat_ws(' ', p.polcmd::text,
  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
from own o join pg_policy p on p.polrelid = o.oid
union all
select 'function', p.oid::regprocedure::text, concat_ws(' ', p.prokind::text, l.lanname,
  'returns ' || pg_get_function_result(p.oid), p.provolatile::text, p.proconfig::text, p.prosrc)
from pg_proc p join pg_language l on l.oid = p.prolang
where p.oid >= 16384
  and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
union all
select 'type', t.oid::regtype::text, concat_ws(' ', case t.typtype when 'd' then 'domain' when 'e' then 'enum' end,
  case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
  (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e
    where e.enumtypid = t.oid),
  (select string_agg(pg_get_constraintdef(k.oid), ' ' order by k.conname) from pg_constraint k
    where k.contypid = t.oid))
from pg_type t where t.oid >= 16384 and t.typtype in ('d', 'e')
  and not exists (select from pg_depend e where e.classid = 'pg_type'::regclass and e.objid = t.oid and e.deptype = 'e')
union all
select 'schema', quote_ident(nspname), concat_ws(' ', 'owner ' || nspowner::regrole, 'grants ' || nspacl::text)
from pg_namespace where nspname <> 'information_schema' and nspname not like 'pg\_%'
union all
select 'extension', quote_ident(extname), extversion from pg_extension
union all
select 'role', quote_ident(rolname), concat_ws(' ', case when rolsuper then 'superuser' end,
  case when rolcanlogin then 'login' end, rolconfig::text)
from pg_roles where rolname not like 'pg\_%'
union all
select 'database', quote_ident(datname), concat_ws(' ', 'owner ' || datdba::regrole, 'grants ' || datacl::text,
  (select string_agg(g.setconfig::text, ' ' order by g.setrole) from pg_db_role_setting g where g.setdatabase = d.oid))
from pg_database d where datname <> 'twiceproof_seed'
order by 1, 2, 3
