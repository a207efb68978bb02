//! The `redis` crate over RESP3: commands, a pipeline, a transaction, a script, messages, errors.

use redis::{Client, Connection, RedisResult, Script, Value, cmd, pipe};
use std::sync::mpsc;

fn main() -> RedisResult<()> {
    let port: u16 = option_port().expect("PGPORT names a port");
    let url = format!("redis://127.0.0.1:{port}/?protocol=resp3");
    let client = Client::open(url)?;
    let mut connection = client.get_connection()?;
    commands(&mut connection)?;
    messages(&mut connection)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program beside the tests, no part of the crate"
)]
fn option_port() -> Option<u16> {
    std::env::var("PGPORT").ok()?.parse().ok()
}

fn commands(connection: &mut Connection) -> RedisResult<()> {
    let mut set = cmd("SET");
    set.arg("lock:points")
        .arg("hunter2")
        .arg("NX")
        .arg("PX")
        .arg(30_000);
    println!("{:?}", set.query::<Value>(connection)?);
    println!("{:?}", set.query::<Value>(connection)?);
    let mut pipeline = pipe();
    pipeline.cmd("HSET").arg("member:1").arg("points").arg(10);
    pipeline.cmd("HGETALL").arg("member:1");
    pipeline.cmd("SADD").arg("set").arg("a").arg("b");
    pipeline.cmd("SMEMBERS").arg("nothing");
    pipeline.cmd("ZADD").arg("board").arg(1.5).arg("a");
    pipeline.cmd("ZSCORE").arg("board").arg("a");
    println!("{:?}", pipeline.query::<Vec<Value>>(connection)?);
    let mut transaction = pipe();
    transaction.atomic();
    transaction.cmd("INCRBY").arg("counter").arg(2);
    transaction.cmd("GET").arg("counter");
    transaction.cmd("RPUSH").arg("queue").arg("a");
    println!("{:?}", transaction.query::<Vec<Value>>(connection)?);
    let script = Script::new("return {KEYS[1], ARGV[1], redis.call('del', KEYS[1])}");
    let mut run = script.key("lock:points");
    println!("{:?}", run.arg("hunter2").invoke::<Value>(connection)?);
    println!(
        "{:?}",
        cmd("LPUSH")
            .arg("counter")
            .arg("x")
            .query::<Value>(connection)
            .is_err()
    );
    println!(
        "{:?}",
        cmd("BLPOP")
            .arg("empty")
            .arg(0.01)
            .query::<Value>(connection)?
    );
    Ok(())
}

fn messages(connection: &mut Connection) -> RedisResult<()> {
    let (sender, pushes) = mpsc::channel();
    connection.set_push_sender(sender);
    cmd("CLIENT").arg("TRACKING").arg("ON").exec(connection)?;
    cmd("GET").arg("counter").query::<Value>(connection)?;
    cmd("INCR").arg("counter").query::<Value>(connection)?;
    connection.subscribe_resp3("channel")?;
    connection.psubscribe_resp3("ch*")?;
    cmd("PUBLISH")
        .arg("channel")
        .arg("hunter2")
        .query::<Value>(connection)?;
    println!("{:?}", cmd("PING").query::<Value>(connection)?);
    connection.unsubscribe_resp3("channel")?;
    connection.punsubscribe_resp3("ch*")?;
    println!("{:?}", cmd("PING").query::<Value>(connection)?);
    for push in pushes.try_iter() {
        println!("{:?} {}", push.kind, push.data.len());
    }
    Ok(())
}
