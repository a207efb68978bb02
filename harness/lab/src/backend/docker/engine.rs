//! The engine: reaching it, and removing what dead runs left in it.

use crate::sandbox::SandboxError;
use bollard::Docker;
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};
use std::sync::OnceLock;

/// Label of every container of ours; its value names the process that owns it.
pub(super) const RUN_LABEL: &str = "twiceproof.run";

/// Label that names one sandbox.
pub(super) const SANDBOX_LABEL: &str = "twiceproof.sandbox";

/// Returns the label of this process's containers: its number and the time of its start, so that
/// a later process of the same number is another owner.
pub fn run_label() -> String {
    static LABEL: OnceLock<String> = OnceLock::new();
    let make = || {
        let process = std::process::id();
        format!("{process}-{}", started(process).unwrap_or_default())
    };
    LABEL.get_or_init(make).clone()
}

/// Returns when a process started, in ticks since the machine did.
fn started(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may hold anything; 20 fields follow before this one.
    stat.rsplit(')')
        .next()?
        .split_ascii_whitespace()
        .nth(19)
        .map(str::to_owned)
}

fn is_alive(label: &str) -> bool {
    let Some((process, start)) = label.split_once('-') else {
        return false;
    };
    process
        .parse()
        .ok()
        .and_then(started)
        .is_some_and(|found| found == start)
}

/// Connects to the engine, in a version that both speak.
pub(super) async fn connect() -> Result<Docker, SandboxError> {
    let refused = |reason: String| SandboxError::Refused {
        tried: "reach a container engine".to_owned(),
        reason,
        hint: "start Docker or Podman, let this user reach its socket, or set DOCKER_HOST; or use \
               --backend local"
            .to_owned(),
    };
    if let Ok(host) = std::env::var("DOCKER_HOST")
        && !host.starts_with("unix://")
    {
        return Err(SandboxError::Refused {
            tried: "use the container engine that DOCKER_HOST names".to_owned(),
            reason: format!("{host} is remote, and cannot pass sockets to this machine"),
            hint: "use an engine on this machine (unix://), or --backend local".to_owned(),
        });
    }
    let client = testcontainers::core::client::docker_client_instance().await;
    let client = client.map_err(|error| refused(super::chain(&error)))?;
    let negotiated = client.negotiate_version().await;
    negotiated.map_err(|error| refused(super::chain(&error)))
}

/// Removes every container whose label has the value; errors leave it for the next time.
pub(super) async fn remove(engine: &Docker, label: &str, value: &str) -> Vec<String> {
    let containers = list(engine, label).await.unwrap_or_default();
    let ours = containers
        .into_iter()
        .filter(|(_, found)| found == value)
        .map(|(id, _)| id);
    remove_all(engine, ours.collect()).await
}

/// Returns the containers with the label: their ids and its values.
async fn list(
    engine: &Docker,
    label: &str,
) -> Result<Vec<(String, String)>, bollard::errors::Error> {
    let filters = [("label".to_owned(), vec![label.to_owned()])]
        .into_iter()
        .collect();
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let found = engine.list_containers(Some(options)).await?;
    let label = |container: bollard::models::ContainerSummary| {
        Some((container.id?, container.labels?.remove(label)?))
    };
    Ok(found.into_iter().filter_map(label).collect())
}

async fn remove_all(engine: &Docker, ids: Vec<String>) -> Vec<String> {
    let mut removed = Vec::new();
    for id in ids {
        let options = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        if engine.remove_container(&id, Some(options)).await.is_ok() {
            removed.push(id);
        }
    }
    removed
}

/// Removes the containers of runs that are dead, and returns their ids. Those of this process and
/// of others that live stay.
pub async fn remove_leftovers() -> Result<Vec<String>, SandboxError> {
    let engine = connect().await?;
    let listed = list(&engine, RUN_LABEL)
        .await
        .map_err(|error| SandboxError::Refused {
            tried: "list containers".to_owned(),
            reason: super::chain(&error),
            hint: String::new(),
        })?;
    let dead = listed
        .into_iter()
        .filter(|(_, label)| !is_alive(label))
        .map(|(id, _)| id);
    Ok(remove_all(&engine, dead.collect()).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_name_one_process() {
        assert!(is_alive(&run_label()));
        for label in [
            "",
            "1",
            "x-1",
            "1-",
            "4194305-1",
            &format!("{}-1", std::process::id()),
        ] {
            assert!(!is_alive(label), "{label}");
        }
    }
}
