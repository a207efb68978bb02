//! What each command of Redis 7 does, which of its arguments are keys, and what its reply counts.

use Does::{Read, Session, Unknown, Wake, Write};
use Keys::{AllFrom, ButLast, Count, First, Nothing, Pairs, Second, Store, Streams, Two, Words};
use Rows::{Any, Counted, Found};

/// What a command may do to what others see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Nothing; looks at it.
    Read,
    /// Nothing; concerns its own session, or how the server is run.
    Session,
    /// Writes.
    Write,
    /// Writes, and may wake a client that waits inside the server.
    Wake,
    /// Nobody knows: a script, a module's command. It may have written even where it fails.
    Unknown,
}

/// Which arguments are keys, or as good as keys: channels, names of functions. Places count the
/// command's name as 0. All other arguments are values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// None.
    Nothing,
    /// The argument at 1.
    First,
    /// The argument at 2.
    Second,
    /// Those at 1 and 2.
    Two,
    /// All from this place on.
    AllFrom(usize),
    /// All from 1 on but the last, which is a time-out.
    ButLast,
    /// Those at 1, 3, 5 and so on.
    Pairs,
    /// As many as the argument at this place says, behind it.
    Count(usize),
    /// The one at 1, and as many as the argument at 2 says, behind it.
    Store,
    /// The first half of what follows the word STREAMS.
    Streams,
    /// Every argument is a word that stays.
    Words,
}

/// What a reply says of how much a command touched or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Nothing.
    Any,
    /// An integer says how many; below 0 is none.
    Counted,
    /// Null and an empty array say none, other arrays their length, all else one.
    Found,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The command, or its first two words.
    pub(super) name: &'static str,
    /// Its keys.
    pub(super) keys: Keys,
    /// The place from which on words that are known options stay; 0: nowhere.
    pub(super) options_from: usize,
    /// What it does.
    pub(super) does: Does,
    /// What its reply counts.
    pub(super) rows: Rows,
}

const fn e(name: &'static str, keys: Keys, options_from: usize, does: Does, rows: Rows) -> Entry {
    Entry {
        name,
        keys,
        options_from,
        does,
        rows,
    }
}

/// A command that is not in the table.
pub(super) const STRANGER: Entry = e("UNKNOWN", Nothing, 0, Unknown, Any);

/// Words that say how a command is meant, in order.
const OPTIONS: &[&str] = &[
    "ABSTTL",
    "AFTER",
    "AGGREGATE",
    "ALPHA",
    "ANY",
    "ASC",
    "ASYNC",
    "BEFORE",
    "BLOCK",
    "BY",
    "BYBOX",
    "BYLEX",
    "BYRADIUS",
    "BYSCORE",
    "CH",
    "COUNT",
    "DB",
    "DESC",
    "ENTRIESREAD",
    "EX",
    "EXAT",
    "FORCE",
    "FROMLONLAT",
    "FROMMEMBER",
    "GET",
    "GROUP",
    "GT",
    "IDLE",
    "IDX",
    "INCR",
    "JUSTID",
    "KEEPTTL",
    "LASTID",
    "LEFT",
    "LEN",
    "LIMIT",
    "LT",
    "MATCH",
    "MAX",
    "MAXLEN",
    "MIN",
    "MINID",
    "MINMATCHLEN",
    "MKSTREAM",
    "NOACK",
    "NOMKSTREAM",
    "NX",
    "OFF",
    "ON",
    "PERSIST",
    "PX",
    "PXAT",
    "REPLACE",
    "RETRYCOUNT",
    "REV",
    "RIGHT",
    "SKIP",
    "STORE",
    "STOREDIST",
    "STREAMS",
    "SUM",
    "SYNC",
    "TIME",
    "TYPE",
    "WEIGHTS",
    "WITHCOORD",
    "WITHDIST",
    "WITHHASH",
    "WITHMATCHLEN",
    "WITHSCORES",
    "WITHVALUES",
    "XX",
];

