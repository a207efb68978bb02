//! Reads target files.

use super::keys;
use super::{LockSpec, ServiceSpec, StateSpec, Target};
use crate::diag::{Diag, code};
use crate::file::{Content, Fields, Reader, Spanned, below, choices};
use crate::kind::{Key, Kinds};
use crate::name::ServiceName;
use std::collections::BTreeMap;
use std::path::Path;

/// The longest host name (RFC 1035).
const HOST_BYTES_MAX: usize = 253;

/// Reads the text of a target file, or returns every error in it.
///
/// `file` is its name in diagnostics, `folder` the absolute path that its paths are relative to.
/// Whether those exist is not looked at.
pub fn parse(
    text: &str,
    file: &Path,
    folder: &Path,
    name: &str,
    kinds: &Kinds<'_>,
) -> Result<Target, Vec<Diag>> {
    let mut reader = Reader::new(file, kinds);
    let content = reader.content(&keys::FORMAT, text);
    let root = &content.root;
    check_command(&mut reader, root);
    check_secrets(&mut reader, root);
    let services = services(&mut reader, &content, folder);
    check_addresses(&mut reader, &content, &services);
    let target = Target {
        name: name.to_owned(),
        folder: folder.to_owned(),
        command: root.texts(&keys::COMMAND),
        args: root.texts(&keys::ARGS),
        env: root.pairs(&keys::ENV),
        workdir: below(folder, root.text(&keys::WORKDIR).unwrap_or(".")),
        is_workdir_given: root.text(&keys::WORKDIR).is_some(),
        image: image(&mut reader, root, &keys::IMAGE),
        reuse: root.boolean_or_default(&keys::REUSE),
        timeout: root.duration_or_default(&keys::TIMEOUT),
        grace: root.duration_or_default(&keys::GRACE),
        secrets: root.texts(&keys::SECRETS),
        state: state(&mut reader, &content),
        locks: locks(&mut reader, &content),
        services,
    };
    reader.finish(target)
}

fn check_command(reader: &mut Reader<'_>, root: &Fields<'_>) {
    let Some(command) = root.list(&keys::COMMAND) else {
        return;
    };
    if command
        .first()
        .is_none_or(|program| program.value.is_empty())
    {
        let message = "`command` names no program".to_owned();
        let help = "write command = [\"PROGRAM\", \"ARGUMENT\"]".to_owned();
        reader.report(code::TYPE, message, root.place(&keys::COMMAND), help);
    }
}

fn check_secrets(reader: &mut Reader<'_>, root: &Fields<'_>) {
    let Some(secrets) = root.list(&keys::SECRETS) else {
        return;
    };
    for secret in secrets.iter().filter(|secret| secret.value.is_empty()) {
        let message = "an empty name in `secrets`".to_owned();
        let help = "name variables, not values".to_owned();
        reader.report(code::TYPE, message, secret.span.clone(), help);
    }
}

/// Returns the image of a key, where one is named.
fn image(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &Key) -> Option<String> {
    let image = fields.text(key)?;
    if image.is_empty() || image.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let message = format!("`{image}` names no image");
        let help = "write image = \"NAME:TAG\"".to_owned();
        reader.report(code::TYPE, message, fields.place(key), help);
    }
    Some(image.to_owned())
}

fn services(reader: &mut Reader<'_>, content: &Content<'_>, folder: &Path) -> Vec<ServiceSpec> {
    let mut services = Vec::new();
    for (name, fields) in content.all(&keys::SERVICE) {
        let host = host(reader, &name.value, fields);
        let usual = fields.kind.and_then(|kind| kind.port);
        if let Some(kind) = fields.kind.filter(|kind| kind.port.is_none()) {
            for key in [&keys::HOST, &keys::PORT] {
                if let Some(span) = fields.keys.get(key.name) {
                    let message = format!("`{}` for a {} service", key.name, kind.name);
                    let help = format!("remove it: no job connects to {}", kind.name);
                    reader.report(code::UNKNOWN_KEY, message, span.clone(), help);
                }
            }
        }
        services.push(ServiceSpec {
            name: name.value.as_str().into(),
            kind: fields.text_or_empty(&keys::SERVICE_KIND),
            host,
            port: fields.integer(&keys::PORT).or(usual),
            image: image(reader, fields, &keys::SERVICE_IMAGE),
            seed: fields
                .texts(&keys::SEED)
                .iter()
                .map(|path| below(folder, path))
                .collect(),
            options: fields.own_texts(folder),
        });
    }
    services
}

