//! Looks for the binaries of a PostgreSQL server.

use super::Server;
use crate::sandbox::SandboxError;
use crate::service::ServiceError;
use std::path::Path;
use twiceproof_model::Exit;

/// Newest and oldest major version looked for in the folders of distributions. The oldest is the
/// first that can hash whole records.
const MAJORS: std::ops::RangeInclusive<u32> = 14..=20;

impl Server {
    /// Looks for the binaries: where the options say, in PATH, where `pg_config` says, then where
    /// distributions put them, newest first. It looks by starting them, since only the sandbox
    /// knows what it can start.
    pub(super) async fn find(&mut self, bin: Option<&Path>) -> Result<(), ServiceError> {
        let mut folders = Vec::new();
        if let Some(bin) = bin {
            folders.push(bin.display().to_string());
        } else {
            folders.push(String::new());
            if let Some((Exit::Code(0), said)) = self.attempt(&["pg_config", "--bindir"]).await? {
                folders.push(said.trim().to_owned());
            }
            for major in MAJORS.rev() {
                folders.push(format!("/usr/lib/postgresql/{major}/bin"));
                folders.push(format!("/usr/pgsql-{major}/bin"));
            }
            folders.push("/usr/lib/postgresql/bin".to_owned());
            folders.push("/usr/local/pgsql/bin".to_owned());
            folders.push("/usr/local/bin".to_owned());
        }
        let mut tried = Vec::new();
        for folder in folders {
            self.bin = folder;
            let command = [&*self.binary("postgres"), "--version"];
            match self.attempt(&command).await? {
                Some((Exit::Code(0), said)) if self.has_tools().await? => {
                    return self.accept(&said);
                }
                _ if self.bin.is_empty() => tried.push("PATH".to_owned()),
                _ => tried.push(self.bin.clone()),
            }
        }
        Err(self.environment(
            format!("no PostgreSQL server found; looked in {}", tried.join(", ")),
            "install PostgreSQL 14 or later, or name the folder of `postgres`, `initdb` and `psql` in `options.bin`",
        ))
    }

    /// Takes note of the version, as `postgres --version` says it: `postgres (PostgreSQL) 15.18
    /// (Debian 15.18-1)`.
    fn accept(&mut self, said: &str) -> Result<(), ServiceError> {
        let number = said
            .split_whitespace()
            .nth(2)
            .unwrap_or("of unknown version");
        self.version = format!("PostgreSQL {number}");
        let major: String = number.chars().take_while(char::is_ascii_digit).collect();
        match major.parse::<u32>() {
            Ok(major) if major < *MAJORS.start() => Err(self.environment(
                format!("{} is too old", self.version),
                "PostgreSQL 14 or later is needed, since older ones cannot hash records",
            )),
            _ => Ok(()),
        }
    }

    async fn has_tools(&mut self) -> Result<bool, ServiceError> {
        for tool in ["initdb", "psql"] {
            let command = [&*self.binary(tool), "--version"];
            if !matches!(self.attempt(&command).await?, Some((Exit::Code(0), _))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs a program to its end; `None` if there is no such program.
    async fn attempt(&mut self, argv: &[&str]) -> Result<Option<(Exit, String)>, ServiceError> {
        match self.run(argv, None).await {
            Ok(done) => Ok(Some(done)),
            Err(ServiceError::Sandbox {
                source: SandboxError::Start { .. },
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
