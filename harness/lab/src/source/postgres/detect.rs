//! Whether the schema changed: one query over the catalogue's row versions.
//!
//! Each change of a catalogue row makes a version with another `xmin`, so object id and `xmin` say
//! all; a database made from a template, and rows put back by COPY, change neither. Only `pg_class`
//! is told by its columns, since TRUNCATE and VACUUM make versions of its rows too. Statistics
//! count as schema: they change plans, and so the order of unordered rows. Measured at 0.8 ms, so
//! it is asked in each capture and needs no guess from tags.

/// First object id that does not belong to the server itself.
const FIRST_USER_OID: u32 = 16384;

/// Catalogues of one database, with the columns that name a row and a condition; `U` stands for
/// user objects alone.
const CATALOGUES: &[(&str, &str, &str)] = &[
    ("pg_attribute", "attrelid, attnum", "attrelid U"),
    ("pg_attrdef", "oid", ""),
    ("pg_constraint", "oid", "oid U"),
    ("pg_index", "indexrelid", "indexrelid U"),
    ("pg_proc", "oid", "oid U"),
    ("pg_trigger", "oid", ""),
    ("pg_rewrite", "oid", "oid U"),
    ("pg_type", "oid", "oid U"),
    ("pg_enum", "oid", ""),
    ("pg_sequence", "seqrelid", ""),
    ("pg_policy", "oid", ""),
    ("pg_inherits", "inhrelid, inhparent", ""),
    ("pg_statistic_ext", "oid", ""),
    ("pg_statistic", "starelid, staattnum", "starelid U"),
    ("pg_event_trigger", "oid", ""),
    ("pg_extension", "oid", ""),
    ("pg_cast", "oid", "oid U"),
    ("pg_operator", "oid", "oid U"),
    ("pg_default_acl", "oid", ""),
    ("pg_largeobject_metadata", "oid", ""),
    ("pg_description", "objoid, classoid, objsubid", "objoid U"),
    ("pg_namespace", "oid", r"nspname not like 'pg\_t%'"),
];

/// Columns of `pg_class` that only DDL changes.
const CLASS: &str = "oid, relname, relnamespace, relowner, relam, reltablespace, relpersistence, relkind, \
    relrowsecurity, relforcerowsecurity, relispartition, relreplident, relacl, reloptions";

/// Returns an SQL expression of type text that changes with the schema of the session's database.
pub(crate) fn database() -> String {
    let mut parts = vec![part("pg_class", CLASS, "oid U")];
    for (catalogue, key, condition) in CATALOGUES {
        parts.push(part(catalogue, &format!("{key}, xmin"), condition));
    }
    format!("concat_ws(' ', {})", parts.join(", "))
}

/// Returns an SQL expression of type text that changes with what belongs to the whole cluster:
/// roles, databases, settings.
///
/// Databases and settings are told by their columns: a database made again from its template is the
/// same.
pub(crate) fn cluster() -> String {
    let parts = [
        part("pg_authid", "oid, xmin", ""),
        part("pg_auth_members", "roleid, member, xmin", ""),
        part("pg_tablespace", "oid, xmin", ""),
        "(select md5(string_agg(concat_ws(' ', datname, datdba, datacl::text), ',' order by datname)) \
          from pg_database)"
            .to_owned(),
        "(select md5(string_agg(concat_ws(' ', datname, setrole, setconfig::text), ',' \
          order by datname, setrole)) \
          from pg_db_role_setting left join pg_database d on d.oid = setdatabase)"
            .to_owned(),
        "md5(pg_read_file('postgresql.auto.conf'))".to_owned(),
    ];
    format!("concat_ws(' ', {})", parts.join(", "))
}

/// Returns the expression for one catalogue: how many rows, and the sum of their hashes.
fn part(catalogue: &str, columns: &str, condition: &str) -> String {
    let filter = match condition {
        "" => String::new(),
        text => format!(
            " where {}",
            text.replace('U', &format!(">= {FIRST_USER_OID}"))
        ),
    };
    format!(
        "(select count(*) || ':' || coalesce(sum(hash_record_extended(row({columns}), 0)), 0) \
         from pg_catalog.{catalogue}{filter})"
    )
}
