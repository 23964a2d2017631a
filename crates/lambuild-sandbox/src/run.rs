//! Lambuild's side of a sandbox: has the helper started, hears the log, keeps the time. When a run is
//! dropped half-way the helper is told by a closed socket, kills everything inside and ends.

use crate::log::{self, Heard};
use crate::spec::{Report, Spec};
use crate::starter::Starter;
use lambuild_action::ExecuteError;
use lambuild_store::Stage;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
pub async fn run(
    starter: &Starter,
    spec: &Spec,
    stage: &Stage,
    timeout: Option<Duration>,
) -> Result<Ended, ExecuteError> {
    let limits = spec.limits;
    let cannot = |error: io::Error| ExecuteError::Refused(format!("cannot start a sandbox: {error}"));
    let (said, hears) = io::pipe().map_err(cannot)?;
    let control = starter.start(hears).map_err(cannot)?;
    let heard = Arc::new(Heard::default());
    let log = listen(said, heard.clone(), stage.clone());
    control.set_nonblocking(true).map_err(cannot)?;
    let control = tokio::net::UnixStream::from_std(control).map_err(cannot)?;
    let (mut answers, mut orders) = control.into_split();
    let line = line(spec).map_err(cannot)?;
    let told = async {
        // Where the helper ended before it read all, its report, or the lack of one, says more.
        let _ = orders.write_all(&line).await;
        let mut text = String::new();
        // Ends when the helper and the first process inside have: all have then.
        let read = answers.read_to_string(&mut text).await;
        report(&text, read.err())
    };
    let time = timeout.unwrap_or(Duration::from_secs(limits.seconds));
    let stopped = {
        tokio::pin!(told);
        tokio::select! {
            report = &mut told => Ok(report),
            () = tokio::time::sleep(time) => Err(ExecuteError::TimedOut(time)),
            why = too_much(&heard, limits.log, Duration::from_secs(limits.silent_seconds)) => Err(ExecuteError::Refused(why)),
        }
    };
    let report = match stopped {
        Ok(report) => report,
        Err(why) => {
            // The helper's sign to kill all.
            drop(orders);
            let mut rest = Vec::new();
            if tokio::time::timeout(DYING, answers.read_to_end(&mut rest))
                .await
                .is_err()
            {
                tracing::warn!("a sandbox does not end: a process in it waits for the disk");
            }
            return Err(why);
        }
    };
    let log = log
        .await
        .map_err(io::Error::other)
        .and_then(|log| log)
        .map_err(cannot)?;
    Ok(Ended { report, log })
}

/// Tells at once whether this machine lets `spec`, a trial, come to its end. Blocks for some milliseconds.
pub fn trial(starter: &Starter, spec: &Spec) -> Report {
    let tried = || -> io::Result<Report> {
        let (_said, hears) = io::pipe()?;
        let mut control = starter.start(hears)?;
        // As above.
        let _ = control.write_all(&line(spec)?);
        let mut text = String::new();
        let read = control.read_to_string(&mut text);
        Ok(report(&text, read.err()))
    };
    tried().unwrap_or_else(|error| Report::Cannot {
        step: "start the helper".to_owned(),
        errno: error.raw_os_error(),
        why: error.to_string(),
    })
}

fn line(spec: &Spec) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(spec)?;
    line.push(b'\n');
    Ok(line)
}

fn report(text: &str, failed: Option<io::Error>) -> Report {
    let first = text
        .lines()
        .next()
        .and_then(|line| serde_json::from_str(line).ok());
    first.unwrap_or_else(|| Report::Cannot {
        step: "hear how it ended".to_owned(),
        errno: None,
        why: failed.map_or("something outside killed it".to_owned(), |error| {
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
