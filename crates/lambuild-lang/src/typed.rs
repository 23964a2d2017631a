//! From lazy values to plain ones, checked against a table on the way. Every
//! mistake is collected; what is sound is kept.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::machine::context::{Ambient, Context};
use crate::machine::value::{Fail, Lazy, Other, Part, Piece, Recipe, Shape, Slot, Slots, ThunkId};
use crate::machine::{ERROR_BYTES, EnvId, MAX_ERRORS, Machine, overlap};
use crate::nearest;
use crate::schema::{Attribute, Schema, Type};
use crate::source::Span;
use crate::syntax::ast::Name;
use crate::target::TargetKind;
use crate::value::{self, Arch, Attr, Attrs, Data, Product, Value};
use indexmap::IndexMap;
use std::sync::Arc;

/// Bytes that a plain value is counted with.
const VALUE_BYTES: usize = 96;

/// Evaluates to the bottom in one context, and collects what is wrong.
pub(crate) struct Checker<'a, 'p> {
    pub machine: &'a mut Machine<'p>,
    pub context: Context,
    /// Whether it is about what is built: paths must exist, and there are no secrets.
    pub built: bool,
    pub errors: Vec<Diagnostic>,
    /// Something could not be had for a reason that is not among the errors: it is reported
    /// elsewhere, or depends on a stage that is not there.
    pub unsound: bool,
}

/// What a path in a string is no way to say.
const CONTENT_IN_TEXT: &str =
    "only what is run or built takes files in a string; for the text of a path's last part use `basename`";

/// The attribute that a value is for.
#[derive(Clone, Copy)]
struct At<'n> {
    name: &'n str,
    key: Span,
    env: Option<EnvId>,
}

/// Whose attributes are checked: "the function `x`", and where that stands.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'n> {
    pub text: &'n str,
    pub span: Span,
}

impl<'a, 'p> Checker<'a, 'p> {
    pub(crate) fn new(machine: &'a mut Machine<'p>, context: Context, built: bool) -> Self {
        Checker {
            machine,
            context,
            built,
            errors: Vec::new(),
            unsound: false,
        }
    }

    /// The attributes of a set by a table; `null` ones are left out.
    pub(crate) fn attributes(&mut self, slots: &Slots, schema: &Schema, owner: Owner<'_>) -> Attrs {
        let mut attrs = IndexMap::with_capacity_and_hasher(slots.len(), Default::default());
        for (name, slot) in slots {
            let Some(attribute) = schema.attributes.iter().find(|known| known.name == &**name) else {
                let known = schema.attributes.iter().map(|attribute| attribute.name);
                let error = unknown_attribute(owner.text, name, slot.key_span, known);
                self.report(error);
                continue;
            };
            if let Some(value) = self.attribute(name, *slot, &attribute.ty)
                && value.data != Data::Null
            {
                attrs.insert(
                    Arc::clone(name),
                    Attr {
                        key_span: slot.key_span,
                        value,
                    },
                );
            } else {
                self.require_given(attribute, slot, owner);
            }
        }
        self.require_present(slots, schema, owner);
        Attrs(attrs)
    }

    /// A required attribute that is `null`; one that went wrong is reported already.
    fn require_given(&mut self, attribute: &Attribute, slot: &Slot, owner: Owner<'_>) {
        let found = self.machine.force(slot.value, self.context, slot.key_span);
        if attribute.required
            && matches!(
                found,
                Ok(Lazy {
                    shape: Shape::Null,
                    ..
                })
            )
        {
            self.errors.push(missing(owner, attribute));
        }
    }

    fn require_present(&mut self, slots: &Slots, schema: &Schema, owner: Owner<'_>) {
        let absent = schema
            .attributes
            .iter()
            .filter(|known| known.required && !slots.contains_key(known.name));
        self.errors
            .extend(absent.map(|attribute| missing(owner, attribute)));
    }

    /// One attribute's value; `None` when it is wrong.
    pub(crate) fn attribute(&mut self, name: &str, slot: Slot, ty: &Type) -> Option<Value> {
        let env = self.machine.env_of(slot.value);
        let lazy = self.force(slot)?;
        self.nested(
            &lazy,
            ty,
            At {
                name,
                key: slot.key_span,
                env,
            },
        )
    }

