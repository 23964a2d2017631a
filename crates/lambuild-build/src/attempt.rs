//! One action from its finished inputs to its output: select, key, look up, run,
//! record. Equal keys of one run are tried one after the other, so that the second
//! finds the first one's result.

use crate::clock::Stopwatch;
use crate::engine::Engine;
use crate::watch::Watch;
use lambuild_action::{
    ActionKey, ActionResult, EncodedAction, ExecuteError, NodeId, PlannedAction, Request, Seen, Selection,
    Step, StoreError, Turn, Work, cache_key,
};
use lambuild_digest::{Digest, Dir, Entry, Node};
use lambuild_graph::ActionGraph;
use lambuild_lang::diagnostic::Diagnostic;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// After this time whoever waits for another process says so.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it takes to notice that another process has finished: at first little, since most actions are short.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// How an action came by its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The result was there.
    Cached,
    /// It ran.
    Executed,
    /// It is content of this machine, nothing to run.
    Taken,
}

/// An action's output.
#[derive(Debug, Clone)]
pub struct Done {
    /// What is at its one output path.
    pub out: Node,
    /// Its key; `None` for content of this machine.
    pub key: Option<ActionKey>,
    /// Reused or run.
    pub how: How,
    /// What it said when it ran.
    pub log: Vec<u8>,
}

/// Why an action has no output.
#[derive(Debug)]
pub enum Failure {
    /// The sources are wrong, at a place.
    Source(Box<Diagnostic>),
    /// It ran and failed, or could not run. The key names what was run.
    Execute {
        /// The action's key.
        key: ActionKey,
        /// argv as it was run.
        arguments: Vec<String>,
        /// Why.
        error: ExecuteError,
    },
    /// The store or this machine failed.
    Machine(String),
    /// An object that the action needs has gone from the store, or was damaged.
    Lost(StoreError),
}

impl Failure {
    /// Whether an object was lost: then what made it can make it again.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Failure::Lost(_)
                | Failure::Execute {
                    error: ExecuteError::Store(StoreError::NotFound(_) | StoreError::Damaged(_)),
                    ..
                }
        )
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) | StoreError::Damaged(_) => Failure::Lost(error),
            other => Failure::Machine(other.to_string()),
        }
    }
}

/// How an attempt ends that does not fail.
#[derive(Debug)]
pub(crate) enum Attempted {
    /// With an output.
    Done(Done),
    /// It must be tried again when these optional inputs are done.
    Wants(Vec<NodeId>),
}

/// What an attempt needs beside the engine: its action and the outputs it refers to.
pub(crate) struct Attempt {
    pub engine: Arc<Engine>,
    pub graph: Arc<ActionGraph>,
    pub node: NodeId,
    pub outputs: Vec<Node>,
    pub optional: Vec<Option<Node>>,
    pub slots: Arc<Semaphore>,
    pub keep_going: bool,
}

impl Attempt {
    fn action(&self) -> &PlannedAction {
        self.graph.action(self.node)
    }

    /// The action's output, from the cache or by running it. `started` is called before it runs,
    /// `waits` when another process runs it and takes its time.
    pub async fn run(
        self: Arc<Self>,
        started: impl Fn() + Send + Sync,
        waits: impl Fn(&str) + Send + Sync,
    ) -> Result<Attempted, Failure> {
        match self.clone().blocking(|attempt| attempt.prepare()).await? {
            Prepared::Done(done) => Ok(Attempted::Done(done)),
            Prepared::Wants(inputs) => Ok(Attempted::Wants(inputs)),
            Prepared::Keyed(step, encoded) => self
                .get(*step, encoded, started, waits)
                .await
                .map(Attempted::Done),
        }
    }

