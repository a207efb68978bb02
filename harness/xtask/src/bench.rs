//! `cargo xtask bench`: the benchmarks, which are an example of the lab, built as users have it.

use crate::images::IMAGE_MAP;
use crate::shell::{Failure, command, finish, read};
use crate::{Task, images, jobs};

/// The chore.
pub(crate) const TASK: Task = Task {
    name: "bench",
    doc: "measure trials a second, what a tap costs, and memory",
    run: measure,
};

/// Builds what they run, then runs them with what follows the chore's name.
fn measure() -> Result<(), Failure> {
    (jobs::TASK.run)()?;
    if read(&["docker", "version"]).is_some() {
        (images::TASK.run)()?;
    }
    let mut bench = command(&[
        "cargo",
        "run",
        "--release",
        "--locked",
        "--package",
        "twiceproof-lab",
        "--example",
        "bench",
        "--",
    ]);
    bench.args(std::env::args().skip(2));
    bench.env("TWICEPROOF_IMAGE_MAP", IMAGE_MAP);
    finish(&mut bench, "the benchmarks")
}
