//! How a cache key is computed: the digest of the canonical `Action`, and nothing else.
//!
//! | in the key | by way of |
//! | --- | --- |
//! | argv, environment, relative output paths | the `Command` |
//! | selected sources, toolchains, products, the launcher | the input root |
//! | name, algorithm version and options of a step inside lambuild | argv and the file `options.json` of the input root |
//! | platform properties of the workspace | `Command` and `Action` |
//! | a declared time limit | the `Action` |
//! | the digest function | every digest |
//!
//! Never in the key: host, user, time, `PATH`, flags, `-j`, credentials, proxies
//! and mirrors, a remote's address, waiting limits, a target's name or its place
//! in a file, the stage, lambuild's version. What an executor may use beside the
//! key is in [`crate::planned::Hints`], which no function here reads.

use crate::message::Action;
use crate::planned::Step;
use lambuild_digest::{Digest, DigestFunction};
use std::fmt;

/// The key of an action in every action cache, local and remote: the digest of its `Action` message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionKey(pub Digest);

impl fmt::Display for ActionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.hex())
    }
}

/// An action as messages: what a store must hold before anyone can run or explain it.
#[derive(Debug, Clone)]
pub struct EncodedAction {
    /// The cache key.
    pub key: ActionKey,
    /// Digest of the root `Directory`.
    pub input_root: Digest,
    /// The `Directory`, `Command` and `Action` messages, in an order in which each
    /// comes after all that it refers to.
    pub messages: Vec<(Digest, Vec<u8>)>,
}

/// The key of a step whose inputs are all known, with the messages it stands for.
pub fn encode(step: &Step, function: DigestFunction) -> EncodedAction {
    let mut messages = Vec::new();
    let input_root = step
        .input_root
        .encode(function, &mut |digest, bytes| messages.push((digest, bytes)));
    let command = step.command.encode();
    let command_digest = function.digest(&command);
    messages.push((command_digest, command));
    let action = Action {
        command: command_digest,
        input_root,
        timeout: step.timeout,
        platform: step.command.platform.clone(),
    };
    let action = action.encode();
    let key = ActionKey(function.digest(&action));
    messages.push((key.0, action));
    EncodedAction {
        key,
        input_root,
        messages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Command;
    use crate::planned::Hints;
    use lambuild_digest::{Dir, RelPath};

    fn step() -> Step {
        let mut root = Dir::default();
        let source = DigestFunction::Blake3.digest(b"package main");
        root.file(&RelPath::new("src/main.go").unwrap(), source, false)
            .unwrap();
        let command = Command {
            arguments: vec!["launch".into(), "go".into()],
            ..Command::default()
        };
        Step {
            command,
            input_root: root,
            timeout: None,
            hints: Hints::default(),
        }
    }

    fn key(step: &Step) -> ActionKey {
        encode(step, DigestFunction::Blake3).key
    }

    /// A change of this value is a new generation of every cache: raise no version, say why in docs/cache-key.md.
    #[test]
    fn golden_key() {
        assert_eq!(
            key(&step()).to_string(),
            "b7d6e8c3a7d5bb439c3eff48a8829baa14627bcf06b1239f0b9cfa4bb6149f1e"
        );
    }

    #[test]
    fn everything_that_an_action_sees_is_in_its_key() {
        let mut changed: Vec<Step> = vec![step(); 6];
        changed[0].command.arguments.push("-v".into());
        changed[1].command.environment.insert("TZ".into(), "UTC".into());
        changed[2].command.platform.insert("os".into(), "linux".into());
        changed[3].timeout = Some(1);
        let file = DigestFunction::Blake3.digest(b"x");
        changed[4]
            .input_root
            .file(&RelPath::new("src/x.go").unwrap(), file, false)
            .unwrap();
        changed[5].command.output_paths.push(RelPath::new("out").unwrap());
        let mut keys: Vec<ActionKey> = changed.iter().map(key).collect();
        keys.push(key(&step()));
        keys.push(encode(&step(), DigestFunction::Sha256).key);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 8);
    }

    #[test]
    fn hints_are_never_in_the_key() {
        let mut hinted = step();
        hinted.hints.accelerators.insert("GOCACHE".into(), "go".into());
        hinted.hints.stable.push(RelPath::new("go").unwrap());
        hinted.hints.tools.push(DigestFunction::Blake3.digest(b"tool"));
        assert_eq!(key(&hinted), key(&step()));
    }
}
