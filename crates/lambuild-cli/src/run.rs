//! One build: plan, wire the engine to this machine, run it, tell how it went.

use crate::args::{Running, Sandbox};
use crate::commands::lock;
use crate::environment::Environment;
use crate::exit;
use crate::fetchers::fetchers;
use crate::progress::Progress;
use crate::talk::Talk;
use crate::workspace::Workspace;
use lambuild_action::{NodeId, PlannedAction, Sources, Store, Work};
use lambuild_build::{Dispatch, Engine, Failure, Outcome, Settings};
use lambuild_graph::{ActionGraph, Configured};
use lambuild_lang::Evaluation;
use lambuild_lang::diagnostic::{Diagnostic, Severity};
use lambuild_rules::archive::ArchiveStep;
use lambuild_rules::fetch;
use lambuild_rules::files::FilesStep;
use lambuild_rules::zip::ZipStep;
use lambuild_sandbox::spec::Limits;
use lambuild_sandbox::{SandboxExecutor, Wanted};
use lambuild_store::HostFolders;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A build that came to an end.
pub struct Built {
    /// The planned actions.
    pub graph: Arc<ActionGraph>,
    /// What came of each.
    pub outcome: Outcome,
    /// The exit code.
    pub exit: u8,
    /// How much of the store was found damaged.
    pub damaged: usize,
}

/// Shows what evaluation found wrong; `Err` with the exit code where there is an error.
///
/// # Errors
/// When there is at least one error.
pub fn judge(diagnostics: &[Diagnostic], evaluation: &Evaluation<'_>, talk: &Talk) -> Result<(), u8> {
    let shown: Vec<Diagnostic> = diagnostics
        .iter()
        .filter(|made| made.severity == Severity::Error || !talk.quiet)
        .cloned()
        .collect();
    talk.diagnostics(&shown, &evaluation.sources);
    match exit::of(diagnostics) {
        exit::OK => Ok(()),
        code => Err(code),
    }
}

/// Plans and builds the wanted targets.
///
/// # Errors
/// The exit code, after everything that is wrong has been shown, when nothing could be built.
pub fn build(
    workspace: &Workspace,
    evaluation: &mut Evaluation<'_>,
    wanted: &[Configured],
    running: &Running,
    environment: &Environment,
    talk: &Talk,
) -> Result<Built, u8> {
    let mut planned = lambuild_graph::plan(evaluation, &workspace.rules, &*workspace.sources, wanted);
    if planned.is_ok() && resolve(workspace, environment, talk)? {
        planned = lambuild_graph::plan(evaluation, &workspace.rules, &*workspace.sources, wanted);
    }
    let (graph, _) = match planned {
        Ok(planned) => planned,
        Err(wrong) => {
            judge(&wrong, evaluation, talk)?;
            return Err(exit::FAILED);
        }
    };
    // By now everything that this run needs is evaluated, and nothing has run.
    judge(&evaluation.warnings(), evaluation, talk)?;
    say_unpinned(workspace, talk);
    if workspace.store.read_only().is_some() {
        talk.warning(&format!(
            "the store {} is only read: what is in it is used, and nothing new is kept",
            workspace.store.root().display()
        ));
    }
    let mut built = Built {
        graph: Arc::new(graph),
        outcome: Outcome::default(),
        exit: exit::OK,
        damaged: 0,
    };
    again(&mut built, evaluation, workspace, running, environment, talk)?;
    Ok(built)
}

/// Runs all that is planned: a first time, or once more after something was lost. What is whole is reused.
///
/// # Errors
/// The exit code, when nothing could be built or kept.
pub fn again(
    built: &mut Built,
    evaluation: &Evaluation<'_>,
    workspace: &Workspace,
    running: &Running,
    environment: &Environment,
    talk: &Talk,
) -> Result<(), u8> {
    let graph = built.graph.clone();
    let progress = Arc::new(Progress::new(*talk, graph.clone()));
    let ran = run_engine(workspace, &graph, running, environment, &progress).map_err(|message| {
        talk.error(&message);
        exit::FAILED
    });
    let (outcome, no_sandbox) = ran?;
    progress.clear();
    // Before anything is called done: what was made is kept, as the durability says.
    workspace.store.finish().map_err(|error| {
        talk.error(&format!("what was built could not be kept: {error}"));
        exit::FAILED
    })?;
    if let Some(why) = no_sandbox {
        talk.warning(&format!(
            "{why}\n  actions ran with copied inputs instead, and their results are weak: they are shared with nobody"
        ));
    }
    if let Err(error) = workspace.sources.save() {
        talk.warning(&format!("the next build will read all files again: {error}"));
    }
    let exit = failures(&outcome, &graph, evaluation, &*workspace.sources, talk);
    (built.outcome, built.exit) = (outcome, exit);
    Ok(())
}

