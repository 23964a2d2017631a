//! The deploy attributes of a function or layer in a stage: what is laid over
//! what, and the name under which it is deployed.

use crate::codes;
use crate::declare::build_attributes;
use crate::diagnostic::Diagnostic;
use crate::machine::Machine;
use crate::machine::context::{Ambient, Context, Purpose, StageId};
use crate::machine::value::{Eval, Fail, Lazy, Shape, Slot, Slots, ThunkId};
use crate::schema::Schema;
use crate::source::Span;
use crate::syntax::ast::Name;
use crate::target::TargetKind;
use crate::typed::{Checker, Owner};
use crate::value::{Arch, Attrs, TargetId};
use crate::workspace::unknown_architecture;
use std::sync::Arc;

/// What laying one set over another costs beside its entries, in steps.
const LAYER_STEPS: usize = 8;

/// Bytes that are kept for a target's attributes in a stage, and for each of them.
const SET_BYTES: usize = 256;
const KEPT_BYTES: usize = 48;

/// The attributes, as far as they are sound, and everything that is wrong with them.
pub(crate) fn deploy(
    machine: &mut Machine<'_>,
    id: TargetId,
    stage: Ambient<StageId>,
) -> (Option<Attrs>, Vec<Diagnostic>) {
    machine.state.purpose = Purpose::Deploy;
    let mut checker = Checker::new(machine, Machine::deploy_context(id, stage), false);
    let attrs = attributes(&mut checker, id, stage);
    let (errors, unsound) = (checker.errors, checker.unsound);
    machine.state.purpose = Purpose::Shape;
    (attrs.filter(|_| !unsound), errors)
}

fn attributes(checker: &mut Checker<'_, '_>, id: TargetId, stage: Ambient<StageId>) -> Option<Attrs> {
    let target = checker.machine.state.world.target(id);
    let (kind, span) = (target.kind, target.span);
    let text = format!("the {} `{}`", kind.word(), target.name);
    let schema = checker.machine.deploy_schema(kind)?;
    let prepared = checker.machine.deploy_slots(id, stage, span).and_then(|slots| {
        let context = checker.machine.full_deploy_context(id, stage, &slots)?;
        Ok((slots, context))
    });
    let (slots, context) = match prepared {
        Ok(prepared) => prepared,
        Err(fail) => {
            checker.failed(fail);
            return None;
        }
    };
    checker.context = context;
    // Names that the table lacks are reported once, where the declaration is read.
    let known = |name: &Name| {
        schema
            .attributes
            .iter()
            .any(|attribute| attribute.name == &**name)
    };
    let slots: Slots = slots
        .iter()
        .filter(|(name, _)| known(name))
        .map(|(name, slot)| (name.clone(), *slot))
        .collect();
    Some(checker.attributes(&slots, schema, Owner { text: &text, span }))
}

impl<'p> Machine<'p> {
    /// The context of a target's deploy attributes before its architecture is known.
    fn deploy_context(target: TargetId, stage: Ambient<StageId>) -> Context {
        Context {
            arch: Ambient::None,
            stage,
            target: Some(target),
        }
    }

