//! Conformance of sandboxes: the same bodies on every backend, and as an ordinary user.

mod bench_of;
mod escape;
mod files;
mod host;
mod lifetime;
mod start;
mod stop;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use twiceproof_lab::backend::docker::Docker;
use twiceproof_lab::backend::{Backend, local::Local};

pub(crate) use bench_of::Bench;

/// Makes each body a test of each backend, the docker backend with an image that holds next to
/// nothing and one that holds a system.
macro_rules! conformance {
    ($($file:ident :: $body:ident),* $(,)?) => {
        mod local {
            $(#[test]
            fn $body() {
                super::run(&super::Local, None, async |bench| super::$file::$body(bench).await);
            })*
        }
        mod docker_scratch {
            $(#[test]
            fn $body() {
                let image = Some("twiceproof/scratch:1");
                super::run(&super::Docker, image, async |bench| super::$file::$body(bench).await);
            })*
        }
        mod docker_debian {
            $(#[test]
            fn $body() {
                let image = Some("twiceproof/debian:12");
                super::run(&super::Docker, image, async |bench| super::$file::$body(bench).await);
            })*
        }
    };
}

conformance!(
    start::exit_codes_and_signals_are_told,
    start::failures_to_start_are_named,
    start::output_and_input_pass,
    start::environment_is_what_was_asked_for,
    start::two_starts_run_side_by_side,
    start::nothing_of_a_former_start_is_left,
    start::declared_folders_are_shared,
    start::rights_are_given_up,
    start::listeners_are_found_by_name,
    start::sockets_inside_can_be_dialled,
    start::queues_are_told,
    stop::a_tree_is_killed_whole,
    stop::a_fork_storm_is_killed,
    stop::signals_reach_the_process_or_the_tree,
    stop::a_pause_stops_every_thread,
    stop::a_paused_tree_can_be_killed,
    stop::a_fork_storm_is_paused,
    stop::a_pause_does_not_disturb,
    stop::samples_show_what_threads_do,
    stop::left_over_processes_are_named,
    files::a_held_call_changes_nothing,
    files::calls_are_named_with_their_results,
    files::a_call_can_fail_as_wished,
    files::a_result_can_be_held_back,
    files::killed_while_held,
    files::no_lock_waits_in_the_kernel,
    files::a_signal_ends_a_wait,
    files::threads_and_children_are_held,
    files::a_pause_spares_what_is_held,
    files::looks_are_told_where_asked,
    files::traced_calls_go_on_by_themselves,
    files::a_ring_is_refused,
    files::an_end_of_the_lab_lets_nothing_through,
    escape::no_way_out,
    escape::nothing_outside_can_be_changed,
);

/// The same bodies in a sandbox that joined the host of another one; not those about a host that is
/// fresh at each start.
macro_rules! beside {
    ($($file:ident :: $body:ident),* $(,)?) => {
        mod local_beside {
            $(#[test]
            fn $body() {
                super::run_beside(&super::Local, None, async |bench| {
                    super::$file::$body(bench).await;
                });
            })*
        }
    };
}

beside!(
    start::exit_codes_and_signals_are_told,
    start::failures_to_start_are_named,
    start::output_and_input_pass,
    start::two_starts_run_side_by_side,
    start::declared_folders_are_shared,
    start::listeners_are_found_by_name,
    start::sockets_inside_can_be_dialled,
    start::queues_are_told,
    stop::a_tree_is_killed_whole,
    stop::a_fork_storm_is_killed,
    stop::signals_reach_the_process_or_the_tree,
    stop::a_pause_stops_every_thread,
    stop::a_paused_tree_can_be_killed,
    stop::a_fork_storm_is_paused,
    stop::a_pause_does_not_disturb,
    stop::samples_show_what_threads_do,
    stop::left_over_processes_are_named,
    escape::no_way_out,
);

/// Sandboxes of one host, on every backend.
macro_rules! hosts {
    ($($body:ident),* $(,)?) => {
        mod local_host {
            $(#[test]
            fn $body() {
                super::run(&super::Local, None, async |bench| super::host::$body(bench).await);
            })*
        }
        mod docker_host {
            $(#[test]
            fn $body() {
                let image = Some("twiceproof/debian:12");
                super::run(&super::Docker, image, async |bench| super::host::$body(bench).await);
            })*
        }
    };
}

hosts!(
    process_ids_mean_something_on_one_host,
    temporary_files_are_shared_until_the_host_is_cleaned,
    networks_are_their_own_on_one_host,
    the_end_of_one_sandbox_leaves_the_other,
    the_end_of_the_first_ends_the_host,
);

/// Runs a body on one backend, on a runtime of its own.
fn run(
    backend: &'static dyn Backend,
    image: Option<&'static str>,
    body: impl AsyncFnOnce(&mut Bench),
) {
    run_on(Bench::new(backend, image), body);
}

/// Runs a body all of whose sandboxes join the host of another one.
fn run_beside(
    backend: &'static dyn Backend,
    image: Option<&'static str>,
    body: impl AsyncFnOnce(&mut Bench),
) {
    run_on(Bench::new(backend, image).beside(), body);
}

fn run_on(mut bench: Bench, body: impl AsyncFnOnce(&mut Bench)) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    runtime.block_on(local.run_until(async move { body(&mut bench).await }));
}

/// Runs the tests of the local backend again without any right, if we have some.
#[test]
fn local_as_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        // Then the tests of `local` just ran as one.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = folder.path().join("it");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let mut again = Command::new("setpriv");
    again
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(copy);
    again
        .args([
            "sandbox::local::",
            "sandbox::local_beside::",
            "sandbox::local_host::",
        ])
        .arg("--test-threads=2")
        .current_dir("/");
    let output = again.env("TMPDIR", "/tmp").output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{words}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(words.contains("58 passed"), "{words}");
}