    pub(crate) fn force(&mut self, slot: Slot) -> Option<Lazy> {
        match self.machine.force(slot.value, self.context, slot.key_span) {
            Ok(lazy) => Some(lazy),
            Err(fail) => {
                self.failed(fail);
                None
            }
        }
    }

    /// The entries of a body that must be a set.
    pub(crate) fn set_of(&mut self, value: ThunkId, owner: Owner<'_>) -> Option<Arc<Slots>> {
        let value = self.force(Slot {
            key_span: owner.span,
            value,
        })?;
        if let Shape::Set(slots) = value.shape {
            return Some(slots);
        }
        let kind = value.shape.kind();
        let message = format!("{} is a set, found {kind}", owner.text);
        self.errors.push(Diagnostic::error(
            codes::DECLARATION,
            message,
            value.span,
            format!("this is {kind}"),
        ));
        None
    }

    /// Adds an error, and pays for it.
    fn report(&mut self, error: Diagnostic) {
        self.machine.owe(ERROR_BYTES);
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// Collects what went wrong.
    pub(crate) fn failed(&mut self, fail: Fail) {
        match fail {
            Fail::Error(diagnostic) => self.report((*diagnostic).clone()),
            Fail::Unjudged | Fail::Reported => self.unsound = true,
        }
    }

    fn fit(&mut self, lazy: &Lazy, ty: &Type, at: At<'_>) -> Option<Value> {
        if let Err(fail) = self.machine.bytes(VALUE_BYTES, lazy.span) {
            self.failed(fail);
            return None;
        }
        let data = match (ty, &lazy.shape) {
            (_, Shape::Null) => Some(Data::Null),
            (_, Shape::Secret(_)) if self.built => {
                self.misplaced_secret(lazy, at);
                None
            }
            (Type::Either(types), _) => return self.either(lazy, types, at),
            (Type::Int { min, max }, Shape::Int(number)) => self.integer(*number, (*min, *max), lazy, at),
            (
                Type::Str { .. } | Type::Checked(_) | Type::Advised { .. } | Type::OneOf(_),
                Shape::Str(text),
            ) => self.text(text, ty, lazy, at),
            (Type::Product, shape) if shape.is_content() => self.as_product(lazy).map(Data::Product),
            (Type::List { item, max }, Shape::List(items)) => self.list(items, (item, item), *max, lazy, at),
            (Type::Words { first, rest, max }, Shape::List(items)) => {
                self.words(items, (first, rest), *max, lazy, at)
            }
            (Type::Tool, shape) if shape.is_content() => self.tool(lazy, at),
            (Type::Program, shape) if shape.is_content() => self.tool(lazy, at),
            (Type::Program, Shape::Template(pieces)) => self.template(pieces, true, at),
            (Type::Map { key, value }, Shape::Set(slots)) => self.map(slots, *key, value, at),
            (Type::Set(schema), Shape::Set(slots)) => self.set(slots, schema, at),
            (ty, shape) if self.takes_as_it_is(ty, shape) => self.plain(lazy, at),
            _ => {
                self.wrong_type(lazy, &takes(ty), at);
                None
            }
        };
        data.map(|data| Value {
            data,
            span: lazy.span,
        })
    }

    /// Whether a value of this shape needs no further look.
    fn takes_as_it_is(&self, ty: &Type, shape: &Shape) -> bool {
        match (ty, shape) {
            (Type::Any, _)
            | (Type::Bool, Shape::Bool(_))
            | (Type::Path, Shape::Path(_))
            | (Type::Content, Shape::Str(_))
            | (Type::Template, Shape::Str(_) | Shape::Template(_))
            | (Type::Layer, Shape::Str(_))
            | (Type::Program, Shape::Str(_))
            | (Type::Toolchain | Type::Tool, Shape::Toolchain(_)) => true,
            (Type::Content, shape) => shape.is_content(),
            (Type::Str { .. } | Type::Checked(_), shape) => shape.is_later_text() && !self.built,
            (Type::Layer, Shape::Reference(id) | Shape::Arn(id)) => {
                self.machine.state.world.target(*id).kind == TargetKind::Layer
            }
            _ => false,
        }
    }

    fn set(&mut self, slots: &Slots, schema: &Schema, at: At<'_>) -> Option<Data> {
        let before = self.errors.len();
        let text = format!("`{}`", at.name);
        let attrs = self.attributes(
            slots,
            schema,
            Owner {
                text: &text,
                span: at.key,
            },
        );
        (self.errors.len() == before && !self.unsound).then(|| Data::Set(Arc::new(attrs)))
    }

    fn misplaced_secret(&mut self, lazy: &Lazy, at: At<'_>) {
        let message = format!("`{}` cannot be a secret: what is built holds none", at.name);
        let help = Some("give it to the program when it runs, through `environment`".to_owned());
        self.problem(
            codes::SECRET,
            message,
            "this is a secret".to_owned(),
            lazy.span,
            at,
            help,
        );
    }

    fn wrong_type(&mut self, lazy: &Lazy, takes: &str, at: At<'_>) {
        let message = format!("`{}` takes {takes}, found {}", at.name, lazy.shape.kind());
        let label = format!("this is {}", lazy.shape.kind());
        let help = matches!(lazy.shape, Shape::Template(_)).then(|| CONTENT_IN_TEXT.to_owned());
        self.problem(codes::ATTRIBUTE_TYPE, message, label, lazy.span, at, help);
    }

    /// An error at a value, with its attribute and the calls that led to it.
    fn problem(
        &mut self,
        code: &'static str,
        message: String,
        label: String,
        span: Span,
        at: At<'_>,
        help: Option<String>,
    ) {
        let mut error = Diagnostic::error(code, message, span, label);
        if !self.beside(at.key, span) {
            error = error.label(at.key, format!("for `{}`", at.name));
        }
        if let Some(env) = at.env {
            error = self.machine.with_calls(env, error);
        }
        error.help = help;
        self.report(error);
    }

    /// Whether a value stands right behind its key, so that pointing at both says nothing more.
    fn beside(&self, key: Span, value: Span) -> bool {
        if overlap(key, value) {
            return true;
        }
        if key.file != value.file || key.end > value.start {
            return false;
        }
        let between = &self.machine.sources.file(key.file).text[key.end as usize..value.start as usize];
        between.trim() == "="
    }

    fn integer(&mut self, number: i64, (min, max): (i64, i64), lazy: &Lazy, at: At<'_>) -> Option<Data> {
        if (min..=max).contains(&number) {
            return Some(Data::Int(number));
        }
        let message = format!(
            "`{}` takes {}, found {number}",
            at.name,
            takes(&Type::Int { min, max })
        );
        let label = if number < min { "too small" } else { "too large" };
        self.problem(codes::RANGE, message, label.to_owned(), lazy.span, at, None);
        None
    }

    fn text(&mut self, text: &Arc<str>, ty: &Type, lazy: &Lazy, at: At<'_>) -> Option<Data> {
        let trouble = match ty {
            Type::Str { min, max } => {
                let count = text.chars().count();
                let fits = (*min..=*max).contains(&count);
                (!fits).then(|| (codes::RANGE, format!("takes {}, found {count}", takes(ty)), None))
            }
            Type::Checked(judge) | Type::Advised { check: judge, .. } => judge(text)
                .err()
                .map(|why| (codes::INVALID, format!("cannot be {text:?}: {why}"), None)),
            Type::OneOf(known) => (!known.contains(&&**text)).then(|| {
                let help =
                    nearest(text, known.iter().copied()).map(|near| format!("did you mean \"{near}\"?"));
                (codes::RANGE, format!("takes {}, found {text:?}", takes(ty)), help)
            }),
            _ => None,
        };
        match trouble {
            None => {
                self.advise(text, ty, lazy, at);
                Some(Data::Str(Arc::clone(text)))
            }
            Some((code, what, help)) => {
                let message = format!("`{}` {what}", at.name);
                self.problem(code, message, "this value".to_owned(), lazy.span, at, help);
                None
            }
        }
    }

    fn advise(&mut self, text: &str, ty: &Type, lazy: &Lazy, at: At<'_>) {
        let Type::Advised { advice, .. } = ty else { return };
        let Some(what) = advice(text) else { return };
        let message = format!("`{}`: {what}", at.name);
        let warning = Diagnostic::warning(codes::UNFAMILIAR, message, lazy.span, "this value");
        if self.machine.state.warnings.len() < MAX_ERRORS {
            self.machine.state.warnings.push(warning);
        }
    }

    /// A list of words, whose first one is a program.
    fn words(
        &mut self,
        items: &[ThunkId],
        types: (&Type, &Type),
        max: usize,
        lazy: &Lazy,
        at: At<'_>,
    ) -> Option<Data> {
        if items.is_empty() {
            let message = format!("`{}` takes at least one word: the program", at.name);
            self.problem(codes::RANGE, message, "no words".to_owned(), lazy.span, at, None);
            return None;
        }
        self.list(items, types, max, lazy, at)
    }

    /// A list whose first item may have a type of its own.
    fn list(
        &mut self,
        items: &[ThunkId],
        (first, rest): (&Type, &Type),
        max: usize,
        lazy: &Lazy,
        at: At<'_>,
    ) -> Option<Data> {
        if items.len() > max {
            let message = format!("`{}` takes at most {max} items, found {}", at.name, items.len());
            self.problem(codes::RANGE, message, "too many".to_owned(), lazy.span, at, None);
            return None;
        }
        let mut values = Vec::with_capacity(items.len());
        for (place, value) in items.iter().enumerate() {
            let item = if place == 0 { first } else { rest };
            let env = self.machine.env_of(*value).or(at.env);
            if let Some(found) = self.force(Slot {
                key_span: lazy.span,
                value: *value,
            }) {
                values.extend(self.nested(&found, item, At { env, ..at }));
            }
        }
        (values.len() == items.len()).then(|| Data::List(values.into()))
    }

    fn map(
        &mut self,
        slots: &Slots,
        key: fn(&str) -> Result<(), String>,
        ty: &Type,
        at: At<'_>,
    ) -> Option<Data> {
        let mut attrs = IndexMap::with_capacity_and_hasher(slots.len(), Default::default());
        let before = self.errors.len();
        for (name, slot) in slots {
            let key_span = slot.key_span;
            if let Err(why) = key(name) {
                let message = format!("{name:?} cannot be a key of `{}`: {why}", at.name);
                self.errors
                    .push(Diagnostic::error(codes::INVALID, message, key_span, "this key"));
            }
            let env = self.machine.env_of(slot.value).or(at.env);
            if let Some(found) = self.force(*slot)
                && let Some(value) = self.nested(
                    &found,
                    ty,
                    At {
                        name,
                        key: key_span,
                        env,
                    },
                )
            {
                attrs.insert(Arc::clone(name), Attr { key_span, value });
            }
        }
        let sound = self.errors.len() == before && attrs.len() == slots.len();
        sound.then(|| Data::Set(Arc::new(Attrs(attrs))))
    }

    /// A value inside another one.
    fn nested(&mut self, lazy: &Lazy, ty: &Type, at: At<'_>) -> Option<Value> {
        self.deeper(lazy.span, |checker| checker.fit(lazy, ty, at))
    }

    /// Runs `inner` one level deeper.
    fn deeper<T>(&mut self, at: Span, inner: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if let Err(fail) = self.machine.enter_part(at) {
            self.failed(fail);
            return None;
        }
        let result = inner(self);
        self.machine.leave_part();
        result
    }

    /// The first form that takes the value; when none does, what the likeliest one says.
    fn either(&mut self, lazy: &Lazy, types: &[Type], at: At<'_>) -> Option<Value> {
        let before = self.errors.len();
        let mut likeliest = None;
        for ty in types {
            if let Some(value) = self.fit(lazy, ty, at) {
                return Some(value);
            }
            let errors = self.errors.split_off(before);
            let other_kind = errors
                .first()
                .is_some_and(|e| e.code == codes::ATTRIBUTE_TYPE && e.labels[0].span == lazy.span);
            if !other_kind && likeliest.is_none() {
                likeliest = Some(errors);
            }
        }
        match likeliest {
            Some(errors) => self.errors.extend(errors),
            None => self.wrong_type(lazy, &alternatives(types), at),
        }
        None
    }

    /// Everything in a value, whatever it is.
    fn plain(&mut self, lazy: &Lazy, at: At<'_>) -> Option<Data> {
        match &lazy.shape {
            Shape::List(items) => self.list(items, (&Type::Any, &Type::Any), usize::MAX, lazy, at),
            Shape::Set(slots) => self.map(slots, |_| Ok(()), &Type::Any, at),
            Shape::Product(recipe) => self
                .deeper(recipe.span, |checker| checker.product(recipe))
                .map(Data::Product),
            Shape::Path(path) if self.built => {
                if let Some(missing) = self.machine.missing_path(path, lazy.span) {
                    self.missing_path(missing, lazy.span, at);
                    return None;
                }
                Some(Data::Path(path.clone()))
            }
            Shape::Part(part) => self.part(part, at),
            Shape::Other(other) => self.other(other, at),
            Shape::Template(pieces) => self.template(pieces, false, at),
            scalar => Machine::scalar(scalar),
        }
    }

    fn part(&mut self, part: &Part, at: At<'_>) -> Option<Data> {
        let of = Arc::new(self.nested(&part.of, &Type::Any, at)?);
        let path = part.path.clone();
        // The whole is a part of itself.
        Some(if path.is_root() {
            of.data.clone()
        } else {
            Data::Part(value::Part { of, path })
        })
    }

    /// What is built for another architecture is evaluated for it, too.
    fn other(&mut self, other: &Other, at: At<'_>) -> Option<Data> {
        let of = Arc::new(self.for_arch(&other.of, other.arch, at)?);
        let (arch, tool) = (other.arch, false);
        Some(Data::At(value::At { arch, of, tool }))
    }

    fn for_arch(&mut self, lazy: &Lazy, arch: Arch, at: At<'_>) -> Option<Value> {
        let here = std::mem::replace(&mut self.context.arch, Ambient::Known(arch));
        let found = self.nested(lazy, &Type::Any, at);
        self.context.arch = here;
        found
    }

    /// What is built for the platform that runs it. Paths are what they are.
    fn tool(&mut self, lazy: &Lazy, at: At<'_>) -> Option<Data> {
        let arch = self.machine.options.exec();
        let of = self.for_arch(lazy, arch, at)?;
        Some(match of.data {
            // Whoever writes `at("arm64", x)` means it.
            data @ (Data::Path(_) | Data::At(_)) => data,
            data => Data::At(value::At {
                arch,
                of: Arc::new(Value { data, span: of.span }),
                tool: true,
            }),
        })
    }

    /// A string with content in it, which is a tool or ordinary.
    fn template(&mut self, pieces: &[Piece], tools: bool, at: At<'_>) -> Option<Data> {
        let mut found = Vec::with_capacity(pieces.len());
        for piece in pieces {
            found.extend(match piece {
                Piece::Text(text) => Some(value::Piece::Text(Arc::clone(text))),
                Piece::Content(lazy) => {
                    let ty = if tools { &Type::Tool } else { &Type::Any };
                    self.nested(lazy, ty, at).map(value::Piece::Content)
                }
            });
        }
        (found.len() == pieces.len()).then(|| Data::Template(found.into()))
    }

    fn missing_path(&mut self, error: Diagnostic, span: Span, at: At<'_>) {
        let error = if self.beside(at.key, span) {
            error
        } else {
            error.label(at.key, format!("for `{}`", at.name))
        };
        let error = match at.env {
            Some(env) => self.machine.with_calls(env, error),
            None => error,
        };
        self.errors.push(error);
    }

    /// A product, or the `files` product that a path or a reference stands for.
    pub(crate) fn as_product(&mut self, lazy: &Lazy) -> Option<Arc<Product>> {
        if let Shape::Product(recipe) = &lazy.shape {
            return self.product(recipe);
        }
        let content = self.machine.known(lazy.clone());
        let mut inner = Slots::default();
        inner.insert(
            Name::from("."),
            Slot {
                key_span: lazy.span,
                value: content,
            },
        );
        let whole = self.machine.known(Shape::Set(Arc::new(inner)).at(lazy.span));
        self.files_of(
            Slot {
                key_span: lazy.span,
                value: whole,
            },
            lazy.span,
        )
    }

    /// `files { content = … }`
    pub(crate) fn files_of(&mut self, content: Slot, span: Span) -> Option<Arc<Product>> {
        let mut slots = Slots::default();
        slots.insert(Name::from("content"), content);
        let attrs = self.machine.known(Shape::Set(Arc::new(slots)).at(span));
        self.product(&Recipe {
            builder: Name::from("files"),
            attrs,
            span,
        })
    }

    /// A builder call, checked against the builder's table.
    fn product(&mut self, recipe: &Recipe) -> Option<Arc<Product>> {
        let before = self.errors.len();
        let attrs = self.force(Slot {
            key_span: recipe.span,
            value: recipe.attrs,
        })?;
        let Shape::Set(slots) = &attrs.shape else {
            return None;
        };
        let builders = self.machine.schemas.builders;
        let schema = builders.iter().find(|schema| schema.name == &*recipe.builder)?;
        let text = format!("`{}`", recipe.builder);
        let attrs = self.attributes(
            slots,
            schema,
            Owner {
                text: &text,
                span: recipe.span,
            },
        );
        if self.errors.len() > before || self.unsound {
            return None;
        }
        Some(Arc::new(Product {
            builder: Arc::clone(&recipe.builder),
            attrs,
            span: recipe.span,
        }))
    }
}

/// The error of a name that a table does not have.
pub(crate) fn unknown_attribute<'n>(
    owner: &str,
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    let message = format!("{owner} has no attribute `{name}`");
    let error = Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, message, span, "unknown attribute");
    match nearest(name, known) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}

