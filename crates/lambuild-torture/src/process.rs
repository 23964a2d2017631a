//! Starts, reads and kills the processes that the suites need. Knows nothing of stores.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Runs a program of the machine to its end.
///
/// # Errors
/// Where it cannot be started, or fails; with what it said.
pub fn run(line: &[&str]) -> Result<()> {
    read(line).map(drop)
}

/// As [`run`]; answers what it wrote on standard output.
///
/// # Errors
/// As [`run`].
pub fn read(line: &[&str]) -> Result<String> {
    let (program, arguments) = line.split_first().context("an empty command")?;
    let output = command(program).args(arguments).output();
    let output = output.with_context(|| format!("`{}` cannot be started", line.join(" ")))?;
    if !output.status.success() {
        bail!(
            "`{}` failed: {}",
            line.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How long [`until`] waits at most, and between two looks.
const LONGEST: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// Looks again and again until something is so.
///
/// # Errors
/// Where it is not so in 30 seconds, or a look fails.
#[expect(
    clippy::disallowed_methods,
    reason = "the system says nowhere when a mount is gone"
)]
pub fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = now() + LONGEST;
    while !is_so()? {
        if now() > end {
            bail!("waited {} s for {what}", LONGEST.as_secs());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Whether a program is on `PATH`.
pub fn is_there(program: &str) -> bool {
    run(&["sh", "-c", &format!("command -v {program}")]).is_ok()
}

#[expect(clippy::disallowed_methods, reason = "the suites start what they torture")]
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// This program itself as a worker, in a process group of its own.
pub struct Worker {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

fn this_program() -> Result<String> {
    let program = std::env::current_exe().context("this program has no path")?;
    let program = program.to_str().context("this program's path is not UTF-8")?;
    Ok(program.to_owned())
}

/// How a worker came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its whole lines on standard output: what it acknowledged.
    pub said: Vec<String>,
    /// What it wrote on standard error.
    pub complaint: String,
    /// Its exit code; `None` for a signal.
    pub code: Option<i32>,
}

impl Worker {
    /// Starts `torture worker ARGUMENTS`.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(arguments: &[String]) -> Result<Self> {
        Worker::spawn(command(&this_program()?), arguments)
    }

    /// Starts it under another program, such as `strace` with its options.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_under(program: &str, options: &[String], arguments: &[String]) -> Result<Self> {
        let mut under = command(program);
        under.args(options).arg(this_program()?);
        Worker::spawn(under, arguments)
    }

    fn spawn(mut command: Command, arguments: &[String]) -> Result<Self> {
        let mut child = command
            .arg("worker")
            .args(arguments)
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("no standard output")?;
        let (send, lines) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(out);
            let mut line = String::new();
            // A line without its end was cut by the kill: it says nothing.
            while reader.read_line(&mut line).is_ok_and(|read| read > 0) && line.ends_with('\n') {
                if send.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Ok(Worker {
            child,
            lines,
            said: Vec::new(),
        })
    }

    /// Listens for a while, or until it has ended.
    pub fn listen(&mut self, time: Duration) {
        let until = now() + time;
        while let Some(left) = until.checked_duration_since(now()) {
            match self.lines.recv_timeout(left) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// What it has said so far and was listened to.
    pub fn said(&self) -> &[String] {
        &self.said
    }

    /// Kills it and all that it started.
    ///
    /// # Errors
    /// Where the system does not tell how it ended.
    pub fn kill(self) -> Result<End> {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.end()
    }

    /// Waits for it to end by itself.
    ///
    /// # Errors
    /// Where the system does not tell how it ended.
    pub fn end(mut self) -> Result<End> {
        let mut complaint = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut complaint).unwrap_or_default();
        }
        let status = self.child.wait()?;
        self.said.extend(self.lines.iter());
        Ok(End {
            said: self.said,
            complaint,
            code: status.code(),
        })
    }
}

/// The clock by which the suites cut, and nothing else.
#[expect(
    clippy::disallowed_methods,
    reason = "a suite cuts at moments, not at places in the code"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// The commit that is tested, for the report.
pub fn commit(repository: &Path) -> String {
    let output = command("git")
        .arg("-C")
        .arg(repository)
        .args(["rev-parse", "--short", "HEAD"])
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
