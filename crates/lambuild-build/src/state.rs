//! The states of an action during a run, and which may start next.
//!
//! ```text
//!   Dormant ──asked for──▶ Waiting ──all inputs done──▶ Ready ──taken──▶ Running ──▶ Done
//!                             │ ▲                         │              │  └──────▶ Failed
//!                             │ └──asks for optional inputs───────────────┘
//!                             └──── an input failed, or the run stops ──▶ Skipped
//! ```

use lambuild_action::NodeId;
use lambuild_graph::ActionGraph;
use std::collections::{BTreeMap, BTreeSet};

/// Where an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Only optional edges lead to it, and nobody has asked for it.
    Dormant,
    /// So many of its inputs are not done yet.
    Waiting(usize),
    /// It may start.
    Ready,
    /// It is looked up or run.
    Running,
    /// Its output is known.
    Done,
    /// It has no output.
    Failed,
    /// It was not tried, since an input failed or the run stopped.
    Skipped,
}

/// The states of all actions.
#[derive(Debug)]
pub struct States {
    of: Vec<State>,
    ready: BTreeSet<NodeId>,
    /// Optional inputs that were asked for, with those who did.
    asked: BTreeMap<NodeId, BTreeSet<NodeId>>,
    stopped: bool,
}

impl States {
    /// Before the run.
    pub fn new(graph: &ActionGraph) -> Self {
        let mut states = States {
            of: vec![State::Dormant; graph.len()],
            ready: BTreeSet::new(),
            asked: BTreeMap::new(),
            stopped: false,
        };
        let needed = graph.needed();
        for id in graph.ids().filter(|id| needed[id.0 as usize]) {
            let inputs = graph.input_count(id);
            states.wait(id, inputs);
        }
        states
    }

    /// The state of one.
    pub fn get(&self, id: NodeId) -> State {
        self.of[id.0 as usize]
    }

    /// How many are known to be needed.
    pub fn awake(&self) -> usize {
        self.of.iter().filter(|state| **state != State::Dormant).count()
    }

    fn wait(&mut self, id: NodeId, inputs: usize) {
        self.of[id.0 as usize] = match inputs {
            0 => State::Ready,
            inputs => State::Waiting(inputs),
        };
        if inputs == 0 {
            self.ready.insert(id);
        }
    }

    /// All that refer to an action, those included that asked for it.
    fn dependents(&self, id: NodeId, graph: &ActionGraph) -> Vec<NodeId> {
        let mut all = graph.dependents(id);
        all.extend(self.asked.get(&id).into_iter().flatten());
        all
    }

    /// An action that was to run turned out to need optional inputs first.
    pub fn demand(&mut self, id: NodeId, inputs: &[NodeId], graph: &ActionGraph) {
        if self.stopped {
            return self.skip(id);
        }
        for input in inputs {
            self.asked.entry(*input).or_default().insert(id);
        }
        self.wait_for(id, inputs, graph);
    }

    /// Waits for those of the inputs that are not done, after waking them.
    fn wait_for(&mut self, id: NodeId, inputs: &[NodeId], graph: &ActionGraph) {
        let inputs: BTreeSet<NodeId> = inputs.iter().copied().collect();
        for input in &inputs {
            if self.get(*input) == State::Dormant {
                self.wait_for(*input, &graph.action(*input).inputs, graph);
            }
        }
        let states = || inputs.iter().map(|input| self.get(*input));
        if states().any(|state| matches!(state, State::Failed | State::Skipped)) {
            self.wait(id, 1);
            return self.lose(vec![id], graph);
        }
        let waits = states().filter(|state| *state != State::Done).count();
        self.wait(id, waits);
    }

    /// Takes the first that may start.
    pub fn start(&mut self) -> Option<NodeId> {
        let id = self.ready.pop_first()?;
        self.of[id.0 as usize] = State::Running;
        Some(id)
    }

    /// An action's output is known; those that waited only for it become ready.
    pub fn done(&mut self, id: NodeId, graph: &ActionGraph) {
        self.of[id.0 as usize] = State::Done;
        for dependent in self.dependents(id, graph) {
            if let State::Waiting(inputs) = &mut self.of[dependent.0 as usize] {
                *inputs -= 1;
                if *inputs == 0 {
                    self.of[dependent.0 as usize] = State::Ready;
                    self.ready.insert(dependent);
                }
            }
        }
    }

    /// Actions that run or are done are to be done once more, each after those of them that it refers
    /// to; what has not started waits for them again.
    pub fn again(&mut self, ids: &BTreeSet<NodeId>, graph: &ActionGraph) {
        let was_done = |states: &Self, id: &NodeId| states.get(*id) == State::Done;
        let done: Vec<NodeId> = ids.iter().filter(|id| was_done(self, id)).copied().collect();
        for id in ids {
            self.of[id.0 as usize] = State::Ready;
            self.ready.insert(*id);
        }
        let dependents: Vec<NodeId> = done.iter().flat_map(|id| self.dependents(*id, graph)).collect();
        for dependent in dependents {
            let state = &mut self.of[dependent.0 as usize];
            *state = match *state {
                State::Waiting(inputs) => State::Waiting(inputs + 1),
                State::Ready => State::Waiting(1),
                other => other,
            };
            self.ready.remove(&dependent);
        }
    }

    /// An action has no output; all that refer to it, directly or not, are skipped.
    pub fn failed(&mut self, id: NodeId, graph: &ActionGraph) {
        self.of[id.0 as usize] = State::Failed;
        self.lose(self.dependents(id, graph), graph);
    }

    /// These and all that refer to them have no output. Nobody has missed the dormant ones.
    fn lose(&mut self, mut lost: Vec<NodeId>, graph: &ActionGraph) {
        while let Some(dependent) = lost.pop() {
            if !matches!(self.get(dependent), State::Skipped | State::Dormant) {
                self.of[dependent.0 as usize] = State::Skipped;
                self.ready.remove(&dependent);
                lost.extend(self.dependents(dependent, graph));
            }
        }
    }

    /// An action that was to run was not tried, since the run stops; what refers to it
    /// was skipped by that.
    pub fn skip(&mut self, id: NodeId) {
        self.of[id.0 as usize] = State::Skipped;
    }

    /// Nothing more is started.
    pub fn stop(&mut self) {
        self.stopped = true;
        for state in &mut self.of {
            if matches!(state, State::Waiting(_) | State::Ready) {
                *state = State::Skipped;
            }
        }
        self.ready.clear();
    }

    /// How many were not tried.
    pub fn skipped(&self) -> usize {
        self.of.iter().filter(|state| **state == State::Skipped).count()
    }
}
