//! The walk over the graph: starts what is ready, as many at once as there are
//! slots, until all is done, something fails, or the run is interrupted.

use crate::attempt::{Attempt, Attempted, Done, Failure};
use crate::clock::Stopwatch;
use crate::event::{Event, Reporter};
use crate::state::States;
use lambuild_action::{ActionKey, ExecuteError, Executor, HostFolders, NodeId, Sources, Store, Turns};
use lambuild_graph::ActionGraph;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Everything behind the traits, for the length of a run.
pub struct Engine {
    /// Blobs, trees and results.
    pub store: Arc<dyn Store>,
    /// The workspace's files.
    pub sources: Arc<dyn Sources>,
    /// Folders of this machine.
    pub hosts: Arc<dyn HostFolders>,
    /// Runs actions.
    pub executor: Arc<dyn Executor>,
    /// Whose turn it is among processes.
    pub(crate) others: Arc<dyn Turns>,
    turns: Mutex<FxHashMap<ActionKey, Arc<tokio::sync::Mutex<()>>>>,
    /// How many actions are looked at at once, on threads that may wait for the disk.
    pub(crate) at_work: Arc<Semaphore>,
}

/// How a run is done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many actions run at once.
    pub jobs: NonZeroUsize,
    /// Whether to go on with what does not depend on a failure.
    pub keep_going: bool,
    /// Ends the run: running actions are killed, nothing more is started.
    pub cancel: CancellationToken,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Each action's output, by [`NodeId`]; `None` where there is none.
    pub done: Vec<Option<Done>>,
    /// The actions that failed, in the order of failing.
    pub failed: Vec<(NodeId, Failure)>,
    /// How many were not tried.
    pub skipped: usize,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// The output of an action that is done.
    pub fn done(&self, id: NodeId) -> Option<&Done> {
        self.done.get(id.0 as usize).and_then(Option::as_ref)
    }
}

/// How often an action is run again for the sake of lost objects. A store that loses more is broken.
const REWINDS: usize = 3;

type Ended = (NodeId, Duration, Result<Attempted, Failure>);

/// Some more than there are processors, since now and then one waits for the disk.
fn threads() -> usize {
    2 + 2 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

impl Engine {
    /// An engine over these parts.
    pub fn new(
        store: Arc<dyn Store>,
        sources: Arc<dyn Sources>,
        hosts: Arc<dyn HostFolders>,
        executor: Arc<dyn Executor>,
    ) -> Self {
        Engine {
            store,
            sources,
            hosts,
            executor,
            others: Arc::new(()),
            turns: Mutex::default(),
            at_work: Arc::new(Semaphore::new(threads())),
        }
    }

    /// With other processes that may run the same actions.
    #[must_use]
    pub fn among(mut self, others: Arc<dyn Turns>) -> Self {
        self.others = others;
        self
    }

    /// The lock under which a key is run, so that equal actions of one run are one.
    pub(crate) fn turn(&self, key: ActionKey) -> Arc<tokio::sync::Mutex<()>> {
        self.turns
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key)
            .or_default()
            .clone()
    }

    /// Builds everything in the graph.
    pub async fn run(
        self: Arc<Self>,
        graph: Arc<ActionGraph>,
        settings: &Settings,
        reporter: Arc<dyn Reporter>,
    ) -> Outcome {
        let watch = Stopwatch::start();
        let states = States::new(&graph);
        reporter.report(&Event::Planned {
            actions: states.awake(),
        });
        let mut walk = Walk {
            engine: self,
            states,
            outcome: Outcome {
                done: graph.ids().map(|_| None).collect(),
                failed: Vec::new(),
                skipped: 0,
                interrupted: false,
                took: Duration::ZERO,
            },
            slots: Arc::new(Semaphore::new(settings.jobs.get())),
            keep_going: settings.keep_going,
            graph,
            reporter,
            running: JoinSet::new(),
            rewound: BTreeMap::new(),
        };
        walk.until_done(settings).await;
        walk.outcome.skipped = walk.states.skipped();
        walk.outcome.took = watch.elapsed();
        walk.outcome
    }
}

struct Walk {
    engine: Arc<Engine>,
    graph: Arc<ActionGraph>,
    states: States,
    outcome: Outcome,
    slots: Arc<Semaphore>,
    keep_going: bool,
    reporter: Arc<dyn Reporter>,
    running: JoinSet<Ended>,
    rewound: BTreeMap<NodeId, usize>,
}

