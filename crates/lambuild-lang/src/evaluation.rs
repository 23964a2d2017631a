//! The crate's front door: a workspace's files in, its declarations, products
//! and deploy attributes out. Knows what may be asked, not how it is answered.

use crate::build::build;
use crate::codes;
use crate::declare::declare;
use crate::deploy::deploy;
use crate::deployed_names::DeployedNames;
use crate::diagnostic::{Diagnostic, Severity};
use crate::expand::Role;
use crate::files::Files;
use crate::machine::context::{Ambient, Context, StageId};
use crate::machine::value::{Lazy, Shape};
use crate::machine::{Budget, MAX_ERRORS, Machine, State};
use crate::nearest;
use crate::program::Program;
use crate::schema::Schema;
use crate::source::{FileId, SourceFile, SourceMap};
use crate::target::{Stage, Target, TargetKind, Toolchain, Workspace};
use crate::value::{Arch, Attrs, Product, TargetId};
use crate::workspace::Discovery;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tables that declarations and builder calls are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Schemas<'a> {
    /// Deploy attributes of a function.
    pub function: &'a Schema,
    /// Deploy attributes of a layer.
    pub layer: &'a Schema,
    /// Attributes of a stage.
    pub stage: &'a Schema,
    /// The builders that this version has.
    pub builders: &'a [&'a Schema],
    /// The kinds of toolchain that this version has.
    pub toolchains: &'a [&'a Schema],
}

/// What a run may say beside the files.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--param NAME=TEXT`.
    pub params: BTreeMap<String, String>,
    /// The architecture of the platform that runs actions, for which tools are built;
    /// `None` where nothing is going to be built, which then counts as x86_64.
    pub exec: Option<Arch>,
    /// The system of that platform, `linux` or `darwin`; `None` counts as `linux`.
    pub exec_os: Option<&'static str>,
}

impl Options {
    /// The architecture that tools are built for.
    pub(crate) fn exec(&self) -> Arch {
        self.exec.unwrap_or(Arch::X86_64)
    }
}

/// Steps and bytes, as the evaluator counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Expressions that were evaluated, and what took as long.
    pub steps: u64,
    /// How many there may be.
    pub most_steps: u64,
    /// Memory that was taken.
    pub bytes: u64,
    /// How much that may be.
    pub most_bytes: u64,
}

/// A workspace whose targets, toolchains and stages are known; their attributes
/// are evaluated when they are asked for, and remembered.
pub struct Evaluation<'a> {
    /// Every file that was read, for drawing diagnostics.
    pub sources: SourceMap,
    /// What was found wrong on the way: syntax, imports, heads of `for` and `if`, workspaces,
    /// toolchains, stages, and what is wrong with a declaration in every context. Sorted by place.
    pub diagnostics: Vec<Diagnostic>,
    files: &'a dyn Files,
    schemas: Schemas<'a>,
    options: Options,
    program: Program,
    state: State,
}

/// Reads and expands the workspace whose root folder `files` shows.
///
/// Always answers: what is wrong stands in [`Evaluation::diagnostics`], and what
/// could be understood can be asked for.
pub fn evaluate<'a>(files: &'a dyn Files, schemas: &Schemas<'a>, options: &Options) -> Evaluation<'a> {
    evaluate_within(files, schemas, options, Budget::default())
}

/// The same, within another budget.
pub(crate) fn evaluate_within<'a>(
    files: &'a dyn Files,
    schemas: &Schemas<'a>,
    options: &Options,
    budget: Budget,
) -> Evaluation<'a> {
    let mut evaluation = Evaluation {
        sources: SourceMap::default(),
        diagnostics: Vec::new(),
        files,
        schemas: *schemas,
        options: options.clone(),
        program: Program::default(),
        state: State::new(budget),
    };
    let roles = evaluation.discover();
    let written = evaluation.program.arena.expressions();
    evaluation.state.budget.add_for(written);
    let mut errors = std::mem::take(&mut evaluation.diagnostics);
    declare(&mut evaluation.machine(), &roles, &mut errors);
    evaluation.diagnostics = sorted(errors);
    evaluation
}

