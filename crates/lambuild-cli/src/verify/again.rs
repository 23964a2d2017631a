//! The second build: the same graph under other conditions, without any result of the first.

use super::kept::{Fetched, OwnResults};
use crate::args::Running;
use crate::environment::Environment;
use crate::fetchers::fetchers;
use crate::progress::Progress;
use crate::run::{self, Built};
use crate::talk::Talk;
use crate::workspace::Workspace;
use lambuild_build::clock::{self, Stopwatch};
use lambuild_build::{Engine, Outcome, Settings};
use lambuild_sandbox::Conditions;
use lambuild_store::HostFolders;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// So much later than the end of the first build the second one begins: every format of time that is in
/// use tells two such times apart; DOS counts in twos.
const LATER: Duration = Duration::from_secs(2);

/// What came of a second build.
pub struct Second {
    /// Of each action.
    pub outcome: Outcome,
    /// When it ran, in seconds since 1970.
    pub during: Range<i64>,
}

/// Builds the graph of `built` again, at a moment that is not that of the first build, which `ended` then.
///
/// # Errors
/// In the user's words, when it cannot be started.
pub fn build(
    workspace: &Workspace,
    built: &Built,
    running: &Running,
    environment: &Environment,
    ended: Stopwatch,
    talk: &Talk,
) -> Result<Second, String> {
    let settings = settings(running);
    let engine = Arc::new(engine(workspace, running, environment));
    let progress = Arc::new(Progress::new(*talk, built.graph.clone()));
    let (graph, reporter) = (built.graph.clone(), progress.clone());
    let second = run::runtime()?.block_on(async move {
        tokio::spawn(run::interrupts(settings.cancel.clone()));
        tokio::select! {
            () = ended.reaches(LATER) => {}
            // The engine then finds it cancelled.
            () = settings.cancel.cancelled() => {}
        }
        let began = clock::wall();
        let outcome = engine.run(graph, &settings, reporter).await;
        Second {
            outcome,
            during: began..clock::wall() + 1,
        }
    });
    progress.clear();
    Ok(second)
}

/// Another number of jobs, and everything is tried: one difference must not hide another.
fn settings(running: &Running) -> Settings {
    let first = run::settings(running);
    let jobs = match first.jobs.get() {
        1 => 2,
        more => more - 1,
    };
    Settings {
        jobs: NonZeroUsize::new(jobs).unwrap_or(NonZeroUsize::MIN),
        keep_going: true,
        ..first
    }
}

fn engine(workspace: &Workspace, running: &Running, environment: &Environment) -> Engine {
    let store = Arc::new(OwnResults::over(workspace.store.clone()));
    let sandbox = run::sandbox(workspace, running).under(Conditions::changed());
    let steps = run::steps(store.clone(), Arc::new(sandbox));
    let fetched = Arc::new(Fetched(workspace.store.clone()));
    let executor = fetchers(workspace, environment)
        .into_iter()
        .fold(steps, |all, (step, _)| all.fetcher(step, fetched.clone()));
    let hosts = Arc::new(HostFolders::new(workspace.store.clone()));
    Engine::new(store, workspace.sources.clone(), hosts, Arc::new(executor))
}
