//! The evaluator: when a value is computed, for which context it is remembered,
//! and what it costs. Knows no schema.
//!
//! Values are thunks in one arena. A thunk remembers its result for each context
//! that it could tell apart: only the ambient values that it really read, itself
//! or through others, count. Evaluation never recurses deeper than the budget says.

mod ambient;
mod attribute;
mod budget;
mod builtin;
mod builtin_list;
mod builtin_part;
mod builtin_path;
mod builtin_read;
mod builtin_text;
mod call;
pub(crate) mod context;
mod expression;
mod lint;
mod merge;
mod operator;
mod reference;
mod repeat;
mod scope;
mod trouble;
pub(crate) mod value;

#[cfg(test)]
pub(crate) use builtin::NAMES as BUILTIN_NAMES;

pub(crate) use budget::{Budget, ERROR_BYTES, MAX_ERRORS};
#[cfg(test)]
pub(crate) use builtin::NAMES as BUILTINS;
pub(crate) use scope::{Binding, EnvId, duplicate_names, twice};
pub(crate) use trouble::overlap;

use crate::diagnostic::Diagnostic;
use crate::evaluation::{Options, Schemas};
use crate::files::Files;
use crate::program::Program;
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{ExprId, ExprKind, Name, NameId};
use crate::value::TargetId;
use crate::world::World;
use context::{Context, Purpose, Reads};
use rustc_hash::FxHashMap;
use scope::Env;
use value::{Eval, Lazy, Shape, ThunkId};

/// The evaluator over everything it may look at.
pub(crate) struct Machine<'p> {
    pub program: &'p Program,
    pub sources: &'p SourceMap,
    pub files: &'p dyn Files,
    pub schemas: Schemas<'p>,
    pub options: &'p Options,
    pub state: &'p mut State,
}

/// Everything that evaluation has found out; it outlives a [`Machine`].
pub(crate) struct State {
    thunks: Vec<Thunk>,
    envs: Vec<Env>,
    /// The names of each file that was opened.
    scopes: FxHashMap<FileId, EnvId>,
    file_names: FxHashMap<FileId, std::collections::BTreeMap<NameId, Binding>>,
    /// What is being computed, outermost first.
    stack: Vec<Frame>,
    /// Thunks and expressions that wait for each other.
    depth: usize,
    reads: Reads,
    /// What `//` replaced, to be looked at in the end.
    replaced: Vec<lint::Replaced>,
    /// What was found odd on the way.
    pub warnings: Vec<Diagnostic>,
    pub purpose: Purpose,
    pub budget: Budget,
    pub world: World,
    pub deploy_sets: FxHashMap<(TargetId, Option<u32>), std::sync::Arc<value::Slots>>,
}

impl State {
    pub(crate) fn new(budget: Budget) -> Self {
        State {
            thunks: Vec::new(),
            envs: Vec::new(),
            scopes: FxHashMap::default(),
            file_names: FxHashMap::default(),
            stack: Vec::new(),
            depth: 0,
            reads: Reads::default(),
            replaced: Vec::new(),
            warnings: Vec::new(),
            purpose: Purpose::Shape,
            budget,
            world: World::default(),
            deploy_sets: FxHashMap::default(),
        }
    }
}

/// How many outcomes a thunk keeps beside its first. What reads `target.name` has one for
/// each target and stage, is asked only once for each, and would be searched ever longer.
const MAX_OUTCOMES: usize = 64;

/// Most thunks are the same in every context that asks, so the first outcome stands in
/// the thunk itself.
struct Thunk {
    source: Source,
    first: Option<Outcome>,
    more: Vec<Outcome>,
    /// How often it stands in the stack.
    running: u32,
}

impl Thunk {
    /// The newest first: it is the one that is asked for again.
    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.more.iter().rev().chain(&self.first)
    }
}

/// How a thunk gets its value.
#[derive(Clone, Copy)]
enum Source {
    Expr(ExprId, EnvId),
    /// The deep merge of two values; the second wins.
    Merge(ThunkId, ThunkId),
    /// It had its value from the start; where it is written, if anywhere.
    Known(Option<EnvId>),
}

struct Outcome {
    reads: Reads,
    /// The context, as far as it was read.
    context: Context,
    result: Eval<Lazy>,
}

/// A thunk that is being computed.
struct Frame {
    thunk: ThunkId,
    context: Context,
    /// The place that asked for it.
    asked: Span,
}

