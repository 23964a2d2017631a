//! Which executor runs an action: by argv[0], the launcher's or a step's name.

use async_trait::async_trait;
use lambuild_action::{ActionResult, ExecuteError, Executed, Executor, InProcess, Isolation, Request, Store};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sends each action to who can run it.
pub struct Dispatch {
    store: Arc<dyn Store>,
    processes: Arc<dyn Executor>,
    steps: BTreeMap<&'static str, Arc<dyn InProcess>>,
    fetchers: BTreeMap<&'static str, Arc<dyn Executor>>,
}

impl Dispatch {
    /// Process actions go to `processes`; nothing else is known yet.
    pub fn new(store: Arc<dyn Store>, processes: Arc<dyn Executor>) -> Self {
        Dispatch {
            store,
            processes,
            steps: BTreeMap::new(),
            fetchers: BTreeMap::new(),
        }
    }

    /// Adds a step that runs inside lambuild.
    #[must_use]
    pub fn step(mut self, step: Arc<dyn InProcess>) -> Self {
        self.steps.insert(step.name(), step);
        self
    }

    /// Adds an executor for the actions whose argv[0] is `name`.
    #[must_use]
    pub fn fetcher(mut self, name: &'static str, fetcher: Arc<dyn Executor>) -> Self {
        self.fetchers.insert(name, fetcher);
        self
    }

    async fn inside(&self, step: Arc<dyn InProcess>, request: &Request) -> Result<Executed, ExecuteError> {
        let (store, request) = (self.store.clone(), request.clone());
        let work = move || step.run(&request.command, &request.input_root, &*store);
        let ended = tokio::task::spawn_blocking(work).await;
        let out = ended.unwrap_or_else(|error| {
            Err(ExecuteError::Refused(format!(
                "a step inside lambuild broke: {error}"
            )))
        })?;
        Ok(Executed {
            result: ActionResult::of(out, None, Isolation::Strict),
            log: Vec::new(),
        })
    }
}

#[async_trait]
impl Executor for Dispatch {
    async fn execute(&self, request: &Request) -> Result<Executed, ExecuteError> {
        if !request.command.in_process() {
            return self.processes.execute(request).await;
        }
        let name = request.command.arguments.first().map_or("", String::as_str);
        if let Some(step) = self.steps.get(name) {
            return self.inside(step.clone(), request).await;
        }
        match self.fetchers.get(name) {
            Some(fetcher) => fetcher.execute(request).await,
            None => Err(ExecuteError::Refused(format!(
                "this version knows no step `{name}`"
            ))),
        }
    }

    fn accepts(&self, made: Isolation) -> bool {
        self.processes.accepts(made)
    }
}
