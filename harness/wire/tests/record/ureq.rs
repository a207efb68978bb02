//! Requests by ureq, for recordings: see `record.py`.

use std::error::Error;

#[expect(
    clippy::disallowed_methods,
    reason = "a program beside the tests, no part of the crate"
)]
fn option_port() -> Option<u16> {
    std::env::var("HTTP_PORT").ok()?.parse().ok()
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = option_port().ok_or("HTTP_PORT is no port")?;
    let base = format!("http://127.0.0.1:{port}");
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let secret = "Bearer hunter2";
    let get = agent
        .get(format!("{base}/member/17"))
        .header("Authorization", secret);
    println!("{}", get.call()?.into_body().read_to_string()?);
    let charge = agent
        .post(format!("{base}/charge"))
        .header("Idempotency-Key", "order-1");
    println!("{}", charge.send("amount=5")?.into_body().read_to_string()?);
    let put = agent
        .put(format!("{base}/a"))
        .header("Transfer-Encoding", "chunked");
    println!("{}", put.send("in chunks")?.into_body().read_to_string()?);
    let waits = agent
        .post(format!("{base}/waits"))
        .header("Expect", "100-continue");
    println!(
        "{}",
        waits.send("called for")?.into_body().read_to_string()?
    );
    println!(
        "{}",
        agent
            .get(format!("{base}/chunked"))
            .call()?
            .into_body()
            .read_to_string()?
            .len()
    );
    println!(
        "{}",
        agent.post(format!("{base}/fail")).send_empty()?.status()
    );
    Ok(())
}