/// Returns the host name of a service; names of hosts know no case.
fn host(reader: &mut Reader<'_>, name: &str, fields: &Fields<'_>) -> String {
    let Some(host) = fields.text(&keys::HOST) else {
        return name.to_owned();
    };
    let right = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(inner)
    };
    if host.len() > HOST_BYTES_MAX || !host.split('.').all(right) {
        let message = format!("`{host}` is no host name");
        let help = "letters, digits, `-` and `_` in parts joined by `.`".to_owned();
        reader.report(code::TYPE, message, fields.place(&keys::HOST), help);
    }
    host.to_ascii_lowercase()
}

/// Reports services that the job could not tell apart.
fn check_addresses(reader: &mut Reader<'_>, content: &Content<'_>, services: &[ServiceSpec]) {
    let mut taken: BTreeMap<(&str, u16), &ServiceName> = BTreeMap::new();
    for (service, (name, fields)) in services.iter().zip(content.all(&keys::SERVICE)) {
        let Some(port) = service.port else { continue };
        let host = match service.host.as_str() {
            "127.0.0.1" => "localhost",
            host => host,
        };
        match taken.get(&(host, port)) {
            None => {
                taken.insert((host, port), &service.name);
            }
            Some(first) => {
                let message = format!(
                    "services `{first}` and `{}` are both at {host}:{port}",
                    service.name
                );
                let has = |key: &Key| fields.keys.contains_key(key.name);
                let key = [&keys::PORT, &keys::HOST].into_iter().find(|key| has(key));
                let span = key.map_or(name.span.clone(), |key| fields.place(key));
                let help = "give one of them another `host` or `port`".to_owned();
                reader.report(code::TYPE, message, span, help);
            }
        }
    }
}

/// Reports a name that no service has.
fn check_service(reader: &mut Reader<'_>, content: &Content<'_>, name: &Spanned<String>) {
    let services = content.all(&keys::SERVICE);
    let names: Vec<&str> = services
        .iter()
        .map(|(name, _)| name.value.as_str())
        .collect();
    if !names.contains(&name.value.as_str()) {
        let message = format!("unknown service `{}`", name.value);
        let help = choices(&name.value, "services of this target", &names);
        reader.report(code::UNKNOWN_NAME, message, name.span.clone(), help);
    }
}

fn state(reader: &mut Reader<'_>, content: &Content<'_>) -> BTreeMap<ServiceName, StateSpec> {
    let mut state = BTreeMap::new();
    for (name, fields) in content.all(&keys::STATE) {
        check_service(reader, content, name);
        for key in [&keys::MASK, &keys::SURROGATE] {
            check_columns(reader, fields, key);
        }
        let spec = StateSpec {
            tables: fields.texts(&keys::TABLES),
            mask: fields.texts(&keys::MASK),
            surrogate: fields.texts(&keys::SURROGATE),
            per_run: fields.texts(&keys::PER_RUN),
        };
        state.insert(name.value.as_str().into(), spec);
    }
    state
}

/// Reports column patterns that do not say of which table.
fn check_columns(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &Key) {
    for pattern in fields.list(key).unwrap_or_default() {
        let named = pattern.value.rsplit_once('.');
        if named.is_none_or(|(table, column)| table.is_empty() || column.is_empty()) {
            let message = format!("`{}` names no column", pattern.value);
            let help = "write \"TABLE.COLUMN\"; \"*.COLUMN\" means that of every table".to_owned();
            reader.report(code::TYPE, message, pattern.span.clone(), help);
        }
    }
}

fn locks(reader: &mut Reader<'_>, content: &Content<'_>) -> Vec<LockSpec> {
    let mut locks = Vec::new();
    for (name, fields) in content.all(&keys::LOCK) {
        let service = fields.text_or_empty(&keys::LOCK_SERVICE);
        if fields.text(&keys::LOCK_SERVICE).is_some() {
            let span = fields.place(&keys::LOCK_SERVICE);
            check_service(
                reader,
                content,
                &Spanned {
                    value: service.clone(),
                    span,
                },
            );
        }
        let acquire = fields.text_or_empty(&keys::ACQUIRE);
        if fields
            .text(&keys::ACQUIRE)
            .is_some_and(|acquire| acquire.trim_matches('*').is_empty())
        {
            let message = "`acquire` matches every request".to_owned();
            let help = "write the start of the request that takes the lock".to_owned();
            reader.report(code::TYPE, message, fields.place(&keys::ACQUIRE), help);
        }
        locks.push(LockSpec {
            name: name.value.clone(),
            service: service.as_str().into(),
            acquire,
            release: fields.text_or_empty(&keys::RELEASE),
        });
    }
    locks
}