/// Returns the option that the word is, in capitals.
pub(super) fn option(word: &[u8]) -> Option<&'static str> {
    let word = std::str::from_utf8(word).ok()?.to_ascii_uppercase();
    let place = OPTIONS.binary_search(&word.as_str()).ok()?;
    Some(OPTIONS[place])
}

/// Returns what is known of a command by its first two words in capitals, and of how many of them
/// its name is. The second word is asked for only where names begin with the first.
pub(super) fn find(
    first: &str,
    second: impl FnOnce() -> String,
) -> Option<(&'static Entry, usize)> {
    let search = |name: &str| TABLE.binary_search_by(|entry| entry.name.cmp(name));
    let found = search(first);
    // Names of two words stand behind the first of them.
    let behind = found.map_or_else(|place| place, |place| place + 1);
    let next = TABLE
        .get(behind)
        .and_then(|next| next.name.strip_prefix(first));
    if next.is_some_and(|rest| rest.starts_with(' '))
        && let Ok(place) = search(&format!("{first} {}", second()))
    {
        return Some((&TABLE[place], 2));
    }
    found.ok().map(|place| (&TABLE[place], 1))
}

/// The commands, in order. Left out and so unknown: CLUSTER's, DEBUG, MODULE, those of modules.
#[rustfmt::skip]
const TABLE: &[Entry] = &[
    e("ACL CAT", Nothing, 0, Read, Any),
    e("ACL GENPASS", Nothing, 0, Session, Any),
    e("ACL GETUSER", Nothing, 0, Read, Any),
    e("ACL LIST", Nothing, 0, Read, Any),
    e("ACL USERS", Nothing, 0, Read, Any),
    e("ACL WHOAMI", Nothing, 0, Session, Any),
    e("APPEND", First, 0, Write, Any),
    e("ASKING", Nothing, 0, Session, Any),
    e("AUTH", Nothing, 0, Session, Any),
    e("BITCOUNT", First, 0, Read, Counted),
    e("BITFIELD", First, 0, Write, Any),
    e("BITFIELD_RO", First, 0, Read, Any),
    e("BITOP", AllFrom(2), 0, Write, Any),
    e("BITPOS", First, 0, Read, Any),
    e("BLMOVE", Two, 3, Wake, Found),
    e("BLMPOP", Count(2), 3, Wake, Found),
    e("BLPOP", ButLast, 0, Wake, Found),
    e("BRPOP", ButLast, 0, Wake, Found),
    e("BRPOPLPUSH", Two, 0, Wake, Found),
    e("BZMPOP", Count(2), 3, Wake, Found),
    e("BZPOPMAX", ButLast, 0, Wake, Found),
    e("BZPOPMIN", ButLast, 0, Wake, Found),
    e("CLIENT CACHING", Words, 0, Session, Any),
    e("CLIENT GETNAME", Nothing, 0, Session, Any),
    e("CLIENT GETREDIR", Nothing, 0, Session, Any),
    e("CLIENT ID", Nothing, 0, Session, Any),
    e("CLIENT INFO", Nothing, 0, Session, Any),
    e("CLIENT LIST", Nothing, 0, Session, Any),
    e("CLIENT NO-EVICT", Words, 0, Session, Any),
    e("CLIENT NO-TOUCH", Words, 0, Session, Any),
    e("CLIENT REPLY", Words, 0, Session, Any),
    e("CLIENT SETINFO", Nothing, 0, Session, Any),
    e("CLIENT SETNAME", Nothing, 0, Session, Any),
    e("CLIENT TRACKING", Nothing, 2, Session, Any),
    e("CLIENT TRACKINGINFO", Nothing, 0, Session, Any),
    e("COMMAND", Nothing, 0, Session, Any),
    e("COMMAND COUNT", Nothing, 0, Session, Any),
    e("COMMAND DOCS", Words, 0, Session, Any),
    e("COMMAND GETKEYS", Nothing, 0, Session, Any),
    e("COMMAND INFO", Words, 0, Session, Any),
    e("COMMAND LIST", Nothing, 0, Session, Any),
    e("CONFIG GET", Words, 0, Read, Any),
    e("CONFIG RESETSTAT", Nothing, 0, Session, Any),
    e("CONFIG SET", Second, 0, Unknown, Any),
    e("COPY", Two, 3, Wake, Counted),
    e("DBSIZE", Nothing, 0, Read, Counted),
    e("DECR", First, 0, Write, Any),
    e("DECRBY", First, 0, Write, Any),
    e("DEL", AllFrom(1), 0, Wake, Counted),
    e("DISCARD", Nothing, 0, Session, Any),
    e("DUMP", First, 0, Read, Found),
    e("ECHO", Nothing, 0, Session, Any),
    e("EVAL", Count(2), 0, Unknown, Any),
    e("EVALSHA", Count(2), 0, Unknown, Any),
    e("EVALSHA_RO", Count(2), 0, Read, Any),
    e("EVAL_RO", Count(2), 0, Read, Any),
    e("EXEC", Nothing, 0, Unknown, Any),
    e("EXISTS", AllFrom(1), 0, Read, Counted),
    e("EXPIRE", First, 3, Write, Counted),
    e("EXPIREAT", First, 3, Write, Counted),
    e("EXPIRETIME", First, 0, Read, Any),
    e("FCALL", Count(2), 0, Unknown, Any),
    e("FCALL_RO", Count(2), 0, Read, Any),
    e("FLUSHALL", Nothing, 1, Wake, Any),
    e("FLUSHDB", Nothing, 1, Wake, Any),
    e("FUNCTION DELETE", Words, 0, Write, Any),
    e("FUNCTION DUMP", Nothing, 0, Read, Any),
    e("FUNCTION FLUSH", Nothing, 2, Write, Any),
    e("FUNCTION LIST", Nothing, 0, Read, Any),
    e("FUNCTION LOAD", Nothing, 2, Write, Any),
    e("FUNCTION RESTORE", Nothing, 2, Write, Any),
    e("FUNCTION STATS", Nothing, 0, Read, Any),
    e("GEOADD", First, 2, Wake, Any),
    e("GEODIST", First, 0, Read, Found),
    e("GEOHASH", First, 0, Read, Found),
    e("GEOPOS", First, 0, Read, Found),
    e("GEORADIUS", First, 5, Wake, Any),
    e("GEORADIUSBYMEMBER", First, 4, Wake, Any),
    e("GEORADIUSBYMEMBER_RO", First, 4, Read, Found),
    e("GEORADIUS_RO", First, 5, Read, Found),
    e("GEOSEARCH", First, 2, Read, Found),
    e("GEOSEARCHSTORE", Two, 3, Wake, Any),
    e("GET", First, 0, Read, Found),
    e("GETBIT", First, 0, Read, Counted),
    e("GETDEL", First, 0, Wake, Found),
    e("GETEX", First, 2, Write, Found),
    e("GETRANGE", First, 0, Read, Found),
    e("GETSET", First, 0, Write, Any),
    e("HDEL", First, 0, Write, Counted),
    e("HELLO", Nothing, 0, Session, Any),
    e("HEXISTS", First, 0, Read, Counted),
    e("HGET", First, 0, Read, Found),
    e("HGETALL", First, 0, Read, Found),
    e("HINCRBY", First, 0, Write, Any),
    e("HINCRBYFLOAT", First, 0, Write, Any),
    e("HKEYS", First, 0, Read, Found),
    e("HLEN", First, 0, Read, Counted),
    e("HMGET", First, 0, Read, Found),
    e("HMSET", First, 0, Write, Any),
    e("HRANDFIELD", First, 2, Read, Found),
    e("HSCAN", First, 3, Read, Any),
    e("HSET", First, 0, Write, Any),
    e("HSETNX", First, 0, Write, Counted),
    e("HSTRLEN", First, 0, Read, Counted),
    e("HVALS", First, 0, Read, Found),
    e("INCR", First, 0, Write, Any),
    e("INCRBY", First, 0, Write, Any),
    e("INCRBYFLOAT", First, 0, Write, Any),
    e("INFO", Words, 0, Session, Any),
    e("KEYS", First, 0, Read, Found),
    e("LASTSAVE", Nothing, 0, Session, Any),
    e("LCS", Two, 3, Read, Any),
    e("LINDEX", First, 0, Read, Found),
    e("LINSERT", First, 2, Wake, Counted),
    e("LLEN", First, 0, Read, Counted),
    e("LMOVE", Two, 3, Wake, Found),
    e("LMPOP", Count(1), 2, Wake, Found),
    e("LOLWUT", Nothing, 0, Session, Any),
    e("LPOP", First, 0, Wake, Found),
    e("LPOS", First, 0, Read, Any),
    e("LPUSH", First, 0, Wake, Any),
    e("LPUSHX", First, 0, Wake, Counted),
    e("LRANGE", First, 0, Read, Found),
    e("LREM", First, 0, Wake, Counted),
    e("LSET", First, 0, Write, Any),
    e("LTRIM", First, 0, Wake, Any),
    e("MEMORY USAGE", Second, 0, Read, Any),
    e("MGET", AllFrom(1), 0, Read, Found),
    e("MONITOR", Nothing, 0, Session, Any),
    e("MOVE", First, 0, Wake, Counted),
    e("MSET", Pairs, 0, Write, Any),
    e("MSETNX", Pairs, 0, Write, Counted),
    e("MULTI", Nothing, 0, Session, Any),
    e("OBJECT ENCODING", Second, 0, Read, Any),
    e("OBJECT FREQ", Second, 0, Read, Any),
    e("OBJECT IDLETIME", Second, 0, Read, Any),
    e("OBJECT REFCOUNT", Second, 0, Read, Any),
    e("PERSIST", First, 0, Write, Counted),
    e("PEXPIRE", First, 3, Write, Counted),
    e("PEXPIREAT", First, 3, Write, Counted),
    e("PEXPIRETIME", First, 0, Read, Any),
    e("PFADD", First, 0, Write, Counted),
    e("PFCOUNT", AllFrom(1), 0, Read, Any),
    e("PFMERGE", AllFrom(1), 0, Write, Any),
    e("PING", Nothing, 0, Session, Any),
    e("PSETEX", First, 0, Write, Any),
    e("PSUBSCRIBE", AllFrom(1), 0, Session, Any),
    e("PSYNC", Nothing, 0, Unknown, Any),
    e("PTTL", First, 0, Read, Any),
    e("PUBLISH", First, 0, Write, Counted),
    e("PUBSUB CHANNELS", Words, 0, Read, Found),
    e("PUBSUB NUMPAT", Nothing, 0, Read, Counted),
    e("PUBSUB NUMSUB", AllFrom(2), 0, Read, Any),
    e("PUBSUB SHARDCHANNELS", Words, 0, Read, Found),
    e("PUBSUB SHARDNUMSUB", AllFrom(2), 0, Read, Any),
    e("PUNSUBSCRIBE", AllFrom(1), 0, Session, Any),
    e("QUIT", Nothing, 0, Session, Any),
    e("RANDOMKEY", Nothing, 0, Read, Found),
    e("READONLY", Nothing, 0, Session, Any),
    e("READWRITE", Nothing, 0, Session, Any),
    e("RENAME", Two, 0, Wake, Any),
    e("RENAMENX", Two, 0, Wake, Counted),
    e("REPLCONF", Nothing, 0, Unknown, Any),
    e("RESET", Nothing, 0, Session, Any),
    e("RESTORE", First, 4, Wake, Any),
    e("ROLE", Nothing, 0, Session, Any),
    e("RPOP", First, 0, Wake, Found),
    e("RPOPLPUSH", Two, 0, Wake, Found),
    e("RPUSH", First, 0, Wake, Any),
    e("RPUSHX", First, 0, Wake, Counted),
    e("SADD", First, 0, Write, Counted),
    e("SCAN", Nothing, 2, Read, Any),
    e("SCARD", First, 0, Read, Counted),
    e("SCRIPT EXISTS", Nothing, 0, Read, Any),
    e("SCRIPT FLUSH", Nothing, 2, Write, Any),
    e("SCRIPT LOAD", Nothing, 0, Write, Any),
    e("SDIFF", AllFrom(1), 0, Read, Found),
    e("SDIFFSTORE", AllFrom(1), 0, Write, Any),
    e("SELECT", Words, 0, Session, Any),
    e("SET", First, 3, Write, Found),
    e("SETBIT", First, 0, Write, Any),
    e("SETEX", First, 0, Write, Any),
    e("SETNX", First, 0, Write, Counted),
    e("SETRANGE", First, 0, Write, Any),
    e("SINTER", AllFrom(1), 0, Read, Found),
    e("SINTERCARD", Count(1), 2, Read, Counted),
    e("SINTERSTORE", AllFrom(1), 0, Write, Any),
    e("SISMEMBER", First, 0, Read, Counted),
    e("SLOWLOG GET", Nothing, 0, Session, Any),
    e("SLOWLOG LEN", Nothing, 0, Session, Any),
    e("SMEMBERS", First, 0, Read, Found),
    e("SMISMEMBER", First, 0, Read, Any),
    e("SMOVE", Two, 0, Write, Counted),
    e("SORT", First, 2, Wake, Any),
    e("SORT_RO", First, 2, Read, Found),
    e("SPOP", First, 0, Write, Found),
    e("SPUBLISH", First, 0, Write, Counted),
    e("SRANDMEMBER", First, 0, Read, Found),
    e("SREM", First, 0, Write, Counted),
    e("SSCAN", First, 3, Read, Any),
    e("SSUBSCRIBE", AllFrom(1), 0, Session, Any),
    e("STRLEN", First, 0, Read, Counted),
    e("SUBSCRIBE", AllFrom(1), 0, Session, Any),
    e("SUBSTR", First, 0, Read, Found),
    e("SUNION", AllFrom(1), 0, Read, Found),
    e("SUNIONSTORE", AllFrom(1), 0, Write, Any),
    e("SUNSUBSCRIBE", AllFrom(1), 0, Session, Any),
    e("SWAPDB", Words, 0, Wake, Any),
    e("SYNC", Nothing, 0, Unknown, Any),
    e("TIME", Nothing, 0, Session, Any),
    e("TOUCH", AllFrom(1), 0, Read, Counted),
    e("TTL", First, 0, Read, Any),
    e("TYPE", First, 0, Read, Any),
    e("UNLINK", AllFrom(1), 0, Wake, Counted),
    e("UNSUBSCRIBE", AllFrom(1), 0, Session, Any),
    e("UNWATCH", Nothing, 0, Session, Any),
    e("WAIT", Nothing, 0, Session, Any),
    e("WAITAOF", Nothing, 0, Session, Any),
    e("WATCH", AllFrom(1), 0, Read, Any),
    e("XACK", First, 0, Write, Counted),
    e("XADD", First, 2, Wake, Found),
    e("XAUTOCLAIM", First, 5, Write, Any),
    e("XCLAIM", First, 5, Write, Found),
    e("XDEL", First, 0, Write, Counted),
    e("XGROUP CREATE", Second, 4, Wake, Any),
    e("XGROUP CREATECONSUMER", Second, 0, Write, Counted),
    e("XGROUP DELCONSUMER", Second, 0, Write, Any),
    e("XGROUP DESTROY", Second, 0, Wake, Counted),
    e("XGROUP SETID", Second, 4, Wake, Any),
    e("XINFO CONSUMERS", Second, 0, Read, Any),
    e("XINFO GROUPS", Second, 0, Read, Any),
    e("XINFO STREAM", Second, 0, Read, Any),
    e("XLEN", First, 0, Read, Counted),
    e("XPENDING", First, 3, Read, Any),
    e("XRANGE", First, 4, Read, Found),
    e("XREAD", Streams, 1, Read, Found),
    e("XREADGROUP", Streams, 1, Write, Found),
    e("XREVRANGE", First, 4, Read, Found),
    e("XSETID", First, 3, Wake, Any),
    e("XTRIM", First, 2, Write, Counted),
    e("ZADD", First, 2, Wake, Any),
    e("ZCARD", First, 0, Read, Counted),
    e("ZCOUNT", First, 0, Read, Counted),
    e("ZDIFF", Count(1), 2, Read, Found),
    e("ZDIFFSTORE", Store, 3, Wake, Any),
    e("ZINCRBY", First, 0, Wake, Any),
    e("ZINTER", Count(1), 2, Read, Found),
    e("ZINTERCARD", Count(1), 2, Read, Counted),
    e("ZINTERSTORE", Store, 3, Wake, Any),
    e("ZLEXCOUNT", First, 0, Read, Counted),
    e("ZMPOP", Count(1), 2, Wake, Found),
    e("ZMSCORE", First, 0, Read, Any),
    e("ZPOPMAX", First, 0, Wake, Found),
    e("ZPOPMIN", First, 0, Wake, Found),
    e("ZRANDMEMBER", First, 2, Read, Found),
    e("ZRANGE", First, 4, Read, Found),
    e("ZRANGEBYLEX", First, 4, Read, Found),
    e("ZRANGEBYSCORE", First, 4, Read, Found),
    e("ZRANGESTORE", Two, 5, Wake, Any),
    e("ZRANK", First, 0, Read, Any),
    e("ZREM", First, 0, Wake, Counted),
    e("ZREMRANGEBYLEX", First, 0, Wake, Counted),
    e("ZREMRANGEBYRANK", First, 0, Wake, Counted),
    e("ZREMRANGEBYSCORE", First, 0, Wake, Counted),
    e("ZREVRANGE", First, 4, Read, Found),
    e("ZREVRANGEBYLEX", First, 4, Read, Found),
    e("ZREVRANGEBYSCORE", First, 4, Read, Found),
    e("ZREVRANK", First, 0, Read, Any),
    e("ZSCAN", First, 3, Read, Any),
    e("ZSCORE", First, 0, Read, Found),
    e("ZUNION", Count(1), 2, Read, Found),
    e("ZUNIONSTORE", Store, 3, Wake, Any),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order() {
        let names: Vec<&str> = TABLE.iter().map(|entry| entry.name).collect();
        for list in [&names, &OPTIONS.to_vec()] {
            let unsorted = list.windows(2).find(|pair| pair[0] >= pair[1]);
            assert_eq!(unsorted, None);
        }
    }

    #[test]
    fn entries_are_found() {
        #[track_caller]
        fn check(first: &str, second: &str, expect: Option<(&str, usize)>) {
            let found = find(first, || second.to_owned());
            assert_eq!(found.map(|(entry, width)| (entry.name, width)), expect);
        }
        check("SET", "CREATE", Some(("SET", 1)));
        check("XGROUP", "CREATE", Some(("XGROUP CREATE", 2)));
        check("XGROUP", "", None);
        check("COMMAND", "", Some(("COMMAND", 1)));
        check("COMMAND", "DOCS", Some(("COMMAND DOCS", 2)));
        check("ZZ", "TOP", None);
        check("", "", None);
        assert_eq!(option(b"nx"), Some("NX"));
        assert_eq!(option(b"hunter2"), None);
    }
}