impl Evaluation<'_> {
    /// What evaluation has cost so far, and what it may cost: steps, and bytes of memory, as the
    /// evaluator counts them.
    pub fn cost(&self) -> Cost {
        self.state.budget.cost()
    }

    fn discover(&mut self) -> Vec<(FileId, Role)> {
        let mut discovery = Discovery {
            files: self.files,
            schemas: self.schemas,
            options: &self.options,
            program: &mut self.program,
            sources: &mut self.sources,
            state: &mut self.state,
            errors: &mut self.diagnostics,
        };
        discovery.run()
    }

    fn machine(&mut self) -> Machine<'_> {
        Machine {
            program: &self.program,
            sources: &self.sources,
            files: self.files,
            schemas: self.schemas,
            options: &self.options,
            state: &mut self.state,
        }
    }

    /// The root's workspace first, then the members that are workspaces of their own, by folder.
    /// Empty when the root has none.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.state.world.workspaces
    }

    /// The files that belong to a workspace: build files, included files and imported libraries.
    pub fn own_files(&self) -> impl Iterator<Item = &SourceFile> {
        let owners = &self.state.world.owners;
        let own = self.sources.files().filter(|(id, _)| owners.contains_key(id));
        own.map(|(_, file)| file)
    }

    /// Every target, sorted by folder and name; a [`TargetId`] is an index into it.
    pub fn targets(&self) -> &[Target] {
        &self.state.world.targets
    }

    /// Every toolchain of every workspace, sorted by workspace and name.
    pub fn toolchains(&self) -> &[Toolchain] {
        &self.state.world.toolchains
    }

    /// Every stage of every workspace, sorted by workspace and name.
    pub fn stages(&self) -> &[Stage] {
        &self.state.world.stages
    }

    /// The target of an id that this evaluation gave out.
    pub fn target(&self, id: TargetId) -> &Target {
        self.state.world.target(id)
    }

    /// The stage called `name` for a target: its own workspace's, else the root's.
    pub fn stage_of(&self, id: TargetId, name: &str) -> Option<&Stage> {
        let world = &self.state.world;
        world
            .stage_for(world.target(id).workspace, name)
            .map(|index| &world.stages[index])
    }

    /// What builds a target for one architecture, evaluated to the bottom and checked;
    /// `None` for a layer that is given by `arn`.
    ///
    /// A bare path or reference, and a layer's `content`, is a product of `files`.
    ///
    /// # Errors
    /// Everything that is wrong with it; never empty.
    pub fn build(&mut self, id: TargetId, arch: Arch) -> Result<Option<Arc<Product>>, Vec<Diagnostic>> {
        let (product, errors) = build(&mut self.machine(), id, arch);
        if errors.is_empty() && (product.is_some() || self.is_by_arn(id)) {
            return Ok(product);
        }
        Err(if errors.is_empty() {
            self.known_trouble(id)
        } else {
            sorted(errors)
        })
    }

    /// Why a target cannot be evaluated when the reason was found before.
    fn known_trouble(&self, id: TargetId) -> Vec<Diagnostic> {
        let errors = self
            .diagnostics
            .iter()
            .filter(|error| error.severity == Severity::Error);
        let errors: Vec<Diagnostic> = errors.cloned().collect();
        if !errors.is_empty() {
            return errors;
        }
        let message = "evaluation was given up before";
        vec![Diagnostic::error(
            codes::BUDGET,
            message,
            self.target(id).span,
            "not evaluated",
        )]
    }

    /// Whether a layer is given by `arn`, in whatever context.
    fn is_by_arn(&mut self, id: TargetId) -> bool {
        let context = Context {
            target: Some(id),
            ..Context::NONE
        };
        let Target { kind, span, .. } = *self.target(id);
        let body = self.state.world.target_bodies[id.0 as usize].value;
        let found = self.machine().force(body, context, span);
        kind == TargetKind::Layer
            && matches!(found, Ok(Lazy { shape: Shape::Set(slots), .. }) if slots.contains_key("arn"))
    }

    /// The deploy attributes of a function or layer in a stage, checked; always with
    /// `function_name` or `layer_name`, without `build`, `content` and `architectures`,
    /// without schema defaults and without what is `null`.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn deploy(&mut self, id: TargetId, stage: &str) -> Result<Attrs, Vec<Diagnostic>> {
        let world = &self.state.world;
        let target = world.target(id);
        let Some(index) = world.stage_for(target.workspace, stage) else {
            return Err(vec![self.unknown_stage(id, stage)]);
        };
        let stage = Ambient::Known(StageId(index as u32));
        let (attrs, errors) = deploy(&mut self.machine(), id, stage);
        match (attrs, errors.is_empty()) {
            (Some(attrs), true) => Ok(attrs),
            (_, true) => Err(self.known_trouble(id)),
            (_, false) => Err(sorted(errors)),
        }
    }

    fn unknown_stage(&self, id: TargetId, stage: &str) -> Diagnostic {
        let names = self.state.world.stage_names();
        let span = self.target(id).span;
        let message = format!("there is no stage `{stage}` for `{}`", self.target(id).address());
        let error = Diagnostic::error(codes::UNKNOWN_STAGE, message, span, "to be deployed in it");
        match nearest(stage, names.iter().map(|name| &**name)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!(
                "declare it in the root's `lambda.build`: `stage {stage} {{ region = … }}`"
            )),
        }
    }

    /// Evaluates everything for every architecture and stage: all that is wrong,
    /// sorted by place, each once. For a target without any stage,
    /// what needs one is left unjudged.
    pub fn check(&mut self) -> Vec<Diagnostic> {
        let mut errors = self.diagnostics.clone();
        for index in 0..self.targets().len() {
            let id = TargetId(index as u32);
            for arch in self.target(id).architectures.clone() {
                errors.extend(build(&mut self.machine(), id, arch).1);
            }
            if errors.len() > MAX_ERRORS {
                return enough(errors);
            }
        }
        let stages = self.state.world.stage_names();
        for stage in &stages {
            self.check_stage(stage, &mut errors);
            if errors.len() > MAX_ERRORS {
                return enough(errors);
            }
        }
        for index in 0..self.targets().len() {
            let id = TargetId(index as u32);
            if !stages.iter().any(|stage| self.stage_of(id, stage).is_some()) {
                errors.extend(deploy(&mut self.machine(), id, Ambient::Unknown).1);
            }
            if errors.len() > MAX_ERRORS {
                return enough(errors);
            }
        }
        errors.extend(self.warnings());
        sorted(errors)
    }

    /// What was found odd, but not wrong, by what was asked so far; sorted by place, each once.
    pub fn warnings(&mut self) -> Vec<Diagnostic> {
        let lost = self.machine().lost_keys();
        self.state.warnings.extend(lost);
        sorted(self.state.warnings.clone())
    }

    fn check_stage(&mut self, stage: &str, errors: &mut Vec<Diagnostic>) {
        let mut names = DeployedNames::default();
        for index in 0..self.targets().len() {
            let id = TargetId(index as u32);
            if self.target(id).kind == TargetKind::Target || self.stage_of(id, stage).is_none() {
                continue;
            }
            match self.deploy(id, stage) {
                Ok(attrs) => errors.extend(
                    self.stage_of(id, stage)
                        .and_then(|stage| names.add(self.target(id), stage, &attrs)),
                ),
                Err(more) => errors.extend(more),
            }
            if errors.len() > MAX_ERRORS {
                return;
            }
        }
    }
}

/// The errors of a check that was given up because there are so many.
fn enough(errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut errors = sorted(errors);
    if let Some(last) = errors.last_mut() {
        let note = "there are so many errors that further ones were not looked for";
        last.notes.push(note.to_owned());
    }
    errors
}

/// Each diagnostic once, by place; those without a place come first.
fn sorted(mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let place = |error: &Diagnostic| error.labels.first().map(|label| label.span);
    errors.sort_by(|a, b| (place(a), a.code, &a.message).cmp(&(place(b), b.code, &b.message)));
    errors.dedup_by(|a, b| a.code == b.code && a.message == b.message && place(a) == place(b));
    errors
}
