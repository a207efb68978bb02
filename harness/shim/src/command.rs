//! What the lab asks of the shim.

use crate::bytes::{Malformed, Reader, Writer};
use crate::file_call::{self, Tapped, Verdict};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the shim runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the host: it makes namespaces and a file system view of its own.
    Host,
    /// In a container that has both already.
    Container,
}

/// Who the shim runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// An instance of the target.
    Instance,
    /// A service: never real root, with a tmpfs of its own.
    Service,
}

/// Whose machine the sandbox stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Its own.
    Own,
    /// One that others join; private folders then stay until the lab cleans them.
    First,
    /// That of another sandbox, whose process ids it shares. On the host its namespaces follow the
    /// message: user, then processes. A container was made with them.
    Joined,
}

/// A folder of the host to bind in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Absolute path on the host.
    pub host: String,
    /// Absolute path inside.
    pub inside: String,
    /// Whether it can be written to.
    pub writable: bool,
}

/// What the sandbox must be; the first message on the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Where the shim runs.
    pub place: Place,
    /// Who it runs for.
    pub occupant: Occupant,
    /// Whose machine it stands for.
    pub host: Host,
    /// Host name.
    pub name: String,
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// Lines of the hosts file beside `localhost`.
    pub hosts: Vec<(IpAddr, String)>,
    /// Folders to bind in, in this order.
    pub folders: Vec<Folder>,
    /// Whether private folders are emptied before a start that finds nothing running.
    pub fresh: bool,
}

/// A start of a program. Its descriptors follow the message: output, then input if `has_stdin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The lab's name of this start.
    pub start: u32,
    /// Program and arguments; empty: the container's own command.
    pub argv: Vec<String>,
    /// Environment.
    pub env: Vec<(String, String)>,
    /// Working folder; empty: where the shim stands, which is where an image says.
    pub workdir: String,
    /// Whether standard input comes along.
    pub has_stdin: bool,
    /// The folders that are tapped.
    pub tapped: Tapped,
}

/// Where to connect to inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dial {
    /// `127.0.0.1` at this port.
    Port(u16),
    /// A unix stream socket at this path.
    Path(String),
}

/// A message of the lab. `request` comes back in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make the sandbox.
    Setup(Setup),
    /// Start a program.
    Start {
        /// Names the answer.
        request: u32,
        /// What to start.
        launch: Launch,
    },
    /// Send a signal.
    Signal {
        /// Names the answer.
        request: u32,
        /// The start whose first process gets it; absent: every process does.
        start: Option<u32>,
        /// Number of the signal.
        signal: i32,
    },
    /// Stop every thread.
    Pause {
        /// Names the answer.
        request: u32,
    },
    /// Let every thread go on.
    Resume {
        /// Names the answer.
        request: u32,
    },
    /// List every task.
    Sample {
        /// Names the answer.
        request: u32,
    },
    /// Connect, and pass the socket.
    Connect {
        /// Names the answer.
        request: u32,
        /// Where to.
        to: Dial,
    },
    /// Name the processes that run.
    Names {
        /// Names the answer.
        request: u32,
    },
    /// Do this with a call that is held. It has no answer of its own: the call's result is told.
    Answer {
        /// Which call.
        call: u64,
        /// What to do.
        verdict: Verdict,
    },
    /// Kill all, wait until all are gone, and empty the private folders where starts are fresh.
    Clean {
        /// Names the answer.
        request: u32,
    },
}

impl Command {
    /// Returns the message's bytes, unless it exceeds its bounds.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let mut writer;
        match self {
            Command::Setup(setup) => {
                writer = Writer::new(1);
                encode_setup(&mut writer, setup);
            }
            Command::Start { request, launch } => {
                writer = Writer::new(2);
                writer.word(*request);
                encode_launch(&mut writer, launch);
            }
            Command::Signal {
                request,
                start,
                signal,
            } => {
                writer = Writer::new(3);
                writer.word(*request);
                writer.flag(start.is_some());
                writer.word(start.unwrap_or(0));
                writer.signed(*signal);
            }
            Command::Connect { request, to } => {
                writer = Writer::new(7);
                writer.word(*request);
                match to {
                    Dial::Port(port) => {
                        writer.flag(false);
                        writer.word(u32::from(*port));
                    }
                    Dial::Path(path) => {
                        writer.flag(true);
                        writer.text(path);
                    }
                }
            }
            Command::Answer { call, verdict } => {
                writer = Writer::new(10);
                writer.long(*call);
                file_call::encode_verdict(&mut writer, *verdict);
            }
            Command::Pause { request } => writer = bare(4, *request),
            Command::Resume { request } => writer = bare(5, *request),
            Command::Sample { request } => writer = bare(6, *request),
            Command::Names { request } => writer = bare(8, *request),
            Command::Clean { request } => writer = bare(9, *request),
        }
        writer.finish()
    }

    /// Returns the command that these bytes are.
    pub fn decode(message: &[u8]) -> Result<Command, Malformed> {
        let (kind, mut reader) = Reader::open(message)?;
        let command = match kind {
            1 => Command::Setup(decode_setup(&mut reader)?),
            2 => Command::Start {
                request: reader.word()?,
                launch: decode_launch(&mut reader)?,
            },
            3 => {
                let request = reader.word()?;
                let (named, start) = (reader.flag()?, reader.word()?);
                let signal = reader.signed()?;
                if !(0..=64).contains(&signal) {
                    return Err(Malformed::Field);
                }
                Command::Signal {
                    request,
                    start: named.then_some(start),
                    signal,
                }
            }
            4 => Command::Pause {
                request: reader.word()?,
            },
            5 => Command::Resume {
                request: reader.word()?,
            },
            6 => Command::Sample {
                request: reader.word()?,
            },
            7 => {
                let request = reader.word()?;
                let to = if reader.flag()? {
                    Dial::Path(decode_path(&mut reader)?)
                } else {
                    Dial::Port(decode_port(&mut reader)?)
                };
                Command::Connect { request, to }
            }
            8 => Command::Names {
                request: reader.word()?,
            },
            9 => Command::Clean {
                request: reader.word()?,
            },
            10 => Command::Answer {
                call: reader.long()?,
                verdict: file_call::decode_verdict(&mut reader)?,
            },
            _ => return Err(Malformed::Unknown),
        };
        reader.finish()?;
        Ok(command)
    }
}

