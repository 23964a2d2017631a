//! Starts a process in a group of its own and leaves nothing of it behind.
//! Knows nothing of actions.

use crate::log::read_bounded;
use lambuild_action::ExecuteError;
use lambuild_store::Stage;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

/// A process to run.
#[derive(Debug)]
pub struct Process<'a> {
    /// argv; the first is the program's path.
    pub arguments: &'a [String],
    /// The whole environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Where it starts.
    pub folder: &'a Path,
    /// When it is killed.
    pub timeout: Option<Duration>,
    /// Where its standard output goes instead of the log: for answers that a program reads.
    pub answer: Option<&'a Path>,
    /// The folder in which it works, kept until nobody of the group can write any more, also when
    /// the caller has stopped waiting: else it would be removed under a process that is being killed.
    pub stage: Option<&'a Stage>,
}

/// Kills a whole process group when dropped, so that cancelling a build, a time
/// limit and the ordinary end all leave nothing running.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // An error means that nobody is left, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a process to its end; answers what it said on both streams.
///
/// # Errors
/// When it cannot be started, fails, or takes too long.
pub async fn run(process: &Process<'_>) -> Result<Vec<u8>, ExecuteError> {
    let (program, arguments) = process
        .arguments
        .split_first()
        .ok_or_else(|| ExecuteError::Refused("the command is empty".into()))?;
    let cannot = |error: io::Error| ExecuteError::Refused(format!("cannot start `{program}`: {error}"));
    let (mut said, heard) = io::pipe().map_err(cannot)?;
    let mut command = command(program, arguments, process);
    match process.answer {
        Some(path) => command.stdout(File::create(path).map_err(cannot)?),
        None => command.stdout(heard.try_clone().map_err(cannot)?),
    };
    command.stderr(heard);
    let mut child = command.spawn().map_err(cannot)?;
    // The command holds our copies of the pipe's writing end: without them, reading ends when the group has.
    drop(command);
    let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let stage = process.stage.cloned();
    let log = tokio::task::spawn_blocking(move || {
        // Ends when the last process that could say something has ended.
        let log = read_bounded(&mut said);
        drop(stage);
        log
    });
    let ended = match process.timeout {
        Some(limit) => tokio::time::timeout(limit, child.wait())
            .await
            .map_err(|_| ExecuteError::TimedOut(limit)),
        None => Ok(child.wait().await),
    };
    drop(group);
    let status = ended?.map_err(cannot)?;
    let log = log
        .await
        .map_err(io::Error::other)
        .and_then(|log| log)
        .map_err(cannot)?;
    if status.success() {
        Ok(log)
    } else {
        Err(ExecuteError::Failed {
            how: how(status),
            log,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where processes are started")]
fn command(program: &str, arguments: &[String], process: &Process<'_>) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(process.environment)
        .current_dir(process.folder);
    command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    command
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, timeout: Option<Duration>) -> Result<String, ExecuteError> {
        let arguments = ["/bin/sh", "-c", script].map(String::from);
        let environment = BTreeMap::from([("ONLY".to_owned(), "this".to_owned())]);
        let process = Process {
            arguments: &arguments,
            environment: &environment,
            folder: Path::new("/"),
            timeout,
            answer: None,
            stage: None,
        };
        run(&process).await.map(|log| String::from_utf8(log).unwrap())
    }

    #[tokio::test]
    async fn both_streams_are_one_log_and_the_environment_is_whole() {
        assert_eq!(
            sh("echo $ONLY; echo err >&2; echo $HOME", None).await.unwrap(),
            "this\nerr\n\n"
        );
    }

    #[tokio::test]
    async fn a_failure_says_how_and_what() {
        let ExecuteError::Failed { how, log } = sh("echo why; exit 3", None).await.unwrap_err() else {
            panic!()
        };
        assert_eq!((how.as_str(), &*log), ("exit code 3", &b"why\n"[..]));
    }

    #[tokio::test]
    async fn nothing_survives_a_time_limit_or_the_end() {
        let limit = Duration::from_millis(200);
        let error = sh("sleep 1000 & sleep 1000", Some(limit)).await.unwrap_err();
        assert!(matches!(error, ExecuteError::TimedOut(_)));
        // A daemon that holds the pipe open would keep this waiting for ever.
        assert_eq!(sh("sleep 1000 & echo done", None).await.unwrap(), "done\n");
    }
}
