//! Actions that wear the machine down: each ends by itself or by a limit, leaves no process and no
//! folder, and the next one runs as if nothing had been.

use crate::harness::{Setup, possible, processes_with};
use lambuild_action::BlobStore;
use lambuild_digest::Node;
use lambuild_sandbox::spec::Limits;
use std::time::Duration;

/// How an abuse must end.
enum Ends {
    /// With an error that says this.
    Error(&'static str),
    /// Well, with this output.
    Well,
}

type Change = fn(&mut Limits);

/// Name, further words, limits, end.
const ABUSES: &[(&str, &str, Change, Ends)] = &[
    (
        "fork-bomb",
        "",
        few_processes,
        Ends::Error("more than 64 processes"),
    ),
    (
        "many-processes",
        "",
        few_processes,
        Ends::Error("more than 64 processes"),
    ),
    (
        "memory",
        "",
        |l| l.memory = 256 << 20,
        Ends::Error("more than 256 MiB of memory"),
    ),
    (
        "fill-disk",
        "",
        |l| l.disk = 64 << 20,
        Ends::Error("it wrote more than 64 MiB"),
    ),
    (
        "many-files",
        "",
        |l| l.entries = 2000,
        Ends::Error("it made more than 2000 files"),
    ),
    (
        "log-flood",
        "",
        |l| l.log = 64 << 20,
        Ends::Error("it said more than 64 MiB"),
    ),
    ("one-line", "64", |_| {}, Ends::Well),
    (
        "hang",
        "",
        |l| l.silent_seconds = 2,
        Ends::Error("after 2 s without a word"),
    ),
    (
        "spin",
        "",
        |l| l.seconds = 1,
        Ends::Error("it was stopped after 1 s"),
    ),
    (
        "chatter",
        "",
        |l| l.seconds = 1,
        Ends::Error("it was stopped after 1 s"),
    ),
    (
        "ignore-term",
        "",
        |l| l.seconds = 1,
        Ends::Error("it was stopped after 1 s"),
    ),
    (
        "stop-self",
        "",
        |l| l.silent_seconds = 2,
        Ends::Error("without a word"),
    ),
    ("daemon", "", |_| {}, Ends::Well),
    ("orphans", "", |_| {}, Ends::Well),
    ("closed-rights", "", |_| {}, Ends::Well),
    ("deep", "", |_| {}, Ends::Error("lies too deep")),
    ("sparse", "31", |_| {}, Ends::Error("larger than 1 GiB")),
    ("sparse", "40", |_| {}, Ends::Error("signal 25")),
];

fn few_processes(limits: &mut Limits) {
    limits.processes = 64;
    // So many are enough to be seen. Without this bound a busy machine, where looks are rare, would
    // have no process left for the tests beside this one.
    limits.threads = 160;
}

/// A guard against a test that never ends, not a measure.
const PATIENCE: Duration = Duration::from_secs(120);

async fn survives(setup: &Setup, abuse: &(&str, &str, Change, Ends)) -> Result<(), String> {
    let (name, word, change, ends) = abuse;
    let mut limits = Limits::default();
    change(&mut limits);
    // A word by which its processes are found on the machine.
    let mark = format!("mark-{name}-{}", setup.folder.path().display());
    let words = ["abuse", name, word, &mark];
    let abused = setup.execute(&words, limits);
    let done = tokio::time::timeout(PATIENCE, abused)
        .await
        .map_err(|_| "it did not end".to_owned())?;
    match (ends, done) {
        (Ends::Well, Ok(done)) => {
            if done.log.len() > 17 << 20 {
                return Err(format!("{} bytes of log are kept", done.log.len()));
            }
        }
        (Ends::Error(expected), Err(error)) if error.to_string().contains(expected) => {}
        (_, done) => return Err(format!("ended with {:?}", done.map(|done| done.result))),
    }
    match processes_with(&mark) {
        0 => Ok(()),
        left => Err(format!("{left} processes are left")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_survives_every_abuse() {
    let setup = Setup::new();
    if !possible(&setup) {
        return;
    }
    let mut wrong = Vec::new();
    for abuse in ABUSES {
        // Another action at the same time, which has to end well.
        let (abused, other) = tokio::join!(
            survives(&setup, abuse),
            setup.execute(&["abuse", "ok"], Limits::default())
        );
        let other = other.map(|done| match done.result.out() {
            Some(Node::File { digest, .. }) => setup.store.read(digest).unwrap(),
            _ => Vec::new(),
        });
        if other.as_deref().ok() != Some(&b"out\n"[..]) {
            wrong.push(format!("beside {}: {other:?}", abuse.0));
        }
        wrong.extend(abused.err().map(|why| format!("{} {}: {why}", abuse.0, abuse.1)));
        // A stage goes when the last thread that works in it lets go of it.
        settle(|| setup.left() == 0).await;
        if setup.left() > 0 {
            wrong.push(format!("{}: a folder is left", abuse.0));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Waits for something that another thread or process is about to do.
async fn settle(done: impl Fn() -> bool) {
    for _ in 0..400 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[tokio::test]
async fn a_build_that_is_given_up_leaves_nothing() {
    let setup = Setup::new();
    if !possible(&setup) {
        return;
    }
    let mark = format!("mark-given-up-{}", setup.folder.path().display());
    let words = ["abuse", "ignore-term", "", &mark];
    let running = setup.execute(&words, Limits::default());
    tokio::select! {
        _ = running => panic!("it ended"),
        () = settle(|| processes_with(&mark) > 0) => {}
    }
    settle(|| processes_with(&mark) == 0 && setup.left() == 0).await;
    assert_eq!((processes_with(&mark), setup.left()), (0, 0));
}
