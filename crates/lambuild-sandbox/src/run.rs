//! Lambuild's side of a sandbox: starts the helper, hears the log, keeps the time. When a run is
//! dropped half-way the helper is told by a closed socket, kills everything inside and ends.

use crate::helper;
use crate::log::{self, Heard};
use crate::spec::{Report, Spec};
use lambuild_action::ExecuteError;
use lambuild_store::Stage;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// How long lambuild waits for the kernel to kill everything inside.
const DYING: Duration = Duration::from_secs(10);
/// How often silence is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// How a program inside ended that was started.
#[derive(Debug)]
pub struct Ended {
    /// In its own words.
    pub report: Report,
    /// What it said.
    pub log: Vec<u8>,
}

/// Runs a spec to its end. Everything inside is dead when this returns.
///
/// # Errors
/// When the helper cannot be started, or time is up.
pub async fn run(spec: &Spec, stage: &Stage, timeout: Option<Duration>) -> Result<Ended, ExecuteError> {
    let limits = spec.limits;
    let cannot = |error: io::Error| ExecuteError::Refused(format!("cannot start a sandbox: {error}"));
    let (control, theirs) = UnixStream::pair().map_err(cannot)?;
    let (said, hears) = io::pipe().map_err(cannot)?;
    let mut child = tokio::process::Command::from(command(theirs, hears).map_err(cannot)?)
        .spawn()
        .map_err(cannot)?;
    send(spec, &control).map_err(cannot)?;
    let heard = Arc::new(Heard::default());
    let log = listen(said, heard.clone(), stage.clone());
    let wait = child.wait();
    let time = timeout.unwrap_or(Duration::from_secs(limits.seconds));
    tokio::pin!(wait);
    let stopped = tokio::select! {
        ended = &mut wait => { ended.map_err(cannot)?; None }
        () = tokio::time::sleep(time) => Some(ExecuteError::TimedOut(time)),
        why = too_much(&heard, limits.log, Duration::from_secs(limits.silent_seconds)) => Some(ExecuteError::Refused(why)),
    };
    if let Some(why) = stopped {
        // The helper's sign to kill all.
        let _ = control.shutdown(Shutdown::Write);
        if tokio::time::timeout(DYING, wait).await.is_err() {
            tracing::warn!("a sandbox does not end: a process in it waits for the disk");
        }
        return Err(why);
    }
    let log = log
        .await
        .map_err(io::Error::other)
        .and_then(|log| log)
        .map_err(cannot)?;
    Ok(Ended {
        report: report(control),
        log,
    })
}

/// Tells at once whether this machine lets `spec`, a trial, come to its end. Blocks for some milliseconds.
pub fn trial(spec: &Spec) -> Report {
    let tried = || -> io::Result<Report> {
        let (control, theirs) = UnixStream::pair()?;
        let (said, hears) = io::pipe()?;
        let mut child = command(theirs, hears)?.spawn()?;
        send(spec, &control)?;
        child.wait()?;
        drop(said);
        Ok(report(control))
    };
    tried().unwrap_or_else(|error| Report::Cannot {
        step: "start the helper".to_owned(),
        errno: error.raw_os_error(),
        why: error.to_string(),
    })
}

/// The program itself, as a helper. Its file may have been replaced meanwhile; the one that runs is meant.
#[expect(clippy::disallowed_methods, reason = "this is where sandboxes are started")]
fn command(control: UnixStream, log: io::PipeWriter) -> io::Result<std::process::Command> {
    use std::os::unix::process::CommandExt;
    let mut command = std::process::Command::new(program());
    command
        .arg0("lambuild")
        .arg(helper::COMMAND)
        .env_clear()
        .current_dir("/");
    command
        .stdin(OwnedFd::from(control))
        .stdout(log.try_clone()?)
        .stderr(Stdio::from(log));
    // A group of its own: Ctrl-C on a terminal reaches lambuild alone, which then ends this in order.
    command.process_group(0);
    Ok(command)
}

/// What a test of this crate runs as the helper, since the test itself is none.
static OTHER: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();

/// Names the program that is started as the helper instead of this one. For tests; the first call counts.
pub fn use_helper(program: &std::path::Path) {
    let _ = OTHER.set(program.to_owned());
}

fn program() -> &'static std::path::Path {
    OTHER
        .get()
        .map_or(std::path::Path::new("/proc/self/exe"), |path| path)
}

fn send(spec: &Spec, mut control: &UnixStream) -> io::Result<()> {
    let line = serde_json::to_string(spec)? + "\n";
    match control.write_all(line.as_bytes()) {
        // The helper ended before it read all: its report, or the lack of one, says more.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        sent => sent,
    }
}

fn report(mut control: UnixStream) -> Report {
    let mut text = String::new();
    let read = control.read_to_string(&mut text);
    let first = text
        .lines()
        .next()
        .and_then(|line| serde_json::from_str(line).ok());
    first.unwrap_or_else(|| Report::Cannot {
        step: "hear how it ended".to_owned(),
        errno: None,
        why: read
            .err()
            .map_or("something outside killed it".to_owned(), |error| {
                error.to_string()
            }),
    })
}

/// Reads the log on a thread of its own, which ends when the last process that could say something
/// has ended; until then it holds the folder in which they work.
fn listen(
    mut said: io::PipeReader,
    heard: Arc<Heard>,
    stage: Stage,
) -> tokio::task::JoinHandle<io::Result<Vec<u8>>> {
    tokio::task::spawn_blocking(move || {
        let log = log::read_counted(&mut said, &heard);
        drop(stage);
        log
    })
}

/// Ends when the log is too long, or has not grown for too long.
async fn too_much(heard: &Heard, most: u64, silence: Duration) -> String {
    let (mut before, mut silent) = (0, Duration::ZERO);
    loop {
        tokio::time::sleep(LOOK).await;
        let now = heard.bytes();
        silent = if now == before {
            silent + LOOK
        } else {
            Duration::ZERO
        };
        before = now;
        if now > most {
            return format!("it was stopped after it said more than {} MiB", most >> 20);
        }
        if silent >= silence {
            return format!("it was stopped after {} s without a word", silence.as_secs());
        }
    }
}