fn bare(kind: u8, request: u32) -> Writer {
    let mut writer = Writer::new(kind);
    writer.word(request);
    writer
}

fn encode_setup(writer: &mut Writer, setup: &Setup) {
    writer.flag(setup.place == Place::Container);
    writer.flag(setup.occupant == Occupant::Service);
    writer.word(match setup.host {
        Host::Own => 0,
        Host::First => 1,
        Host::Joined => 2,
    });
    writer.text(&setup.name);
    writer.list(&setup.listen, |writer, address| {
        encode_address(writer, address.ip());
        writer.word(u32::from(address.port()));
    });
    writer.list(&setup.hosts, |writer, (address, name)| {
        encode_address(writer, *address);
        writer.text(name);
    });
    writer.list(&setup.folders, |writer, folder| {
        writer.text(&folder.host);
        writer.text(&folder.inside);
        writer.flag(folder.writable);
    });
    writer.flag(setup.fresh);
}

fn decode_setup(reader: &mut Reader<'_>) -> Result<Setup, Malformed> {
    let place = if reader.flag()? {
        Place::Container
    } else {
        Place::Host
    };
    let occupant = if reader.flag()? {
        Occupant::Service
    } else {
        Occupant::Instance
    };
    let host = match reader.word()? {
        0 => Host::Own,
        1 => Host::First,
        2 => Host::Joined,
        _ => return Err(Malformed::Field),
    };
    let name = decode_host_name(reader)?;
    let listen = reader.list(|reader| {
        Ok(SocketAddr::new(
            decode_address(reader)?,
            decode_port(reader)?,
        ))
    })?;
    let hosts = reader.list(|reader| Ok((decode_address(reader)?, decode_host_name(reader)?)))?;
    let folders = reader.list(|reader| {
        Ok(Folder {
            host: decode_path(reader)?,
            inside: decode_path(reader)?,
            writable: reader.flag()?,
        })
    })?;
    let fresh = reader.flag()?;
    // The diagnosis socket travels with the listeners.
    if listen.len() >= crate::FDS_MAX {
        return Err(Malformed::Field);
    }
    Ok(Setup {
        place,
        occupant,
        host,
        name,
        listen,
        hosts,
        folders,
        fresh,
    })
}

fn encode_launch(writer: &mut Writer, launch: &Launch) {
    writer.word(launch.start);
    writer.list(&launch.argv, |writer, word| writer.text(word));
    writer.list(&launch.env, |writer, (name, value)| {
        writer.text(name);
        writer.text(value);
    });
    writer.text(&launch.workdir);
    writer.flag(launch.has_stdin);
    file_call::encode_tapped(writer, &launch.tapped);
}

fn decode_launch(reader: &mut Reader<'_>) -> Result<Launch, Malformed> {
    Ok(Launch {
        start: reader.word()?,
        argv: reader.list(decode_word)?,
        env: reader.list(|reader| Ok((decode_word(reader)?, decode_word(reader)?)))?,
        workdir: decode_workdir(reader)?,
        has_stdin: reader.flag()?,
        tapped: file_call::decode_tapped(reader, decode_path)?,
    })
}

/// A text that the kernel takes as one: without a zero byte.
fn decode_word(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let word = reader.text()?;
    if word.contains('\0') {
        Err(Malformed::Field)
    } else {
        Ok(word)
    }
}

fn decode_workdir(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let rest = reader.clone();
    if reader.text()?.is_empty() {
        return Ok(String::new());
    }
    *reader = rest;
    decode_path(reader)
}

/// An absolute path that never climbs.
fn decode_path(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let path = decode_word(reader)?;
    let climbs = path.split('/').any(|part| part == "..");
    if path.starts_with('/') && !climbs && path.len() < 4096 {
        Ok(path)
    } else {
        Err(Malformed::Field)
    }
}

/// A name that fits on a line of the hosts file.
fn decode_host_name(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let name = reader.text()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        Ok(name)
    } else {
        Err(Malformed::Field)
    }
}

fn encode_address(writer: &mut Writer, address: IpAddr) {
    match address {
        IpAddr::V4(address) => writer.bytes(&address.octets()),
        IpAddr::V6(address) => writer.bytes(&address.octets()),
    }
}

fn decode_address(reader: &mut Reader<'_>) -> Result<IpAddr, Malformed> {
    let octets = reader.bytes()?;
    if let Ok(octets) = <[u8; 4]>::try_from(octets.as_slice()) {
        return Ok(Ipv4Addr::from(octets).into());
    }
    let octets = <[u8; 16]>::try_from(octets.as_slice()).map_err(|_| Malformed::Field)?;
    Ok(Ipv6Addr::from(octets).into())
}

fn decode_port(reader: &mut Reader<'_>) -> Result<u16, Malformed> {
    u16::try_from(reader.word()?).map_err(|_| Malformed::Field)
}
