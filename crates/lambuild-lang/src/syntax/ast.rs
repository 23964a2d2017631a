//! The syntax tree: expressions in one arena for all files, items per file.
//!
//! An arena makes references small, shares nothing and drops without recursion,
//! however deep the text nests. Knows no values.

use crate::decimal::Decimal;
use crate::source::Span;
use std::sync::Arc;

/// A word of the source, shared by all its occurrences.
pub(crate) type Name = Arc<str>;

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
}

impl Arena {
    pub(crate) fn add(&mut self, kind: ExprKind, span: Span) -> ExprId {
        self.exprs.push(Expr { kind, span });
        ExprId(self.exprs.len() as u32 - 1)
    }

    pub(crate) fn add_let(&mut self, item: Let) -> LetId {
        self.lets.push(item);
        LetId(self.lets.len() as u32 - 1)
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
    Decimal(Decimal),
    /// A string without `${…}`.
    Text(Name),
    /// A string with `${…}`.
    Template(Box<[Part]>),
    Path(Box<[Part]>),
    List(Box<[ExprId]>),
    ListFor(Box<Comprehension>, ExprId),
    Set(Box<[Entry]>),
    SetFor(Box<Comprehension>, Box<Entry>),
    Name(Name),
    Select(Box<Select>),
    /// `base ? keys`
    Has(Box<Select>),
    Call(Box<Call>),
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
    Text(Name),
    Value(ExprId),
}

/// The name of an entry, of an attribute or of a declaration.
#[derive(Debug)]
pub(crate) struct Key {
    pub name: KeyName,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum KeyName {
    Fixed(Name),
    /// A string with `${…}`.
    Computed(ExprId),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub key: Key,
    pub value: ExprId,
}

#[derive(Debug)]
pub(crate) struct Select {
    pub base: ExprId,
    pub keys: Box<[Key]>,
    /// After `or`.
    pub default: Option<ExprId>,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub callee: ExprId,
    pub args: Box<[Arg]>,
}

#[derive(Debug)]
pub(crate) struct Arg {
    pub name: Option<Word>,
    pub value: ExprId,
}

/// A word and its place.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub name: Name,
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
