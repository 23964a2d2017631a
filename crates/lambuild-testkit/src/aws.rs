//! Decides with which settings the real AWS CLI talks to a test's server, and with no other.

use std::ffi::OsStr;
use std::path::PathBuf;

use serde_json::Value;

use crate::{Moto, Program, Run, Tool, Tools};

/// The region of every test.
const REGION: &str = "eu-west-1";

/// The AWS CLI, bound to one server.
#[derive(Debug)]
pub struct Aws {
    program: PathBuf,
    endpoint: String,
}

impl Aws {
    /// The pinned AWS CLI for this server.
    ///
    /// # Panics
    /// Where the CLI is not installed.
    #[track_caller]
    pub fn new(tools: &Tools, server: &Moto) -> Self {
        Self {
            program: tools.require(Tool::Aws),
            endpoint: server.url(),
        }
    }

    /// The call, whatever comes of it.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        let program = Program::new(&self.program, "/")
            .args(args)
            .args(["--endpoint-url", &self.endpoint]);
        self.equip(program).run()
    }

    /// The answer of a call that must succeed; null where it says nothing.
    #[track_caller]
    pub fn json<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Value {
        let run = self.run(args).success();
        if run.stdout.trim().is_empty() {
            Value::Null
        } else {
            run.json()
        }
    }

    /// Lets another program, a deploy script for instance, use the same CLI and server:
    /// `aws` is on its `PATH`, credentials are made up, the user's settings out of reach.
    pub fn equip(&self, program: Program) -> Program {
        let program = match self.program.parent() {
            Some(folder) => program.path_first(folder),
            None => program,
        };
        program.envs([
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_PAGER", ""),
            ("AWS_DEFAULT_OUTPUT", "json"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_gets_the_cli_and_the_server_but_no_settings_of_the_user() {
        let aws = Aws {
            program: "/opt/tools/bin/aws".into(),
            endpoint: "http://127.0.0.1:1".into(),
        };
        let script = "echo ${PATH%%:*} $AWS_ENDPOINT_URL $AWS_CONFIG_FILE $AWS_SHARED_CREDENTIALS_FILE";
        let run = aws
            .equip(Program::new("/bin/sh", "/").args(["-c", script]))
            .run()
            .success();
        assert_eq!(
            run.stdout,
            "/opt/tools/bin http://127.0.0.1:1 /dev/null /dev/null\n"
        );
    }
}
