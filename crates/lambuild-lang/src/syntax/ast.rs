//! The syntax tree: expressions in one arena for all files, items per file.
//!
//! An arena makes references small, shares nothing and drops without recursion,
//! however deep the text nests. Knows no values.

use crate::decimal::Decimal;
use crate::source::Span;
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;
use std::sync::Arc;

/// A word or a text, shared by all its occurrences.
pub(crate) type Name = Arc<str>;

/// A word or a text of the source, by its place in the [`Arena`]: equal ones have equal ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NameId(pub u32);

/// An expression of the [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExprId(pub u32);

/// A `let` item of the [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LetId(pub u32);

/// The expressions and `let` items of every file.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    exprs: Vec<Expr>,
    lets: Vec<Let>,
    names: IndexSet<Name, FxBuildHasher>,
    ids: Vec<ExprId>,
    parts: Vec<Part>,
    keys: Vec<Key>,
    entries: Vec<Entry>,
    selects: Vec<Select>,
    args: Vec<Arg>,
}

/// Neighbours in one of the arena's lists: a list of its own would cost an allocation each.
pub(crate) struct Range<T> {
    start: u32,
    len: u32,
    of: PhantomData<T>,
}

impl<T> Range<T> {
    pub(crate) fn len(self) -> usize {
        self.len as usize
    }
}

impl<T> Clone for Range<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Range<T> {}

impl<T> Debug for Range<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.start, self.len)
    }
}

/// A selection of the [`Arena`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct SelectId(pub u32);

/// What the arena keeps in lists.
pub(crate) trait Listed: Sized {
    fn list(arena: &Arena) -> &Vec<Self>;
    fn list_mut(arena: &mut Arena) -> &mut Vec<Self>;
}

macro_rules! listed {
    ($($kind:ty, $list:ident;)*) => {$(
        impl Listed for $kind {
            fn list(arena: &Arena) -> &Vec<Self> {
                &arena.$list
            }

            fn list_mut(arena: &mut Arena) -> &mut Vec<Self> {
                &mut arena.$list
            }
        }
    )*};
}

listed! {
    ExprId, ids;
    Part, parts;
    Key, keys;
    Entry, entries;
    Arg, args;
}

impl Arena {
    /// Makes room for what a text of that many bytes is likely to hold, so that a large file's
    /// tree is not moved while it grows.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.exprs.reserve(bytes / 8);
    }

    /// How many expressions all texts have.
    pub(crate) fn expressions(&self) -> usize {
        self.exprs.len()
    }

    pub(crate) fn add(&mut self, kind: ExprKind, span: Span) -> ExprId {
        self.exprs.push(Expr { kind, span });
        ExprId(self.exprs.len() as u32 - 1)
    }

    pub(crate) fn add_let(&mut self, item: Let) -> LetId {
        self.lets.push(item);
        LetId(self.lets.len() as u32 - 1)
    }

    /// The id of a text; every text is kept once.
    pub(crate) fn intern(&mut self, text: &str) -> NameId {
        let at = match self.names.get_index_of(text) {
            Some(at) => at,
            None => self.names.insert_full(Arc::from(text)).0,
        };
        NameId(at as u32)
    }

    /// The id of a text that some file holds.
    pub(crate) fn known(&self, text: &str) -> Option<NameId> {
        self.names.get_index_of(text).map(|at| NameId(at as u32))
    }

    pub(crate) fn name(&self, id: NameId) -> &Name {
        &self.names[id.0 as usize]
    }

    /// Keeps things that belong together.
    pub(crate) fn keep<T: Listed>(&mut self, things: impl IntoIterator<Item = T>) -> Range<T> {
        let list = T::list_mut(self);
        let start = list.len();
        list.extend(things);
        Range {
            start: start as u32,
            len: (list.len() - start) as u32,
            of: PhantomData,
        }
    }

    /// What [`Self::keep`] kept.
    pub(crate) fn all<T: Listed>(&self, range: Range<T>) -> &[T] {
        let start = range.start as usize;
        &T::list(self)[start..start + range.len as usize]
    }

    pub(crate) fn add_select(&mut self, select: Select) -> SelectId {
        self.selects.push(select);
        SelectId(self.selects.len() as u32 - 1)
    }

    pub(crate) fn select(&self, id: SelectId) -> &Select {
        &self.selects[id.0 as usize]
    }

    pub(crate) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    pub(crate) fn span(&self, id: ExprId) -> Span {
        self.expr(id).span
    }

    pub(crate) fn let_item(&self, id: LetId) -> &Let {
        &self.lets[id.0 as usize]
    }
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    /// Stands where the parser has reported an error.
    Broken,
    Null,
    Bool(bool),
    Int(i64),
    /// A number with a fraction.
    Decimal(Box<Decimal>),
    /// A string without `${…}`.
    Text(NameId),
    /// A string with `${…}`.
    Template(Range<Part>),
    Path(Range<Part>),
    List(Range<ExprId>),
    ListFor(Box<Comprehension>, ExprId),
    Set(Range<Entry>),
    SetFor(Box<(Comprehension, Entry)>),
    Name(NameId),
    Select(SelectId),
    /// `base ? keys`
    Has(SelectId),
    Call(Call),
    /// `go { … }`
    Build(Box<Build>),
    Binary(Operator, ExprId, ExprId),
    Not(ExprId),
    Negate(ExprId),
    If(Box<[ExprId; 3]>),
    Let(Box<LetIn>),
    Assert(Box<Assert>),
}

