//! What the conformance tests run inside a sandbox: one word, one attempt, one line of output.

fn main() {
    println!("probe");
}
