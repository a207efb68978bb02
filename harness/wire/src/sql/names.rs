//! Names that stand before a bracket, by what they mean there. Each list is one text, its words in
//! order.

/// Returns whether the list has the word.
pub(super) fn has(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

/// Words that stand before a bracket without being a function: syntax and types.
pub(super) const SYNTAX: &str = "\
    all and any array as between bit by case char character check columns conflict copy cube dec \
    decimal default distinct else except exists filter float from group having ilike in \
    intersect interval is join key lateral like limit materialized not numeric offset on \
    operator or over partition returning rollup row select set sets similar some table then time \
    timestamp union unique using values varbit varchar varying when where with within";

/// Functions that take a lock until it is given back or the session ends. Nobody else's data change
/// by them.
pub(super) const SESSION_LOCKS: &str = "\
    pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared";

/// Functions that take a lock until the transaction ends.
pub(super) const TRANSACTION_LOCKS: &str = "\
    pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock \
    pg_try_advisory_xact_lock_shared";

/// Functions that free locks, our own or another session's.
pub(super) const UNLOCKS: &str = "\
    pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared pg_cancel_backend \
    pg_terminate_backend";

/// Functions that write and free no lock.
pub(super) const WRITES: &str = "\
    nextval pg_notify setval";

/// Functions of PostgreSQL that change nothing that others see.
pub(super) const PURE: &str = "\
    abs acldefault aclexplode acos age any_value array_agg array_append array_cat array_fill \
    array_length array_lower array_ndims array_position array_positions array_remove \
    array_replace array_to_json array_to_string array_upper ascii asin atan atan2 avg bit_and \
    bit_length bit_or bit_xor bool_and bool_or btrim cardinality cast cbrt ceil ceiling \
    char_length character_length chr clock_timestamp coalesce col_description concat concat_ws \
    convert_from convert_to corr cos count cume_dist current_database current_schema \
    current_schemas current_setting currval date_add date_bin date_part date_trunc decode \
    degrees dense_rank digest div encode every exp extract factorial first_value floor format \
    format_type gcd gen_random_uuid generate_series generate_subscripts greatest grouping \
    has_database_privilege has_function_privilege has_schema_privilege has_sequence_privilege \
    has_table_privilege hashtext hashtextextended inet_client_addr inet_server_addr initcap \
    isempty isfinite json_agg json_array_elements json_array_length json_build_array \
    json_build_object json_each json_each_text json_object_agg json_object_keys json_strip_nulls \
    json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length \
    jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_object_agg \
    jsonb_object_keys jsonb_path_exists jsonb_path_query jsonb_pretty jsonb_set \
    jsonb_strip_nulls jsonb_typeof justify_days justify_hours justify_interval lag last_value \
    lastval lcm lead least left length ln localtime localtimestamp log lower lower_inc lpad \
    ltrim make_date make_interval make_time make_timestamp make_timestamptz max md5 min mod mode \
    now nth_value ntile nullif num_nonnulls num_nulls obj_description octet_length overlay \
    percent_rank percentile_cont percentile_disc pg_backend_pid \
    pg_blocking_pids pg_client_encoding pg_column_size pg_conf_load_time pg_database_size \
    pg_encoding_to_char pg_function_is_visible pg_get_constraintdef pg_get_expr \
    pg_get_function_arguments pg_get_function_result pg_get_functiondef pg_get_indexdef \
    pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef_columns \
    pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_is_in_recovery pg_options_to_table \
    pg_partition_ancestors pg_postmaster_start_time pg_relation_is_publishable pg_relation_size \
    pg_size_pretty pg_sleep pg_table_is_visible pg_table_size pg_tablespace_location \
    pg_total_relation_size pg_type_is_visible pg_typeof pi position power quote_ident \
    quote_literal quote_nullable radians random rank regexp_count regexp_instr regexp_like \
    regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table \
    regexp_substr repeat replace reverse right round row_number row_to_json rpad rtrim scale \
    set_config sha256 sha512 shobj_description sign sin split_part sqrt starts_with \
    statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array string_to_table \
    strpos substr substring sum tan timeofday timezone to_ascii to_char to_date to_hex to_json \
    to_jsonb to_number to_regclass to_regnamespace to_regproc to_regtype to_timestamp \
    transaction_timestamp translate trim trunc txid_current unistr unnest upper upper_inc \
    var_pop var_samp variance version width_bucket";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order() {
        for list in [
            SYNTAX,
            SESSION_LOCKS,
            TRANSACTION_LOCKS,
            UNLOCKS,
            WRITES,
            PURE,
        ] {
            let words: Vec<&str> = list.split_ascii_whitespace().collect();
            let unsorted = words.windows(2).find(|pair| pair[0] >= pair[1]);
            assert_eq!(unsorted, None);
        }
    }
}
