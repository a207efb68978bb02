//! Names of images, and what an image says of itself.

use crate::sandbox::SandboxError;
use bollard::Docker;
use bollard::errors::Error;
use testcontainers::GenericImage;
use testcontainers::runners::AsyncRunner;

/// Names images to use in place of others: `postgres:17=local/postgres:15,...`.
const MAP: &str = "TWICEPROOF_IMAGE_MAP";

/// Returns the image to use in place of the one named: itself, unless overridden.
pub fn overridden(image: &str) -> String {
    let map = std::env::var(MAP).unwrap_or_default();
    look_up(&map, image).unwrap_or(image).to_owned()
}

fn look_up<'a>(map: &'a str, image: &str) -> Option<&'a str> {
    let pairs = map.split(',').filter_map(|pair| pair.split_once('='));
    let mut pairs = pairs.map(|(from, to)| (from.trim(), to.trim()));
    pairs
        .find(|(from, to)| *from == image && !to.is_empty())
        .map(|(_, to)| to)
}

/// Returns the name and the tag; a colon before a slash belongs to a registry's port.
pub(super) fn split(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

/// Returns the image's own entry point and command, after pulling it if the engine has it not.
pub(super) async fn own_command(engine: &Docker, image: &str) -> Result<Vec<String>, SandboxError> {
    let refused = |reason: String| SandboxError::Refused {
        tried: format!("use the image {image}"),
        reason,
        hint: format!("pull or build it first, or name another by {MAP}=\"{image}=OTHER\""),
    };
    let found = match engine.inspect_image(image).await {
        Err(Error::DockerResponseServerError {
            status_code: 404, ..
        }) => {
            let (name, tag) = split(image);
            let pulled = GenericImage::new(name, tag).pull_image().await;
            pulled
                .map(drop)
                .map_err(|error| refused(super::chain(&error)))?;
            engine.inspect_image(image).await
        }
        other => other,
    };
    let config = found
        .map_err(|error| refused(super::chain(&error)))?
        .config
        .unwrap_or_default();
    let words = [config.entrypoint, config.cmd]
        .into_iter()
        .flatten()
        .flatten();
    Ok(words.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split() {
        let check = |image: &str, expect: (&str, &str)| assert_eq!(split(image), expect);
        check("postgres", ("postgres", "latest"));
        check("postgres:17", ("postgres", "17"));
        check("host:5000/postgres", ("host:5000/postgres", "latest"));
        check("host:5000/postgres:17", ("host:5000/postgres", "17"));
        check("postgres@sha256:00ff", ("postgres@sha256", "00ff"));
    }

    #[test]
    fn overrides_are_found() {
        let check =
            |map: &str, expect: Option<&str>| assert_eq!(look_up(map, "postgres:17"), expect);
        check("", None);
        check("postgres:17=mine:1", Some("mine:1"));
        check("a=b, postgres:17 = mine:1 ,c=d", Some("mine:1"));
        check("postgres:16=mine:1", None);
        check("postgres:17=", None);
        check("postgres:17", None);
    }
}