impl Walk {
    async fn until_done(&mut self, settings: &Settings) {
        loop {
            while let Some(node) = self.states.start() {
                self.start(node);
            }
            let ended = tokio::select! {
                biased;
                () = settings.cancel.cancelled() => return self.interrupt().await,
                ended = self.running.join_next() => ended,
            };
            match ended {
                None => return,
                Some(Ok(ended)) => self.ended(ended),
                Some(Err(error)) => tracing::error!(%error, "a task of the build broke"),
            }
        }
    }

    fn start(&mut self, node: NodeId) {
        let action = self.graph.action(node);
        let output = |input: &NodeId| self.outcome.done(*input).map(|done| done.out.clone());
        let attempt = Arc::new(Attempt {
            engine: self.engine.clone(),
            graph: self.graph.clone(),
            node,
            // A node starts only when all its inputs are done.
            outputs: action.inputs.iter().filter_map(output).collect(),
            optional: action.optional().iter().map(output).collect(),
            slots: self.slots.clone(),
            keep_going: self.keep_going,
        });
        let reporter = self.reporter.clone();
        self.running.spawn(async move {
            let asked = Stopwatch::start();
            let began = OnceLock::new();
            let started = || {
                reporter.report(&Event::Started { node });
                began.get_or_init(Stopwatch::start);
            };
            let waits = |by: &str| reporter.report(&Event::Waiting { node, by });
            let result = attempt.run(started, waits).await;
            // Waiting for a free slot is no part of an action's time.
            (node, began.get().unwrap_or(&asked).elapsed(), result)
        });
    }

    fn ended(&mut self, (node, took, result): Ended) {
        match result {
            Ok(Attempted::Wants(inputs)) => self.states.demand(node, &inputs, &self.graph),
            Ok(Attempted::Done(done)) => {
                self.reporter.report(&Event::Finished {
                    node,
                    how: done.how,
                    took,
                    log: &done.log,
                });
                self.states.done(node, &self.graph);
                self.outcome.done[node.0 as usize] = Some(done);
            }
            // It was waiting for a slot when another one failed.
            Err(Failure::Execute {
                error: ExecuteError::Interrupted,
                ..
            }) => self.states.skip(node),
            Err(failure) if failure.is_loss() && self.rewind(node) => {}
            Err(failure) => {
                self.reporter.report(&Event::Failed {
                    node,
                    failure: &failure,
                });
                self.states.failed(node, &self.graph);
                if !self.keep_going {
                    self.slots.close();
                    self.states.stop();
                }
                self.outcome.failed.push((node, failure));
            }
        }
    }

    /// Runs an action again that missed an object, after those whose outputs are no longer whole.
    /// `false` when that was done often enough, or the run stops.
    fn rewind(&mut self, node: NodeId) -> bool {
        let stops = !self.keep_going && !self.outcome.failed.is_empty();
        let times = self.rewound.entry(node).or_default();
        if stops || *times == REWINDS {
            return false;
        }
        *times += 1;
        let mut again = BTreeSet::from([node]);
        let inputs_of = |id| {
            let action = self.graph.action(id);
            action.inputs.iter().chain(action.optional()).copied()
        };
        let mut ahead: Vec<NodeId> = inputs_of(node).collect();
        while let Some(input) = ahead.pop() {
            if !again.contains(&input) && self.is_lost(input) {
                again.insert(input);
                ahead.extend(inputs_of(input));
            }
        }
        tracing::warn!(
            actions = again.len(),
            "an object was lost from the store; what made it runs again"
        );
        for id in &again {
            self.outcome.done[id.0 as usize] = None;
        }
        self.states.again(&again, &self.graph);
        true
    }

    /// Whether an action that is done has an output that is no longer whole, or that nobody can tell about.
    fn is_lost(&self, id: NodeId) -> bool {
        let Some(done) = self.outcome.done(id) else {
            return false;
        };
        let found = done.key.map(|key| self.engine.store.result(&key));
        !matches!(found, Some(Ok(Some(_))))
    }

    /// Drops what runs, which kills its processes, and starts nothing more.
    async fn interrupt(&mut self) {
        self.states.stop();
        self.running.shutdown().await;
        self.outcome.interrupted = true;
    }
}

#[cfg(test)]
mod tests;
