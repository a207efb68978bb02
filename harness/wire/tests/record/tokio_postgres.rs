//! tokio-postgres: prepared statements, pipelined queries, COPY in both directions, an error.

use futures_util::{SinkExt, StreamExt, future, pin_mut};
use std::error::Error;
use tokio_postgres::{Client, NoTls};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = option_port().ok_or("PGPORT names no port")?;
    let (client, connection) = tokio_postgres::Config::new()
        .host("127.0.0.1")
        .port(port)
        .user("scram")
        .password("hunter2")
        .dbname("postgres")
        .connect(NoTls)
        .await?;
    let connection = tokio::spawn(connection);
    queries(&client).await?;
    copies(&client).await?;
    drop(client);
    connection.await??;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program beside the tests, no part of the crate"
)]
fn option_port() -> Option<u16> {
    std::env::var("PGPORT").ok()?.parse().ok()
}

async fn queries(client: &Client) -> Result<(), Box<dyn Error>> {
    let select = client
        .prepare("SELECT name FROM account WHERE id = $1")
        .await?;
    client.query(&select, &[&1_i32]).await?;
    let update = "UPDATE account SET name = $1 WHERE id = $2";
    let names = ["a", "b", "c"];
    let updates = (1..)
        .zip(&names)
        .map(|(id, name)| async move { client.execute(update, &[name, &id]).await });
    for updated in future::join_all(updates).await {
        updated?;
    }
    let refused = client
        .execute("INSERT INTO account VALUES (1, 'hunter2', 0)", &[])
        .await;
    println!("{refused:?}");
    client
        .batch_execute("BEGIN; UPDATE account SET balance = 3 WHERE id = 3; COMMIT")
        .await?;
    Ok(())
}

async fn copies(client: &Client) -> Result<(), Box<dyn Error>> {
    let sink = client.copy_in("COPY log (text) FROM STDIN").await?;
    pin_mut!(sink);
    sink.send(&b"first\n"[..]).await?;
    sink.send(&b"second\n"[..]).await?;
    println!("{}", sink.finish().await?);
    let sink = client.copy_in("COPY account (id, name) FROM STDIN").await?;
    pin_mut!(sink);
    sink.send(&b"not a number\tx\n"[..]).await?;
    println!("{:?}", sink.finish().await);
    let rows = client
        .copy_out("COPY (SELECT id FROM account WHERE id < 4) TO STDOUT")
        .await?;
    println!("{}", rows.count().await);
    client.simple_query("SELECT 1").await?;
    // Sends CopyFail and Sync for a COPY that never began, and loses count of the answers.
    let sink = client.copy_in::<_, &[u8]>("COPY nothing FROM STDIN").await;
    println!("{}", sink.is_err());
    println!("{:?}", client.simple_query("SELECT 2").await);
    Ok(())
}
