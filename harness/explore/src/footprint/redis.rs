//! Redis: a key is an object. Which words of a command are keys, the signature's text tells: values
//! are masked in it.

use super::{Access, Touched, access_of};
use twiceproof_model::Reply;

/// Commands about the session alone.
const SESSION: &[&str] = &[
    "AUTH", "CLIENT", "COMMAND", "DISCARD", "ECHO", "HELLO", "INFO", "MULTI", "PING", "QUIT",
    "READONLY", "SELECT", "TIME", "UNWATCH",
];

/// Commands all of whose words that are no values are keys, but for one that begins otherwise.
const KEYED: &[&str] = &[
    "APPEND",
    "BLMOVE",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "DECR",
    "DECRBY",
    "DEL",
    "EXISTS",
    "EXPIRE",
    "EXPIREAT",
    "GET",
    "GETDEL",
    "GETEX",
    "GETSET",
    "HDEL",
    "HEXISTS",
    "HGET",
    "HGETALL",
    "HINCRBY",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HMSET",
    "HSET",
    "HSETNX",
    "HVALS",
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "LINDEX",
    "LINSERT",
    "LLEN",
    "LMOVE",
    "LPOP",
    "LPUSH",
    "LPUSHX",
    "LRANGE",
    "LREM",
    "LSET",
    "LTRIM",
    "MGET",
    "MSET",
    "MSETNX",
    "PERSIST",
    "PEXPIRE",
    "PEXPIREAT",
    "PSETEX",
    "PTTL",
    "RENAME",
    "RENAMENX",
    "RPOP",
    "RPOPLPUSH",
    "RPUSH",
    "RPUSHX",
    "SADD",
    "SCARD",
    "SET",
    "SETEX",
    "SETNX",
    "SISMEMBER",
    "SMEMBERS",
    "SMOVE",
    "SPOP",
    "SREM",
    "STRLEN",
    "TTL",
    "TYPE",
    "UNLINK",
    "WATCH",
    "ZADD",
    "ZCARD",
    "ZCOUNT",
    "ZINCRBY",
    "ZPOPMAX",
    "ZPOPMIN",
    "ZRANGE",
    "ZRANGEBYSCORE",
    "ZRANK",
    "ZREM",
    "ZSCORE",
];

/// Scripts and functions: what they are is followed by the number of their keys.
const SCRIPTS: &[&str] = &[
    "EVAL",
    "EVALSHA",
    "EVALSHA_RO",
    "EVAL_RO",
    "FCALL",
    "FCALL_RO",
];

/// Commands about the session that look at others, or reach out for them.
const BEYOND: &[&str] = &["CLIENT", "INFO"];

/// Returns whether the text names all that the command touches. A script may touch keys that it is
/// not told of.
pub(super) fn tells_all(text: &str) -> bool {
    let command = text.split(' ').next().unwrap_or("");
    !SCRIPTS.contains(&command) && !BEYOND.contains(&command)
}

pub(super) fn read(text: &str, reply: &Reply) -> Touched {
    let mut words = text.split(' ');
    let command = words.next()?;
    if SESSION.contains(&command) {
        return Some(Vec::new());
    }
    let keys: Vec<&str> = if SCRIPTS.contains(&command) {
        let count: usize = words.nth(1)?.parse().ok()?;
        let keys: Vec<&str> = words.take(count).collect();
        // A script that is told of no keys may touch any; so may one whose text lacks some.
        if keys.len() < count || keys.is_empty() {
            return None;
        }
        keys
    } else if KEYED.contains(&command) {
        words.filter(|word| *word != "?").collect()
    } else {
        return None;
    };
    // A key in which a part is masked may be any.
    if keys.is_empty() || keys.iter().any(|key| key.contains('?')) {
        return None;
    }
    let access = match command {
        // What a watched key is depends on who writes it, up to EXEC.
        "WATCH" => Access::Read,
        _ => access_of(reply),
    };
    let keys = keys.into_iter();
    Some(keys.map(|key| (key.to_owned(), access)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::read;

    #[test]
    fn keys() {
        check(read, "GET lock", false, "r lock");
        check(read, "SET lock ?", true, "w lock");
        check(read, "MSET a ? b ?", true, "w a, w b");
        check(read, "BLPOP a b ?", true, "w a, w b");
        check(read, "INCR n", true, "w n");
        check(read, "EVAL 63143b6f 1 lock ?", true, "w lock");
        check(read, "EVALSHA 63143b6f 0", true, "unknown");
        check(read, "PING", false, "");
    }

    #[test]
    fn what_may_touch_any_key() {
        check(read, "FLUSHALL", true, "unknown");
        check(read, "SCAN ?", false, "unknown");
        check(read, "EXEC", true, "unknown");
        check(read, "GET ?", false, "unknown");
        check(read, "GET job:?", false, "unknown");
        check(read, "JSON.SET ?", true, "unknown");
    }
}
