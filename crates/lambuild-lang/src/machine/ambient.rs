//! `arch`, `stage` and `target.name`: what they are, and the error where they are nothing.

use super::context::{Ambient, Context, Purpose, Reads};
use super::value::{Eval, Fail, Lazy, Shape};
use super::{EnvId, Machine};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::Key;
use crate::value::Arch;
use std::sync::Arc;

/// What `arch` knows beside its name: the ecosystems' names of an architecture.
fn arch_attribute(arch: Arch, name: &str) -> Option<&'static str> {
    Some(match (name, arch) {
        ("name", _) => arch.name(),
        ("go", _) => arch.go(),
        ("rust" | "python", Arch::Arm64) => "aarch64",
        ("node", Arch::Arm64) => "arm64",
        ("rust" | "python", Arch::X86_64) => "x86_64",
        ("node", Arch::X86_64) => "x64",
        _ => return None,
    })
}

const ARCH_ATTRIBUTES: [&str; 5] = ["name", "go", "rust", "python", "node"];

const EXEC_ATTRIBUTES: [&str; 6] = ["os", "name", "go", "rust", "python", "node"];

impl Machine<'_> {
    /// `arch.KEY`
    pub(super) fn arch(&mut self, key: &Key, name: &str, env: EnvId, context: Context) -> Eval<Lazy> {
        self.state.reads.add(Reads::ARCH);
        let arch = match context.arch {
            Ambient::Known(arch) => arch,
            Ambient::Unknown => return Err(Fail::Unjudged),
            Ambient::None => return Err(self.no_ambient("arch", key.span, env)),
        };
        match arch_attribute(arch, name) {
            Some(text) => Ok(Shape::Str(Arc::from(text)).at(key.span)),
            None => Err(self.no_attribute(env, "`arch`", key, ARCH_ATTRIBUTES)),
        }
    }

    /// `exec.KEY`: the platform that runs actions. The same for a whole run, and read by `fetch` alone
    /// (see [`crate::names`]), so that no product depends on who builds it.
    pub(super) fn exec(&mut self, key: &Key, name: &str, env: EnvId) -> Eval<Lazy> {
        let text = match name {
            "os" => Some(self.options.exec_os.unwrap_or("linux")),
            name => arch_attribute(self.options.exec(), name),
        };
        match text {
            Some(text) => Ok(Shape::Str(Arc::from(text)).at(key.span)),
            None => Err(self.no_attribute(env, "`exec`", key, EXEC_ATTRIBUTES)),
        }
    }

    /// `stage.KEY`; stages are the same in every context, so their values are too.
    pub(super) fn stage(
        &mut self,
        keys: &[Key],
        has_default: bool,
        env: EnvId,
        context: Context,
    ) -> Eval<Option<Lazy>> {
        self.state.reads.add(Reads::STAGE);
        let stage = match context.stage {
            Ambient::Known(stage) => stage.0 as usize,
            Ambient::Unknown => return Err(Fail::Unjudged),
            Ambient::None => return Err(self.no_ambient("stage", keys[0].span, env)),
        };
        let key = self.key_name(&keys[0], env, context)?;
        let span = self.state.world.stages[stage].span;
        if &*key == "name" {
            let name = Shape::Str(Arc::clone(&self.state.world.stages[stage].name)).at(span);
            return self.walk(name, &keys[1..], env, context);
        }
        let slots = Arc::clone(&self.state.world.stage_bodies[stage].set);
        if !has_default && !slots.contains_key(&key) {
            let owner = format!("the stage `{}`", self.state.world.stages[stage].name);
            let known: Vec<&str> = slots.keys().map(|name| &**name).chain(["name"]).collect();
            return Err(self.no_attribute(env, &owner, &keys[0], known));
        }
        let set = Shape::Set(slots).at(span);
        let quiet = std::mem::replace(&mut self.state.purpose, Purpose::Shape);
        let found = if has_default {
            self.walk_or_missing(set, keys, env, Context::NONE)
        } else {
            self.walk(set, keys, env, Context::NONE)
        };
        self.state.purpose = quiet;
        found
    }

    /// `target.name`
    pub(super) fn target_name(&mut self, key: &Key, env: EnvId, context: Context) -> Eval<Lazy> {
        self.state.reads.add(Reads::TARGET);
        match context.target {
            Some(id) => {
                let target = self.state.world.target(id);
                Ok(Shape::Str(Arc::clone(&target.name)).at(key.span))
            }
            None => Err(self.no_ambient("target.name", key.span, env)),
        }
    }

    pub(super) fn no_ambient(&self, what: &str, at: Span, env: EnvId) -> Fail {
        let why = match (self.state.purpose, what) {
            (Purpose::Build, "stage") => "what is built is the same for every stage",
            (Purpose::Deploy, "arch") => "this holds for every architecture",
            (Purpose::Shape, "target.name") => "no target is being evaluated",
            _ => "this is the same for every architecture and stage",
        };
        let error = Diagnostic::error(
            codes::CONTEXT,
            format!("`{what}` has no value here: {why}"),
            at,
            format!("`{what}` is read here"),
        );
        let error = match what {
            "stage" => {
                error.help("put what depends on the stage into deploy attributes, such as `environment`")
            }
            "arch" => error.help("read `arch` in what `build` needs"),
            _ => error,
        };
        self.fail(env, self.with_askers(error))
    }
}