    /// The result of an action that was not there when it was looked up first.
    async fn get(
        self: Arc<Self>,
        step: Step,
        encoded: EncodedAction,
        started: impl Fn() + Send + Sync,
        waits: impl Fn(&str) + Send + Sync,
    ) -> Result<Done, Failure> {
        let turn = self.engine.turn(encoded.key);
        let _mine = match turn.try_lock() {
            Ok(mine) => mine,
            Err(_) => {
                let mine = turn.lock().await;
                // The equal action of this run that had the turn has most likely recorded its result.
                if let Some(done) = self.clone().look_up(encoded.key).await? {
                    return Ok(done);
                }
                mine
            }
        };
        let (_slot, _turn) = match self.clone().turn_among_others(encoded.key, waits).await? {
            Some(Begin::Run(slot, turn)) => (slot, turn),
            Some(Begin::Done(done)) => return Ok(done),
            None => return Err(interrupted(&step, encoded.key)),
        };
        started();
        let result = self.clone().execute(step, encoded).await;
        if result.as_ref().is_err_and(|failure| !failure.is_loss()) && !self.keep_going {
            // While the slot is still taken: whoever waits for it must not get it.
            self.slots.close();
        }
        result
    }

    /// A slot and the turn to run a key, when both are to be had; `None` when the run stops. A turn is never
    /// held without a slot, so whoever is waited for is at work; nor is a slot while waiting.
    async fn turn_among_others(
        self: Arc<Self>,
        key: ActionKey,
        waits: impl Fn(&str) + Send + Sync,
    ) -> Result<Option<Begin>, Failure> {
        let (asked, mut told, mut pause) = (Stopwatch::start(), false, FIRST_PAUSE);
        loop {
            let Ok(slot) = self.slots.clone().acquire_owned().await else {
                return Ok(None);
            };
            let asked_for = self.clone().blocking(move |attempt| attempt.take_turn(&key));
            match asked_for.await? {
                (Turn::Mine(_), Some(done)) => return Ok(Some(Begin::Done(done))),
                (Turn::Mine(turn), None) => return Ok(Some(Begin::Run(slot, turn))),
                (Turn::Taken { by }, _) if !told && asked.elapsed() >= PATIENCE => {
                    waits(&by);
                    told = true;
                }
                (Turn::Taken { .. }, _) => {}
            }
            drop(slot);
            // No file system tells when a lock becomes free to one who can also be interrupted.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks for the turn, and with it for the result: whoever had the turn before may have recorded it.
    fn take_turn(&self, key: &ActionKey) -> Result<(Turn, Option<Done>), Failure> {
        let turn = self.engine.others.turn(key)?;
        let found = match &turn {
            Turn::Mine(_) => self.found(key)?,
            Turn::Taken { .. } => None,
        };
        Ok((turn, found))
    }

    async fn look_up(self: Arc<Self>, key: ActionKey) -> Result<Option<Done>, Failure> {
        self.blocking(move |attempt| attempt.found(&key)).await
    }

    fn found(&self, key: &ActionKey) -> Result<Option<Done>, Failure> {
        let found = self.acceptable(key)?;
        tracing::debug!(%key, hit = found.is_some(), "looked up");
        let cached = |out| Done {
            out,
            key: Some(*key),
            how: How::Cached,
            log: Vec::new(),
        };
        Ok(found.and_then(|result| result.out().cloned()).map(cached))
    }

    /// The result that is there, unless it was made with less isolation than is asked for.
    fn acceptable(&self, key: &ActionKey) -> Result<Option<ActionResult>, Failure> {
        let found = self.engine.store.result(key)?;
        Ok(found.filter(|result| self.engine.executor.accepts(result.isolation)))
    }

    /// Finds out what is to be run, and whether its result is there.
    fn prepare(&self) -> Result<Prepared, Failure> {
        let engine = &self.engine;
        match &self.action().work {
            Work::HostFolder { folder, keep } => {
                let taken = engine.hosts.take(folder, *keep).map_err(Failure::Machine)?;
                Ok(Prepared::taken(taken))
            }
            Work::HostFiles(files) => {
                let taken = engine.hosts.take_files(files).map_err(Failure::Machine)?;
                Ok(Prepared::taken(taken))
            }
            Work::Select(selector) => {
                let watch = Watch::over(&*engine.store);
                let seen = Seen {
                    sources: &*engine.sources,
                    outputs: &self.outputs,
                    optional: &self.optional,
                    trees: &watch,
                    blobs: &watch,
                };
                let told = |wrong| match watch.lost() {
                    Some(lost) => Failure::Lost(StoreError::NotFound(lost)),
                    None => Failure::Source(wrong),
                };
                match selector.explore(&seen).map_err(told)? {
                    Selection::Step(step) => {
                        let encoded = cache_key::encode(&step, engine.store.function());
                        Ok(match self.found(&encoded.key)? {
                            Some(done) => Prepared::Done(done),
                            None => Prepared::Keyed(step, encoded),
                        })
                    }
                    Selection::Wants(places) => self.wanted(&places),
                }
            }
        }
    }

    /// The inputs that were asked for. Asking for nothing new would go on for ever.
    fn wanted(&self, places: &[usize]) -> Result<Prepared, Failure> {
        let optional = self.action().optional();
        let missing = places.iter().filter(|at| self.optional.get(**at) == Some(&None));
        let inputs: Vec<NodeId> = missing.filter_map(|at| optional.get(*at).copied()).collect();
        match inputs.is_empty() {
            true => Err(Failure::Machine(
                "an action asks for inputs that it has".to_owned(),
            )),
            false => Ok(Prepared::Wants(inputs)),
        }
    }

    async fn execute(self: Arc<Self>, step: Step, encoded: EncodedAction) -> Result<Done, Failure> {
        let EncodedAction {
            key,
            input_root,
            messages,
        } = encoded;
        let inputs = step.input_root;
        self.clone()
            .blocking(move |attempt| attempt.provide(&inputs, &messages))
            .await?;
        let request = Request {
            key,
            input_root,
            timeout: step
                .timeout
                .map(|seconds| Duration::from_secs(u64::from(seconds))),
            hints: step.hints,
            command: step.command,
        };
        let executed = self.engine.executor.execute(&request).await;
        let failed = |error| Failure::Execute {
            key,
            arguments: request.command.arguments.clone(),
            error,
        };
        let executed = executed.map_err(failed)?;
        let Some(out) = executed.result.out().cloned() else {
            return Err(Failure::Machine("an action left no output".to_owned()));
        };
        let result = executed.result;
        self.blocking(move |attempt| Ok(attempt.engine.store.record(&key, &result)?))
            .await?;
        Ok(Done {
            out,
            key: Some(key),
            how: How::Executed,
            log: executed.log,
        })
    }

    /// Puts everything in the store that the action's messages name: an executor reads
    /// nothing else, so an edit from here on cannot enter the result.
    fn provide(&self, inputs: &Dir, messages: &[(Digest, Vec<u8>)]) -> Result<(), Failure> {
        for (_, message) in messages {
            self.engine.store.write(message)?;
        }
        self.provide_files(inputs)
    }

    fn provide_files(&self, inputs: &Dir) -> Result<(), Failure> {
        let Engine { store, sources, .. } = &*self.engine;
        for (_, entry) in inputs.entries() {
            match entry {
                Entry::Dir(dir) => self.provide_files(dir)?,
                Entry::Node(Node::File { digest, .. }) if !store.contains(digest) => {
                    let there = sources
                        .provide(digest)
                        .map_err(|error| Failure::Machine(error.to_string()))?;
                    if !there {
                        return Err(StoreError::NotFound(*digest).into());
                    }
                }
                Entry::Node(_) => {}
            }
        }
        Ok(())
    }

    async fn blocking<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Attempt) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        // A thread for each of a thousand actions would cost more than what they do. Nobody closes the door.
        let at_work = self.engine.at_work.clone().acquire_owned().await;
        let ended = tokio::task::spawn_blocking(move || {
            let done = work(&self);
            drop(at_work);
            done
        });
        let ended = ended.await;
        ended.unwrap_or_else(|error| Err(Failure::Machine(format!("a step inside lambuild broke: {error}"))))
    }
}

enum Prepared {
    Done(Done),
    Wants(Vec<NodeId>),
    Keyed(Box<Step>, EncodedAction),
}

impl Prepared {
    fn taken(folder: Digest) -> Self {
        Prepared::Done(Done {
            out: Node::Directory(folder),
            key: None,
            how: How::Taken,
            log: Vec::new(),
        })
    }
}

/// What came of waiting for one's turn.
enum Begin {
    Run(OwnedSemaphorePermit, Box<dyn Send + Sync>),
    Done(Done),
}

fn interrupted(step: &Step, key: ActionKey) -> Failure {
    Failure::Execute {
        key,
        arguments: step.command.arguments.clone(),
        error: ExecuteError::Interrupted,
    }
}