fn missing(owner: Owner<'_>, attribute: &Attribute) -> Diagnostic {
    let message = format!("{} needs `{}`", owner.text, attribute.name);
    let label = format!("`{}` is not given", attribute.name);
    Diagnostic::error(codes::MISSING_ATTRIBUTE, message, owner.span, label)
        .help(format!("`{}`: {}", attribute.name, attribute.doc))
}

/// What a type takes, in words.
pub(crate) fn takes(ty: &Type) -> String {
    match ty {
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Int {
            min: i64::MIN,
            max: i64::MAX,
        } => "an integer".to_owned(),
        Type::Int { min, max: i64::MAX } => format!("an integer of at least {min}"),
        Type::Int { min, max } => format!("an integer from {min} to {max}"),
        Type::Str {
            min: 0,
            max: usize::MAX,
        }
        | Type::Checked(_)
        | Type::Advised { .. } => "a string".to_owned(),
        Type::Str { min, max: usize::MAX } => format!("a string of at least {min} characters"),
        Type::Str { min: 0, max } => format!("a string of at most {max} characters"),
        Type::Str { min, max } => format!("a string of {min} to {max} characters"),
        Type::OneOf(known) => one_of(known),
        Type::Template => "a string".to_owned(),
        Type::Path => "a path".to_owned(),
        Type::Content => "files: a path, a product, a reference or text".to_owned(),
        Type::Product => "a product such as `go { … }`, a path or a reference".to_owned(),
        Type::Layer => "`layer.NAME` or an ARN".to_owned(),
        Type::Toolchain => "`toolchain.NAME`".to_owned(),
        Type::Tool => "a tool: `toolchain.NAME`, a reference, a product or a path".to_owned(),
        Type::Program => "the name of a program, or a tool".to_owned(),
        Type::Words { .. } => "a list of words".to_owned(),
        Type::List { .. } => "a list".to_owned(),
        Type::Map { .. } | Type::Set(_) => "a set".to_owned(),
        Type::Either(types) => alternatives(types),
        Type::Any => "a value".to_owned(),
    }
}

fn alternatives(types: &[Type]) -> String {
    types.iter().map(takes).collect::<Vec<_>>().join(", or ")
}

/// Up to five of the known texts; more would bury the message.
fn one_of(known: &[&str]) -> String {
    let shown: Vec<String> = known.iter().take(5).map(|text| format!("{text:?}")).collect();
    let more = if known.len() > shown.len() {
        " and others"
    } else {
        ""
    };
    format!("one of {}{more}", shown.join(", "))
}
