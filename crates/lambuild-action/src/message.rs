//! The Remote Execution API's messages `Command`, `Action` and `ActionResult`,
//! in the one canonical form that is hashed and stored: fields in the order of
//! their numbers, no defaults, lists that are sets sorted by bytes.
//!
//! Field numbers are those of `build.bazel.remote.execution.v2`.

use lambuild_digest::proto::{ProtoError, Reader, Writer};
use lambuild_digest::tree::{decode_digest, encode_digest};
use lambuild_digest::{Digest, Node, RelPath};
use std::collections::BTreeMap;

/// What is run: REAPI's `Command`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// argv. For a process, the launcher comes first; for a step that runs inside
    /// lambuild, a name that begins with [`IN_PROCESS`] and its version.
    pub arguments: Vec<String>,
    /// The whole environment; nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// What it leaves behind, relative to the input root.
    pub output_paths: Vec<RelPath>,
    /// Properties of the platform that runs it, as the workspace sets them.
    pub platform: BTreeMap<String, String>,
}

/// How argv[0] of a step begins that runs inside lambuild, not as a process.
pub const IN_PROCESS: &str = "lambuild:";

/// The one output path of every action of ours: a file or a folder.
pub const OUT: &str = "out";

/// `OutputDirectoryFormat.DIRECTORY_ONLY`: outputs are `Directory` messages, as in our own store.
const DIRECTORY_ONLY: u64 = 1;

impl Command {
    /// Whether this runs inside lambuild.
    pub fn in_process(&self) -> bool {
        self.arguments
            .first()
            .is_some_and(|name| name.starts_with(IN_PROCESS))
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        for argument in &self.arguments {
            writer.always(1, argument.as_bytes());
        }
        encode_pairs(&mut writer, 2, &self.environment);
        if !self.platform.is_empty() {
            writer.message(5, |w| encode_pairs(w, 1, &self.platform));
        }
        let mut outputs = self.output_paths.clone();
        outputs.sort();
        outputs.dedup();
        for output in outputs {
            writer.always(7, output.as_str().as_bytes());
        }
        writer.uint(9, DIRECTORY_ONLY);
        writer.finish()
    }

    /// Reads a command back, to explain what was run.
    ///
    /// # Errors
    /// When the bytes are no `Command`.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtoError> {
        let mut command = Command::default();
        let mut reader = Reader::new(bytes);
        while let Some((number, field)) = reader.field()? {
            match number {
                1 => command.arguments.push(field.text()?.to_owned()),
                2 => decode_pair(field.bytes()?, &mut command.environment)?,
                5 => {
                    let mut inner = Reader::new(field.bytes()?);
                    while let Some((_, pair)) = inner.field()? {
                        decode_pair(pair.bytes()?, &mut command.platform)?;
                    }
                }
                7 => command
                    .output_paths
                    .push(RelPath::new(field.text()?).map_err(|_| ProtoError::Value)?),
                _ => {}
            }
        }
        Ok(command)
    }
}

fn encode_pairs(writer: &mut Writer, field: u32, pairs: &BTreeMap<String, String>) {
    for (name, value) in pairs {
        writer.message(field, |w| {
            w.bytes(1, name.as_bytes()).bytes(2, value.as_bytes());
        });
    }
}

fn decode_pair(bytes: &[u8], into: &mut BTreeMap<String, String>) -> Result<(), ProtoError> {
    let (mut name, mut value) = ("", "");
    let mut reader = Reader::new(bytes);
    while let Some((number, field)) = reader.field()? {
        match number {
            1 => name = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    into.insert(name.to_owned(), value.to_owned());
    Ok(())
}

/// A command and all that it sees: REAPI's `Action`. Its digest is the cache key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Digest of the [`Command`].
    pub command: Digest,
    /// Digest of the root `Directory`.
    pub input_root: Digest,
    /// A declared time limit in seconds.
    pub timeout: Option<u32>,
    /// The command's platform properties once more, as the API asks for since 2.2.
    pub platform: BTreeMap<String, String>,
}

impl Action {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.message(1, |w| encode_digest(w, &self.command));
        writer.message(2, |w| encode_digest(w, &self.input_root));
        if let Some(seconds) = self.timeout {
            writer.message(6, |w| {
                w.uint(1, u64::from(seconds));
            });
        }
        if !self.platform.is_empty() {
            writer.message(10, |w| encode_pairs(w, 1, &self.platform));
        }
        writer.finish()
    }
}

/// How much of the host an action could see while it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// Only its inputs. Steps that run inside lambuild are strict by construction.
    Strict,
    /// Its inputs were laid out for it, but nothing kept it from looking further.
    Weak,
    /// A remote worker ran it.
    Remote,
}

impl Isolation {
    /// The word in results, summaries and messages.
    pub fn name(self) -> &'static str {
        match self {
            Isolation::Strict => "strict",
            Isolation::Weak => "weak",
            Isolation::Remote => "remote",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Isolation::Strict, Isolation::Weak, Isolation::Remote]
            .into_iter()
            .find(|i| i.name() == name)
    }
}