/// A piece of a string or path.
#[derive(Debug)]
pub(crate) enum Part {
    Text(NameId),
    Value(ExprId),
}

/// The name of an entry, of an attribute or of a declaration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub name: KeyName,
    pub span: Span,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyName {
    Fixed(NameId),
    /// A string with `${…}`.
    Computed(ExprId),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub key: Key,
    pub value: ExprId,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Select {
    pub base: ExprId,
    pub keys: Range<Key>,
    /// After `or`.
    pub default: Option<ExprId>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub callee: ExprId,
    pub args: Range<Arg>,
}

#[derive(Debug)]
pub(crate) struct Arg {
    pub name: Option<Word>,
    pub value: ExprId,
}

/// A word and its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub name: NameId,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Build {
    pub builder: Word,
    pub attrs: ExprId,
}

/// `for vars in source if condition`, after the piece that is repeated.
#[derive(Debug)]
pub(crate) struct Comprehension {
    pub vars: Vars,
    pub source: ExprId,
    pub condition: Option<ExprId>,
}

/// `x` or `k, v`.
#[derive(Debug)]
pub(crate) struct Vars {
    pub first: Word,
    pub second: Option<Word>,
}

/// `let name = value in body`
#[derive(Debug)]
pub(crate) struct LetIn {
    pub name: Word,
    pub value: ExprId,
    pub body: ExprId,
}

/// `assert condition, message in body`; without `in`, the value is `true`.
#[derive(Debug)]
pub(crate) struct Assert {
    pub condition: ExprId,
    pub message: ExprId,
    pub body: Option<ExprId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Update,
    Concat,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    /// As it is written.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Operator::Or => "||",
            Operator::And => "&&",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::Update => "//",
            Operator::Concat => "++",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
        }
    }
}

/// `let name = value` or `let name(params) = value`.
#[derive(Debug)]
pub(crate) struct Let {
    pub name: Word,
    /// `None` for a value.
    pub params: Option<Box<[Param]>>,
    pub value: ExprId,
}

#[derive(Debug)]
pub(crate) struct Param {
    pub name: Word,
    pub default: Option<ExprId>,
}

/// What an item stands for in a file or in the braces of `for` and `if`.
#[derive(Debug)]
pub(crate) enum Item {
    Declare(Declare),
    Let(LetId),
    Import(Import),
    For(ForItem),
    If(IfItem),
    Assert(Assert),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeclareKind {
    Workspace,
    Toolchain,
    Stage,
    Function,
    Layer,
    Target,
}

impl DeclareKind {
    pub(crate) const ALL: [DeclareKind; 6] = [
        DeclareKind::Workspace,
        DeclareKind::Toolchain,
        DeclareKind::Stage,
        DeclareKind::Function,
        DeclareKind::Layer,
        DeclareKind::Target,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            DeclareKind::Workspace => "workspace",
            DeclareKind::Toolchain => "toolchain",
            DeclareKind::Stage => "stage",
            DeclareKind::Function => "function",
            DeclareKind::Layer => "layer",
            DeclareKind::Target => "target",
        }
    }
}

/// `kind name = body` or `kind name { … }`.
#[derive(Debug)]
pub(crate) struct Declare {
    pub kind: DeclareKind,
    /// The word of the kind.
    pub span: Span,
    pub name: Key,
    pub body: ExprId,
}

/// `import path as name`
#[derive(Debug)]
pub(crate) struct Import {
    pub path: ExprId,
    pub name: Word,
}

#[derive(Debug)]
pub(crate) struct ForItem {
    pub vars: Vars,
    pub source: ExprId,
    pub items: Vec<Item>,
}

#[derive(Debug)]
pub(crate) struct IfItem {
    pub condition: ExprId,
    pub then: Vec<Item>,
    pub otherwise: Vec<Item>,
}