    /// The table of a kind's deploy attributes; a `target` is not deployed.
    pub(crate) fn deploy_schema(&self, kind: TargetKind) -> Option<&'p Schema> {
        match kind {
            TargetKind::Function => Some(self.schemas.function),
            TargetKind::Layer => Some(self.schemas.layer),
            TargetKind::Target => None,
        }
    }

    /// Everything laid over each other: the workspace's defaults, the declaration,
    /// the stage's defaults, its overrides in order; then the deployed name.
    pub(crate) fn deploy_slots(
        &mut self,
        id: TargetId,
        stage: Ambient<StageId>,
        asked: Span,
    ) -> Eval<Arc<Slots>> {
        let key = (id, stage_key(stage));
        if let Some(known) = self.state.deploy_sets.get(&key) {
            return Ok(Arc::clone(known));
        }
        let context = Self::deploy_context(id, stage);
        let mut slots = self.lower_slots(id, context, asked)?;
        for layer in self.stage_layers(id, stage, asked)? {
            self.steps((LAYER_STEPS + slots.len() + layer.len()) as u64, asked)?;
            let allowed = self.only_own(id, &layer);
            slots = self.merge_sets(&slots, &allowed, asked)?;
        }
        self.add_name(id, &mut slots);
        let slots = Arc::new(slots);
        self.owe((SET_BYTES + slots.len() * KEPT_BYTES) as u64);
        self.state.deploy_sets.insert(key, Arc::clone(&slots));
        Ok(slots)
    }

    /// The workspace's defaults and the declaration, without what is built.
    fn lower_slots(&mut self, id: TargetId, context: Context, asked: Span) -> Eval<Slots> {
        let target = self.state.world.target(id);
        let (kind, workspace) = (target.kind, target.workspace);
        let body = self.state.world.target_bodies[id.0 as usize].value;
        let body = self.force(body, context, asked)?;
        let own = match &body.shape {
            Shape::Set(slots) => (**slots).clone(),
            shape if shape.is_content() => Slots::default(),
            // Reported where the declaration is read.
            _ => return Err(Fail::Reported),
        };
        let built: Vec<&str> = build_attributes(kind)
            .iter()
            .copied()
            .filter(|name| *name != "arn")
            .collect();
        let own = own
            .into_iter()
            .filter(|(name, _)| !built.contains(&&**name))
            .collect();
        let set = Arc::clone(&self.state.world.workspace_bodies[workspace].set);
        match self.defaults(&set, kind, context)? {
            Some(defaults) => self.merge_sets(&defaults, &own, asked),
            None => Ok(own),
        }
    }

    /// `defaults.function` or `defaults.layer` of a workspace or a stage.
    fn defaults(&mut self, set: &Slots, kind: TargetKind, context: Context) -> Eval<Option<Arc<Slots>>> {
        let Some(slot) = set.get("defaults").copied() else {
            return Ok(None);
        };
        let Shape::Set(kinds) = self.force(slot.value, context, slot.key_span)?.shape else {
            return Ok(None);
        };
        let Some(slot) = kinds.get(kind.word()).copied() else {
            return Ok(None);
        };
        match self.force(slot.value, context, slot.key_span)?.shape {
            Shape::Set(slots) => Ok(Some(slots)),
            _ => Ok(None),
        }
    }

    /// What a stage lays over a target: its defaults, then the overrides that mean it.
    fn stage_layers(&mut self, id: TargetId, stage: Ambient<StageId>, asked: Span) -> Eval<Vec<Arc<Slots>>> {
        let Ambient::Known(StageId(index)) = stage else {
            return Ok(Vec::new());
        };
        let context = Self::deploy_context(id, stage);
        let patterns = self.state.world.stage_bodies[index as usize].overrides.len();
        self.steps(patterns as u64, asked)?;
        let world = &self.state.world;
        let body = &world.stage_bodies[index as usize];
        let target = world.target(id);
        let (set, kind) = (Arc::clone(&body.set), target.kind);
        let overrides: Vec<ThunkId> = body
            .overrides
            .iter()
            .filter(|item| item.pattern.matches(target))
            .map(|item| item.set)
            .collect();
        let mut layers: Vec<_> = self.defaults(&set, kind, context)?.into_iter().collect();
        for item in overrides {
            if let Shape::Set(slots) = self.force(item, context, asked)?.shape {
                layers.push(slots);
            }
        }
        Ok(layers)
    }

    /// An override may mean functions and layers; each takes what it has.
    fn only_own(&self, id: TargetId, slots: &Slots) -> Slots {
        let schema = self.deploy_schema(self.state.world.target(id).kind);
        let attributes = schema.map_or(&[][..], |schema| schema.attributes);
        let known = |name: &Name| attributes.iter().any(|attribute| attribute.name == &**name);
        slots
            .iter()
            .filter(|(name, _)| known(name))
            .map(|(name, slot)| (name.clone(), *slot))
            .collect()
    }

    /// The deployed name, unless one is given: the workspace's pattern, else the target's own.
    fn add_name(&mut self, id: TargetId, slots: &mut Slots) {
        let target = self.state.world.target(id);
        let key = match target.kind {
            TargetKind::Function => "function_name",
            TargetKind::Layer => "layer_name",
            TargetKind::Target => return,
        };
        if slots.contains_key(key) {
            return;
        }
        let (name, span, workspace) = (Arc::clone(&target.name), target.span, target.workspace);
        let slot = match self.state.world.workspace_bodies[workspace].set.get(key) {
            Some(pattern) => *pattern,
            None => Slot {
                key_span: span,
                value: self.known(Shape::Str(name).at(span)),
            },
        };
        slots.insert(Name::from(key), slot);
    }

    /// The context with the architecture: the one that a function is deployed
    /// for, or the only one that a layer is built for.
    fn full_deploy_context(&mut self, id: TargetId, stage: Ambient<StageId>, slots: &Slots) -> Eval<Context> {
        let context = Self::deploy_context(id, stage);
        let target = self.state.world.target(id);
        let built = target.architectures.clone();
        let arch = match (target.kind, slots.get("architecture").copied()) {
            (TargetKind::Function, Some(slot)) => match self.architecture(slot, &built, context) {
                Err(Fail::Unjudged) => {
                    return Ok(Context {
                        arch: Ambient::Unknown,
                        ..context
                    });
                }
                other => other?,
            },
            (TargetKind::Function, None) => built[0],
            _ if built.len() == 1 => built[0],
            _ => return Ok(context),
        };
        Ok(Context {
            arch: Ambient::Known(arch),
            ..context
        })
    }

    fn architecture(&mut self, slot: Slot, built: &[Arch], context: Context) -> Eval<Arch> {
        let value = self.force(slot.value, context, slot.key_span)?;
        let name = match &value.shape {
            Shape::Str(name) => name,
            Shape::Null => return Ok(built[0]),
            // The table says what is wrong.
            _ => return Ok(built[0]),
        };
        let error = match Arch::parse(name) {
            Some(arch) if built.contains(&arch) => return Ok(arch),
            Some(arch) => {
                let names: Vec<&str> = built.iter().map(|arch| arch.name()).collect();
                let message = format!(
                    "the architecture `{arch}` is not built: only {}",
                    names.join(" and ")
                );
                Diagnostic::error(
                    codes::ARCHITECTURE,
                    message,
                    value.span,
                    "to be deployed for this one",
                )
                .help("add it to `architectures`")
            }
            None => unknown_architecture(name, value.span),
        };
        Err(Fail::Error(Arc::new(match self.env_of(slot.value) {
            Some(env) => self.with_calls(env, error),
            None => error,
        })))
    }

    /// One deploy attribute of a target, for `function.f.key`.
    pub(crate) fn deploy_attribute(
        &mut self,
        id: TargetId,
        key: &str,
        stage: Ambient<StageId>,
        at: Span,
    ) -> Eval<Option<Lazy>> {
        let workspace = self.state.world.target(id).workspace;
        let stage = match stage {
            Ambient::Known(StageId(index)) => {
                let name = Arc::clone(&self.state.world.stages[index as usize].name);
                match self.state.world.stage_for(workspace, &name) {
                    Some(own) => Ambient::Known(StageId(own as u32)),
                    None => stage,
                }
            }
            other => other,
        };
        let slots = self.deploy_slots(id, stage, at)?;
        let Some(slot) = slots.get(key).copied() else {
            return Ok(None);
        };
        let context = match key {
            "architecture" => Self::deploy_context(id, stage),
            _ => self.full_deploy_context(id, stage, &slots)?,
        };
        self.force(slot.value, context, at).map(Some)
    }
}

fn stage_key(stage: Ambient<StageId>) -> Option<u32> {
    match stage {
        Ambient::Known(StageId(index)) => Some(index),
        _ => None,
    }
}
