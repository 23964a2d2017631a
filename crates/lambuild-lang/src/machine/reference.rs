//! `function.f`, `layer.l`, `target.t`, `toolchain.t` and `workspace`: from a
//! name to what is declared, and from there to its deploy attributes.

use super::context::{Ambient, Context, Purpose, Reads};
use super::value::{Eval, Fail, Lazy, Shape};
use super::{EnvId, Machine};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::nearest;
use crate::source::{FileId, Span};
use crate::syntax::ast::Key;
use crate::target::TargetKind;
use crate::value::TargetId;
use std::sync::Arc;

fn kind_of(word: &str) -> Option<TargetKind> {
    [TargetKind::Function, TargetKind::Layer, TargetKind::Target]
        .into_iter()
        .find(|kind| kind.word() == word)
}

impl Machine<'_> {
    /// `word.key`, as seen in `file`.
    pub(super) fn reference(
        &mut self,
        word: &str,
        key: &Key,
        file: FileId,
        env: EnvId,
        context: Context,
    ) -> Eval<Lazy> {
        let name = self.key_name(key, env, context)?;
        if !self.state.world.complete {
            return Err(self.too_early(word, key, env));
        }
        let Some(kind) = kind_of(word) else {
            return self.toolchain(&name, key, file, env);
        };
        match self.state.world.target_names.get(&(file, name.clone())) {
            Some(id) if self.state.world.target(*id).kind == kind => Ok(Shape::Reference(*id).at(key.span)),
            _ => Err(self.unknown_target(kind, &name, key.span, file, env)),
        }
    }

    fn too_early(&self, word: &str, key: &Key, env: EnvId) -> Fail {
        let error = Diagnostic::error(
            codes::CONTEXT,
            format!("`{word}` has no value here: what is declared is still being found out"),
            key.span,
            "referred to here",
        )
        .note("names, the heads of `for` and `if`, `workspace`, `toolchain` and `stage` come before targets");
        self.fail(env, self.with_askers(error))
    }

    fn unknown_target(&self, kind: TargetKind, name: &str, span: Span, file: FileId, env: EnvId) -> Fail {
        let word = kind.word();
        let dir = self.program.module(file).dir.clone();
        let message = if dir.is_root() {
            format!("there is no {word} `{name}` in the root folder")
        } else {
            format!("there is no {word} `{name}` in `{dir}`")
        };
        let error = Diagnostic::error(codes::UNKNOWN_TARGET, message, span, format!("unknown {word}"));
        self.fail(env, self.hint_target(error, kind, name, file))
    }

    fn hint_target(&self, error: Diagnostic, kind: TargetKind, name: &str, file: FileId) -> Diagnostic {
        if !self.program.module(file).is_build_file {
            return error.help("a library file declares no targets: import the folder that does");
        }
        if let Some(other) = self.declared_kind(file, name) {
            return error.help(format!("`{name}` is a {other}: write `{other}.{name}`"));
        }
        let world = &self.state.world;
        if let Some(near) = nearest(name, world.names_in(file, kind)) {
            return error.help(format!("did you mean `{near}`?"));
        }
        match world
            .targets
            .iter()
            .find(|target| target.kind == kind && &*target.name == name)
        {
            Some(other) => error.help(format!(
                "there is `{}`: import its folder and write `NAME.{}.{name}`",
                other.address(),
                kind.word()
            )),
            None => error,
        }
    }

    /// The word of the kind under which a file declares `name`.
    pub(super) fn declared_kind(&self, file: FileId, name: &str) -> Option<&'static str> {
        let id = self.state.world.target_names.get(&(file, Arc::from(name)))?;
        Some(self.state.world.target(*id).kind.word())
    }

    fn toolchain(&self, name: &Arc<str>, key: &Key, file: FileId, env: EnvId) -> Eval<Lazy> {
        let world = &self.state.world;
        let workspace = world.owner(file);
        if let Some(id) = world.toolchain_names.get(&(workspace, name.clone())) {
            return Ok(Shape::Toolchain(*id).at(key.span));
        }
        let message = format!("there is no toolchain `{name}` in this workspace");
        let error = Diagnostic::error(codes::UNKNOWN_TARGET, message, key.span, "unknown toolchain");
        let known = world
            .toolchains
            .iter()
            .filter(|toolchain| toolchain.workspace == workspace);
        let error = match nearest(name, known.map(|toolchain| &*toolchain.name)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!(
                "declare it in the root's `lambda.build`: `toolchain {name} {{ … }}`"
            )),
        };
        Err(self.fail(env, error))
    }

    /// `workspace`, as a value: what the file's workspace says of itself.
    pub(super) fn workspace(&mut self, span: Span, env: EnvId) -> Eval<Lazy> {
        let world = &self.state.world;
        let file = self.file_of(env);
        let index = world.owner(file);
        match world.workspace_bodies.get(index) {
            Some(body) => Ok(Shape::Set(Arc::clone(&body.set)).at(body.span)),
            None => {
                let error = Diagnostic::error(
                    codes::CYCLE,
                    "the workspace is still being read here",
                    span,
                    "`workspace` has no value yet",
                );
                Err(self.fail(env, error))
            }
        }
    }

    /// `function.f.key`: its ARN, its name, or one of its deploy attributes in the same stage.
    pub(super) fn target_attribute(
        &mut self,
        id: TargetId,
        key: &str,
        at: Span,
        env: EnvId,
        context: Context,
    ) -> Eval<Option<Lazy>> {
        let target = self.state.world.target(id);
        match key {
            "name" => return Ok(Some(Shape::Str(Arc::clone(&target.name)).at(target.span))),
            "url" if target.kind != TargetKind::Function => return Ok(None),
            _ if target.kind == TargetKind::Target => return Ok(None),
            _ => {}
        }
        self.state.reads.add(Reads::STAGE);
        if let Ambient::None = context.stage {
            return Err(self.no_stage_for(key, at, env));
        }
        match key {
            "arn" => return Ok(Some(Shape::Arn(id).at(at))),
            "url" => return Ok(Some(Shape::Url(id).at(at))),
            _ => {}
        }
        let before = std::mem::replace(&mut self.state.purpose, Purpose::Deploy);
        let found = self.deploy_attribute(id, key, context.stage, at);
        self.state.purpose = before;
        found
    }

    fn no_stage_for(&self, key: &str, at: Span, env: EnvId) -> Fail {
        let message = format!("`.{key}` has no value here: it belongs to a stage, and this does not");
        let error = Diagnostic::error(codes::CONTEXT, message, at, "read here");
        let error = error.help("read it in deploy attributes, such as `environment`");
        self.fail(env, self.with_askers(error))
    }
}