/// Finds what is fetched and not pinned, for this run: without a hash it would have no key. Whether there
/// was anything.
fn resolve(workspace: &Workspace, environment: &Environment, talk: &Talk) -> Result<bool, u8> {
    let mut open = workspace.pins.asked();
    open.retain(|(kind, _), asked| *kind == fetch::KIND && !asked.found);
    for (kind, name, pinned) in lock::find(&open, workspace, environment, talk)? {
        workspace.pins.resolve(kind, &name, pinned).map_err(|message| {
            talk.error(&message);
            exit::FAILED
        })?;
    }
    Ok(!open.is_empty())
}

/// Says what is used for this run though no lock pins it.
fn say_unpinned(workspace: &Workspace, talk: &Talk) {
    let asked = workspace.pins.asked();
    let missing: Vec<&str> = asked
        .values()
        .filter(|asked| !asked.found)
        .map(|asked| asked.what.as_str())
        .collect();
    if !missing.is_empty() {
        talk.warning(&format!(
            "lambda.lock does not pin {}: taken for this run as it comes; `lambuild lock` pins it",
            missing.join(", ")
        ));
    }
}

fn run_engine(
    workspace: &Workspace,
    graph: &Arc<ActionGraph>,
    running: &Running,
    environment: &Environment,
    progress: &Arc<Progress>,
) -> Result<(Outcome, Option<String>), String> {
    let sandbox = Arc::new(sandbox(workspace, running));
    let engine = Arc::new(engine(workspace, environment, sandbox.clone()));
    let settings = settings(running);
    let (graph, progress) = (graph.clone(), progress.clone());
    let outcome = runtime()?.block_on(async move {
        tokio::spawn(interrupts(settings.cancel.clone()));
        engine.run(graph, &settings, progress).await
    });
    Ok((outcome, sandbox.fell_back().map(str::to_owned)))
}

/// What runs the futures of a build.
///
/// # Errors
/// In the user's words.
pub fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| format!("cannot start the build: {error}"))
}

/// How a build is run, as the options say.
pub fn settings(running: &Running) -> Settings {
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Settings {
        jobs: running.jobs.unwrap_or(processors),
        keep_going: running.keep_going,
        cancel: CancellationToken::new(),
    }
}

/// Who runs processes, as the options say.
pub fn sandbox(workspace: &Workspace, running: &Running) -> SandboxExecutor {
    SandboxExecutor::new(
        workspace.store.clone(),
        wanted(running.sandbox),
        Limits::default(),
    )
}

/// Who runs processes and the steps inside lambuild; fetches are not among them.
pub fn steps(store: Arc<dyn Store>, processes: Arc<SandboxExecutor>) -> Dispatch {
    Dispatch::new(store, processes)
        .step(Arc::new(FilesStep))
        .step(Arc::new(ArchiveStep))
        .step(Arc::new(ZipStep))
}

fn wanted(asked: Sandbox) -> Wanted {
    match asked {
        Sandbox::Auto => Wanted::Auto,
        Sandbox::Strict => Wanted::Strict,
        Sandbox::None => Wanted::Weak,
    }
}

/// The first Ctrl-C, or a CI system's wish to end, ends the build in order, the second one at once.
pub async fn interrupts(cancel: CancellationToken) {
    let signals =
        signal(SignalKind::interrupt()).and_then(|first| Ok((first, signal(SignalKind::terminate())?)));
    // Without handlers a signal ends the process as it always does.
    let Ok((mut interrupt, mut terminate)) = signals else {
        return;
    };
    for already in [false, true] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancel.cancel();
        if already {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
    }
}