impl<'p> Machine<'p> {
    /// A word or text of the source.
    pub(crate) fn word(&self, id: NameId) -> &'p Name {
        self.program.arena.name(id)
    }

    /// A value for later.
    pub(crate) fn delay(&mut self, expr: ExprId, env: EnvId) -> ThunkId {
        let span = self.program.arena.span(expr);
        let literal = match &self.program.arena.expr(expr).kind {
            ExprKind::Null => Shape::Null,
            ExprKind::Bool(value) => Shape::Bool(*value),
            ExprKind::Int(value) => Shape::Int(*value),
            ExprKind::Decimal(value) => Shape::Decimal(**value),
            ExprKind::Text(text) => Shape::Str(self.word(*text).clone()),
            _ => return self.push(Source::Expr(expr, env), None),
        };
        self.ready(literal.at(span), Some(env))
    }

    /// A value that is there.
    pub(crate) fn known(&mut self, value: Lazy) -> ThunkId {
        self.ready(value, None)
    }

    fn ready(&mut self, value: Lazy, env: Option<EnvId>) -> ThunkId {
        let outcome = Outcome {
            reads: Reads::default(),
            context: Context::NONE,
            result: Ok(value),
        };
        self.push(Source::Known(env), Some(outcome))
    }

    fn push(&mut self, source: Source, first: Option<Outcome>) -> ThunkId {
        self.owe(size_of::<Thunk>() as u64);
        self.state.thunks.push(Thunk {
            source,
            first,
            more: Vec::new(),
            running: 0,
        });
        ThunkId(self.state.thunks.len() as u32 - 1)
    }

    fn thunk(&mut self, id: ThunkId) -> &mut Thunk {
        &mut self.state.thunks[id.0 as usize]
    }

    /// The value of a thunk in a context, as `asked` needs it.
    pub(crate) fn force(&mut self, id: ThunkId, context: Context, asked: Span) -> Eval<Lazy> {
        let found = self.remembered(id, context);
        if let Some((reads, result)) = found {
            self.state.reads.add(reads);
            return result;
        }
        self.enter(id, context, asked)?;
        let outer = std::mem::take(&mut self.state.reads);
        let result = self.compute(id, context, asked);
        let reads = std::mem::replace(&mut self.state.reads, outer);
        self.state.reads.add(reads);
        self.state.stack.pop();
        self.state.depth -= 1;
        let outcome = Outcome {
            reads,
            context: context.only(reads),
            result: result.clone(),
        };
        if let Err(value::Fail::Error(error)) = &outcome.result
            && std::sync::Arc::strong_count(error) <= 2
        {
            self.owe(ERROR_BYTES);
        }
        self.thunk(id).running -= 1;
        self.remember(id, outcome);
        result
    }

    fn remember(&mut self, id: ThunkId, outcome: Outcome) {
        let thunk = self.thunk(id);
        if thunk.first.is_none() {
            thunk.first = Some(outcome);
            return;
        }
        if thunk.more.len() == MAX_OUTCOMES {
            thunk.more.drain(..MAX_OUTCOMES / 2);
        }
        thunk.more.push(outcome);
        self.owe(size_of::<Outcome>() as u64);
    }

    fn remembered(&self, id: ThunkId, context: Context) -> Option<(Reads, Eval<Lazy>)> {
        let thunk = &self.state.thunks[id.0 as usize];
        let known = thunk
            .outcomes()
            .find(|outcome| outcome.context == context.only(outcome.reads))?;
        Some((known.reads, known.result.clone()))
    }

    fn enter(&mut self, id: ThunkId, context: Context, asked: Span) -> Eval<()> {
        if self.thunk(id).running > 0 {
            let same = |frame: &Frame| frame.thunk == id && frame.context == context;
            if let Some(first) = self.state.stack.iter().position(same) {
                return Err(self.cycle(first, asked));
            }
        }
        if self.state.depth >= budget::MAX_DEPTH {
            return Err(self.too_deep(asked));
        }
        self.state.depth += 1;
        self.thunk(id).running += 1;
        self.state.stack.push(Frame {
            thunk: id,
            context,
            asked,
        });
        Ok(())
    }

    fn compute(&mut self, id: ThunkId, context: Context, asked: Span) -> Eval<Lazy> {
        match self.thunk(id).source {
            Source::Expr(expr, env) => self.eval(expr, env, context),
            Source::Merge(under, over) => self.merge_thunks(under, over, context, asked),
            Source::Known(_) => Err(value::Fail::Reported),
        }
    }

    /// Evaluates an expression right away, one level deeper.
    pub(crate) fn eval_now(&mut self, expr: ExprId, env: EnvId, context: Context) -> Eval<Lazy> {
        if self.state.depth >= budget::MAX_DEPTH {
            return Err(self.too_deep(self.program.arena.span(expr)));
        }
        self.state.depth += 1;
        let result = self.eval(expr, env, context);
        self.state.depth -= 1;
        result
    }

    /// The environment of a thunk's expression, for the calls that led to it.
    pub(crate) fn env_of(&self, id: ThunkId) -> Option<EnvId> {
        match self.state.thunks[id.0 as usize].source {
            Source::Expr(_, env) => Some(env),
            Source::Known(env) => env,
            Source::Merge(_, over) => self.env_of(over),
        }
    }
}
