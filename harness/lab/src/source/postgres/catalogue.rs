//! What the catalogue says of the user's tables, and the schema as lines that a person can read.

use std::collections::BTreeMap;
use tokio_postgres::{Client, Error};
use twiceproof_model::ServiceName;
use twiceproof_model::digest::Hasher;
use twiceproof_model::snapshot::{Column, Content, ObjectName};

/// The user's tables and sequences at one state of the schema.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    /// What [`super::detect::database`] said when it was read.
    pub(crate) detector: String,
    /// Tables with rows of their own, by name.
    pub(crate) tables: Vec<Table>,
    /// Sequences, by quoted name.
    pub(crate) sequences: Vec<String>,
    /// Why rows alone cannot bring this schema back to an earlier state, if so.
    pub(crate) rows_obstacle: Option<&'static str>,
}

/// One table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Object id of its entry.
    pub(crate) oid: u32,
    /// Schema and name, each quoted where SQL asks for it: it names one table alone.
    pub(crate) name: String,
    /// Its columns, in order.
    pub(crate) columns: Vec<Column>,
    /// Hash of its columns' names and types, since rows of other columns can have equal hashes.
    pub(crate) columns_hash: String,
    /// SQL expression of the record that is hashed, of the row `t`.
    pub(crate) record: String,
}

/// Types whose equality is that of their text, so that their own hash tells values apart. Others are hashed by
/// their text: `interval` has 30 days equal a month, extensions' types know no case, and json has no hash at all.
const HASHED_AS_THEY_ARE: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "text",
    "varchar",
    "bpchar",
    "bytea",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "name",
    "oid",
    "jsonb",
    "inet",
];

const TABLES: &str = r"
select c.oid, c.relkind::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
  exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgenabled in ('A', 'R'))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'S') and c.relpersistence <> 't'
  and n.nspname <> 'information_schema' and n.nspname not like 'pg\_%'
order by 3";

const COLUMNS: &str = r"
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
order by a.attrelid, a.attnum";

/// Reads the catalogue. The session has no search path, so that every name comes out whole.
pub(crate) async fn read(
    client: &Client,
    service: &ServiceName,
    detector: String,
) -> Result<Catalogue, Error> {
    let mut catalogue = Catalogue {
        detector,
        tables: Vec::new(),
        sequences: Vec::new(),
        rows_obstacle: None,
    };
    for row in client.query(TABLES, &[]).await? {
        let (oid, kind, name): (u32, String, String) = (row.get(0), row.get(1), row.get(2));
        match kind.as_str() {
            "S" => {
                catalogue.sequences.push(name);
                continue;
            }
            "m" => catalogue.rows_obstacle = Some("there is a materialized view"),
            _ if row.get(3) => catalogue.rows_obstacle = Some("a trigger always fires"),
            _ => {}
        }
        catalogue.tables.push(Table {
            oid,
            name,
            columns: Vec::new(),
            columns_hash: String::new(),
            record: String::new(),
        });
    }
    read_columns(client, service, &mut catalogue.tables).await?;
    Ok(catalogue)
}

async fn read_columns(
    client: &Client,
    service: &ServiceName,
    tables: &mut [Table],
) -> Result<(), Error> {
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    let mut by_table: BTreeMap<u32, Vec<tokio_postgres::Row>> = BTreeMap::new();
    for row in client.query(COLUMNS, &[&oids]).await? {
        by_table.entry(row.get(0)).or_default().push(row);
    }
    for table in tables {
        let rows = by_table.remove(&table.oid).unwrap_or_default();
        let mut hasher = Hasher::new("columns 1");
        let mut cells = Vec::new();
        let mut casts = false;
        for row in &rows {
            let (name, kind, quoted): (String, String, String) =
                (row.get(1), row.get(2), row.get(4));
            let builtin: bool = row.get(3);
            let deterministic: bool = row.get(5);
            hasher.field(&name);
            hasher.field(&kind);
            if builtin && deterministic && HASHED_AS_THEY_ARE.contains(&kind.as_str()) {
                cells.push(format!("t.{quoted}"));
            } else {
                casts = true;
                cells.push(format!("t.{quoted}::text collate \"C\""));
            }
            let target: Option<(String, String)> = row
                .get::<_, Option<String>>(8)
                .zip(row.get::<_, Option<String>>(9));
            table.columns.push(Column {
                name,
                key: row.get(6),
                surrogate: row.get(7),
                time: builtin
                    && matches!(
                        kind.as_str(),
                        "date" | "time" | "timetz" | "timestamp" | "timestamptz"
                    ),
                references: target
                    .map(|(table, column)| (ObjectName::new(service, &table), column)),
            });
        }
        table.columns_hash = hasher.finish().short();
        table.record = match casts {
            false => "t".to_owned(),
            true => format!("row({})", cells.join(", ")),
        };
    }
    Ok(())
}

/// Lines of the schema: kind, name, definition. Nothing in them is an object id, so that two clusters with equal
/// schemas have equal lines. What belongs to extensions stands for itself by the extension's line.
const SCHEMA: &str = r"
with own as materialized (
  select c.*, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname not like 'pg\_%'
    and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
)
select case relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' when 'm' then 'view'
    when 'f' then 'foreign table' when 'c' then 'type' end, name,
  concat_ws(' ', case relpersistence when 'u' then 'unlogged' end,
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
select 'database', quote_ident(datname), concat_ws(' ', 'owner ' || datdba::regrole, 'grants ' || datacl::text)
from pg_database where datname <> 'twiceproof_seed'
order by 1, 2, 3";

/// Reads the schema as rows.
pub(crate) async fn schema(client: &Client) -> Result<Content, Error> {
    let rows = client.query(SCHEMA, &[]).await?;
    let columns = vec![
        crate::source::text_column("kind", true),
        crate::source::text_column("name", true),
        crate::source::text_column("definition", false),
    ];
    let rows = rows
        .iter()
        .map(|row| (0..3).map(|column| row.get(column)).collect())
        .collect();
    Ok(Content { columns, rows })
}