fn engine(workspace: &Workspace, environment: &Environment, sandbox: Arc<SandboxExecutor>) -> Engine {
    let store = workspace.store.clone();
    let executor = steps(store.clone(), sandbox);
    let fetchers = fetchers(workspace, environment).into_iter();
    let executor = fetchers.fold(executor, |all, (step, fetcher)| all.fetcher(step, fetcher));
    let hosts = Arc::new(HostFolders::new(store.clone()));
    Engine::new(
        store.clone(),
        workspace.sources.clone(),
        hosts,
        Arc::new(executor),
    )
    .among(store)
}

/// Shows what failed, in the order of the plan; the exit code.
pub fn failures(
    outcome: &Outcome,
    graph: &ActionGraph,
    evaluation: &Evaluation<'_>,
    sources: &dyn Sources,
    talk: &Talk,
) -> u8 {
    let mut failed: Vec<&(NodeId, Failure)> = outcome.failed.iter().collect();
    failed.sort_by_key(|(node, _)| *node);
    let mut told = Told::default();
    let codes = failed.into_iter().map(|(node, failure)| {
        let action = graph.action(*node);
        let what = format!("{} {}", action.mnemonic, action.subject);
        let shown = told.show(what.trim_end(), failure, evaluation, talk);
        shown.max(told.explain(action, failure, evaluation, sources, talk))
    });
    let code = codes.max().unwrap_or(exit::OK);
    if outcome.interrupted {
        talk.error("interrupted; what was built before is kept");
        return exit::INTERRUPTED;
    }
    if outcome.skipped > 0 && code != exit::OK {
        talk.say(&format!(
            "{} not tried after the failure",
            crate::talk::count(outcome.skipped, "action")
        ));
    }
    code
}

/// What was shown already: the same mistake for another architecture says nothing new.
#[derive(Default)]
struct Told<'a> {
    diagnostics: Vec<&'a Diagnostic>,
    logs: Vec<&'a [u8]>,
    explained: Vec<Diagnostic>,
    is_full: bool,
}

/// How [`lambuild_action::StoreError::Full`] begins.
const FULL: &str = "no space left in ";

impl<'a> Told<'a> {
    /// What the declaration of a failed action lacks, as far as its output tells.
    fn explain(
        &mut self,
        action: &PlannedAction,
        failure: &Failure,
        evaluation: &Evaluation<'_>,
        sources: &dyn Sources,
        talk: &Talk,
    ) -> u8 {
        let (Work::Select(selector), Failure::Execute { error, .. }) = (&action.work, failure) else {
            return exit::OK;
        };
        let found = selector.explain(crate::progress::log_of(error).unwrap_or_default(), sources);
        let new = found.into_iter().filter(|made| !self.explained.contains(made));
        let new: Vec<Diagnostic> = new.collect();
        talk.diagnostics(&new, &evaluation.sources);
        self.explained.extend(new);
        exit::FAILED
    }

    fn show(&mut self, what: &str, failure: &'a Failure, evaluation: &Evaluation<'_>, talk: &Talk) -> u8 {
        match failure {
            Failure::Source(made) => {
                if !self.diagnostics.contains(&&**made) {
                    talk.diagnostics(std::slice::from_ref(made), &evaluation.sources);
                    self.diagnostics.push(made);
                }
                exit::of(std::slice::from_ref(made))
            }
            Failure::Lost(error) => {
                talk.error(&format!("{what} cannot be done: {error}"));
                exit::FAILED
            }
            // The disk is full for all of them.
            Failure::Machine(why) if why.starts_with(FULL) && self.is_full => exit::FAILED,
            Failure::Machine(why) => {
                self.is_full |= why.starts_with(FULL);
                talk.error(&format!("{what} cannot be done: {why}"));
                exit::FAILED
            }
            Failure::Execute { error, arguments, .. } => {
                let log = crate::progress::log_of(error).filter(|log| !log.is_empty());
                if log.is_some_and(|log| self.logs.contains(&log)) {
                    talk.error(&format!("{what} failed with the same output"));
                    return exit::FAILED;
                }
                self.logs.extend(log);
                crate::progress::failed(talk, what, error, arguments)
            }
        }
    }
}