/// What an action left behind: REAPI's `ActionResult`. Only successes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionResult {
    /// Each output path with what is there, sorted by path.
    pub outputs: BTreeMap<RelPath, Node>,
    /// Digest of what it said, both streams in the order of arrival; `None` when silent.
    pub log: Option<Digest>,
    /// How it was made. Rides in `execution_metadata.auxiliary_metadata`.
    pub isolation: Isolation,
}

/// Type of the auxiliary metadata that holds the isolation's name.
const ISOLATION_TYPE: &str = "lambuild/isolation";

impl ActionResult {
    /// A result with the one output of our actions.
    pub fn of(out: Node, log: Option<Digest>, isolation: Isolation) -> Self {
        let outputs = RelPath::new(OUT)
            .map(|path| BTreeMap::from([(path, out)]))
            .unwrap_or_default();
        ActionResult {
            outputs,
            log,
            isolation,
        }
    }

    /// What is at [`OUT`].
    pub fn out(&self) -> Option<&Node> {
        self.outputs
            .iter()
            .find(|(path, _)| path.as_str() == OUT)
            .map(|(_, node)| node)
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.encode_outputs(&mut writer);
        if let Some(log) = &self.log {
            writer.message(6, |w| encode_digest(w, log));
        }
        writer.message(9, |metadata| {
            metadata.message(11, |any| {
                any.bytes(1, ISOLATION_TYPE.as_bytes())
                    .bytes(2, self.isolation.name().as_bytes());
            });
        });
        self.encode_links(&mut writer);
        writer.finish()
    }

    fn encode_outputs(&self, writer: &mut Writer) {
        for (path, node) in &self.outputs {
            if let Node::File { digest, executable } = node {
                writer.message(2, |w| {
                    w.bytes(1, path.as_str().as_bytes())
                        .message(2, |w| encode_digest(w, digest));
                    w.uint(4, u64::from(*executable));
                });
            }
        }
        for (path, node) in &self.outputs {
            if let Node::Directory(digest) = node {
                writer.message(3, |w| {
                    w.bytes(1, path.as_str().as_bytes())
                        .message(5, |w| encode_digest(w, digest));
                });
            }
        }
    }

    fn encode_links(&self, writer: &mut Writer) {
        for (path, node) in &self.outputs {
            if let Node::Symlink { target } = node {
                writer.message(12, |w| {
                    w.bytes(1, path.as_str().as_bytes()).bytes(2, target.as_bytes());
                });
            }
        }
    }

    /// Reads a result back. Fields of other tools are passed over.
    ///
    /// # Errors
    /// When the bytes are no `ActionResult`, or one of a failed action.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtoError> {
        let mut result = ActionResult {
            outputs: BTreeMap::new(),
            log: None,
            isolation: Isolation::Remote,
        };
        let mut reader = Reader::new(bytes);
        while let Some((number, field)) = reader.field()? {
            match number {
                2 | 3 | 12 => {
                    let (path, node) = decode_output(number, field.bytes()?)?;
                    result.outputs.insert(path, node);
                }
                4 if field.uint()? != 0 => return Err(ProtoError::Value),
                6 => result.log = Some(decode_digest(field.bytes()?)?),
                9 => result.isolation = decode_isolation(field.bytes()?)?.unwrap_or(Isolation::Remote),
                _ => {}
            }
        }
        Ok(result)
    }
}

fn decode_output(kind: u32, bytes: &[u8]) -> Result<(RelPath, Node), ProtoError> {
    let (mut path, mut digest, mut target, mut executable) = ("", None, None, false);
    let mut reader = Reader::new(bytes);
    while let Some((number, field)) = reader.field()? {
        match (kind, number) {
            (_, 1) => path = field.text()?,
            (2, 2) | (3, 5) => digest = Some(decode_digest(field.bytes()?)?),
            (2, 4) => executable = field.uint()? == 1,
            (12, 2) => target = Some(field.text()?),
            _ => {}
        }
    }
    let node = match (kind, digest, target) {
        (2, Some(digest), _) => Node::File { digest, executable },
        (3, Some(digest), _) => Node::Directory(digest),
        (12, _, Some(target)) => Node::Symlink {
            target: target.into(),
        },
        _ => return Err(ProtoError::Value),
    };
    Ok((RelPath::new(path).map_err(|_| ProtoError::Value)?, node))
}

fn decode_isolation(metadata: &[u8]) -> Result<Option<Isolation>, ProtoError> {
    let mut reader = Reader::new(metadata);
    while let Some((number, field)) = reader.field()? {
        if number != 11 {
            continue;
        }
        let (mut kind, mut value) = ("", "");
        let mut any = Reader::new(field.bytes()?);
        while let Some((number, field)) = any.field()? {
            match number {
                1 => kind = field.text()?,
                2 => value = field.text()?,
                _ => {}
            }
        }
        if kind == ISOLATION_TYPE {
            return Ok(Isolation::parse(value));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
