//! `command`: any program as a builder. Decides its attributes and what is planned;
//! [`place`] decides where things lie, `step` what the command sees.

pub mod place;

mod missing;
mod step;
mod words;

use crate::codes;
use crate::content;
use lambuild_action::{Content, NodeId, PlannedAction, Planner, Rule, Work};
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::schema::{Attribute, Schema, Type};
use lambuild_lang::value::{Data, Product, Value};
use step::{Program, Run, Tool};
use words::Mounts;

/// The longest shell text and the longest word, in bytes: what Linux takes as one argument.
const LONGEST: usize = 128 << 10;

/// The attributes of `command`.
pub static SCHEMA: Schema = Schema {
    name: "command",
    doc: "What a program makes out of declared inputs, with declared tools, and nothing else.",
    attributes: &[
        Attribute::new(
            "run",
            Type::Either(&[
                Type::Template,
                Type::Words {
                    first: &Type::Program,
                    rest: &Type::Either(&[Type::Template, Type::Content]),
                    max: 10_000,
                },
            ]),
            "Text for the shell `sh`, which must be among `tools`, or a program and its arguments. A path or product in \
             it is there for the command and named by its path; what the command leaves in the folder `$out` is the result.",
        )
        .required(),
        Attribute::new(
            "tools",
            Type::List {
                item: &Type::Tool,
                max: 100,
            },
            "What is on PATH, in this order: toolchains, and targets, products and paths, which are built for the \
             platform that runs the command.",
        )
        .default("[]"),
        Attribute::new(
            "env",
            Type::Map {
                key: variable,
                value: &Type::Either(&[Type::Template, Type::Content]),
            },
            "More environment variables; a path or product is named by its path.",
        )
        .default("{}"),
        Attribute::new(
            "inputs",
            Type::Map {
                key: place::check_input,
                value: &Type::Content,
            },
            "Files, by their place relative to the folder in which the command starts.",
        )
        .default("{}"),
        Attribute::new(
            "timeout",
            Type::Int { min: 1, max: 86_400 },
            "Seconds after which the command is stopped and counts as failed.",
        ),
    ],
};

fn variable(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match name {
        "PATH" => Err("it is made of `tools`: add what has the program there".to_owned()),
        "out" => Err("`$out` is the folder for the result".to_owned()),
        _ if name.starts_with(|c: char| c.is_ascii_digit())
            || name.is_empty()
            || !name.bytes().all(plain) =>
        {
            Err("the name of a variable is letters, digits and `_`, and begins with no digit".to_owned())
        }
        _ => Ok(()),
    }
}

/// The rule of `command`.
#[derive(Debug, Clone, Copy)]
pub struct Commands {
    /// The launcher of the platform that builds; see [`crate::launcher`].
    pub launcher: &'static [u8],
}

impl Rule for Commands {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn plan(&self, product: &Product, planner: &mut dyn Planner) -> Result<NodeId, Box<Diagnostic>> {
        let mut inputs = Vec::new();
        let tools = tools(product, &mut inputs, planner)?;
        let mut mounts = Mounts::default();
        let run = product.attrs.get("run");
        let program = program(run, &mut mounts, &mut inputs, planner)?;
        if matches!(program, Program::Shell(_)) && tools.is_empty() {
            return Err(no_shell(run.map_or(product.span, |run| run.span)));
        }
        let env = env(product, &mut mounts, &mut inputs, planner)?;
        let placed = content::plan_inputs(product, place::input, &mut inputs, planner)?;
        let timeout = match product.attrs.get("timeout").map(|value| &value.data) {
            Some(Data::Int(seconds)) => u32::try_from(*seconds).ok(),
            _ => None,
        };
        let (subject, folder) = (planner.subject(), planner.folder());
        let target = subject.split(' ').next().unwrap_or_default().to_owned();
        Ok(planner.add(PlannedAction {
            mnemonic: "command",
            subject,
            inputs,
            work: Work::Select(Box::new(Run {
                tools,
                program,
                run: run.map_or(product.span, |run| run.span),
                env,
                mounts: mounts.placed(),
                inputs: placed,
                timeout,
                launcher: self.launcher,
                target,
                folder,
                span: product.span,
            })),
            span: product.span,
        }))
    }
}

fn tools(
    product: &Product,
    inputs: &mut Vec<NodeId>,
    planner: &mut dyn Planner,
) -> Result<Vec<Tool>, Box<Diagnostic>> {
    let Some(Value {
        data: Data::List(items),
        ..
    }) = product.attrs.get("tools")
    else {
        return Ok(Vec::new());
    };
    let one = |item: &Value| tool(item, inputs, planner);
    items.iter().map(one).collect()
}

fn tool(value: &Value, inputs: &mut Vec<NodeId>, planner: &mut dyn Planner) -> Result<Tool, Box<Diagnostic>> {
    let tool = planner.tool(value)?;
    // What lies in the workspace changes with every edit: not worth laying out once for all.
    let stable = !matches!(tool.content, Content::Source(_));
    Ok(Tool {
        placed: content::placed(tool.content, value.span, inputs),
        name: place::plain(&tool.name),
        stable,
    })
}

fn program(
    run: Option<&Value>,
    mounts: &mut Mounts,
    inputs: &mut Vec<NodeId>,
    planner: &mut dyn Planner,
) -> Result<Program, Box<Diagnostic>> {
    let Some(run) = run else {
        return Ok(Program::Words(Vec::new()));
    };
    let Data::List(words) = &run.data else {
        let text = mounts.text(run, inputs, planner)?;
        return Ok(Program::Shell(text));
    };
    let Some((first, rest)) = words.split_first() else {
        return Ok(Program::Words(Vec::new()));
    };
    let rest = rest.iter().map(|word| mounts.word(word, inputs, planner));
    let rest: Vec<String> = rest.collect::<Result<_, _>>()?;
    let all = |first: String| std::iter::once(first).chain(rest.clone()).collect();
    Ok(match &first.data {
        Data::Str(name) if !name.contains('/') => {
            words::check(name, first.span)?;
            Program::Named(name.to_string(), first.span, rest)
        }
        Data::Str(_) | Data::Template(_) => Program::Words(all(mounts.word(first, inputs, planner)?)),
        _ => Program::Tool(tool(first, inputs, planner)?, rest),
    })
}

fn env(
    product: &Product,
    mounts: &mut Mounts,
    inputs: &mut Vec<NodeId>,
    planner: &mut dyn Planner,
) -> Result<Vec<(String, String)>, Box<Diagnostic>> {
    let Some(Value {
        data: Data::Set(attrs),
        ..
    }) = product.attrs.get("env")
    else {
        return Ok(Vec::new());
    };
    let one = |(name, attr): (&std::sync::Arc<str>, &lambuild_lang::value::Attr)| {
        Ok((name.to_string(), mounts.word(&attr.value, inputs, planner)?))
    };
    attrs.iter().map(one).collect()
}

/// `run` is text and there is nothing that could read it.
fn no_shell(span: lambuild_lang::source::Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error(
            codes::COMMAND,
            "`run` is text for a shell, and there is no shell among `tools`",
            span,
            "nothing can read this",
        )
        .help(
            "add `tools = [toolchain.sh]`, and `toolchain sh { programs = [\"sh\", …] }` to the root's `lambda.build`; or \
             write a program and its arguments: `run = [\"program\", \"argument\"]`",
        ),
    )
}

#[cfg(test)]
mod tests;
