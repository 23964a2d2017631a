//! Evaluated workspaces as text.

use crate::Evaluation;
use crate::value::{Attrs, Data, Piece, Secret, TargetId};
use std::fmt::Write;

/// Every workspace, toolchain and stage, and every target with its product for
/// each architecture and its deploy attributes for each stage.
pub(super) fn world(evaluation: &mut Evaluation<'_>) -> String {
    let mut out = String::new();
    for workspace in evaluation.workspaces() {
        let names: Vec<&str> = workspace.architectures.iter().map(|arch| arch.name()).collect();
        writeln!(
            out,
            "workspace {} at {}: {}",
            workspace.name,
            workspace.dir,
            names.join(" ")
        )
        .unwrap();
    }
    for toolchain in evaluation.toolchains() {
        let attrs = attrs(evaluation, &toolchain.attrs);
        writeln!(out, "toolchain {} = {} {attrs}", toolchain.name, toolchain.kind).unwrap();
    }
    let mut stages = Vec::new();
    for stage in evaluation.stages() {
        writeln!(out, "stage {} {}", stage.name, attrs(evaluation, &stage.attrs)).unwrap();
        if !stages.contains(&stage.name) {
            stages.push(stage.name.clone());
        }
    }
    for index in 0..evaluation.targets().len() {
        target(evaluation, TargetId(index as u32), &stages, &mut out);
    }
    out
}

fn target(evaluation: &mut Evaluation<'_>, id: TargetId, stages: &[std::sync::Arc<str>], out: &mut String) {
    let target = evaluation.target(id).clone();
    writeln!(out, "{} {}", target.kind.word(), target.address()).unwrap();
    let mut last = String::new();
    for arch in &target.architectures {
        let product = evaluation.build(id, *arch).unwrap();
        let text = product.map_or("by ARN".to_owned(), |p| {
            format!("{} {}", p.builder, attrs(evaluation, &p.attrs))
        });
        if text != last {
            writeln!(out, "  {arch}: {text}").unwrap();
        }
        last = text;
    }
    if target.kind == crate::TargetKind::Target {
        return;
    }
    for stage in stages
        .iter()
        .filter(|stage| evaluation.stage_of(id, stage).is_some())
        .cloned()
        .collect::<Vec<_>>()
    {
        let deployed = evaluation.deploy(id, &stage).unwrap();
        writeln!(out, "  {stage}: {}", attrs(evaluation, &deployed)).unwrap();
    }
}

fn attrs(evaluation: &Evaluation<'_>, attrs: &Attrs) -> String {
    let entries: Vec<String> = attrs
        .iter()
        .map(|(name, attr)| format!("{name} = {}", data(evaluation, &attr.value.data)))
        .collect();
    format!("{{ {} }}", entries.join(", ")).replace("{  }", "{}")
}

fn data(evaluation: &Evaluation<'_>, value: &Data) -> String {
    match value {
        Data::Null => "null".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Int(number) => number.to_string(),
        Data::Decimal(number) => number.to_string(),
        Data::Str(text) => format!("{text:?}"),
        Data::Path(path) => format!("<{path}>"),
        Data::List(items) => {
            let items: Vec<String> = items.iter().map(|item| data(evaluation, &item.data)).collect();
            format!("[{}]", items.join(", "))
        }
        Data::Set(set) => attrs(evaluation, set),
        Data::Reference(id) => evaluation.target(*id).address(),
        Data::Toolchain(id) => format!("toolchain {}", evaluation.toolchains()[id.0 as usize].name),
        Data::Product(product) => format!("{} {}", product.builder, attrs(evaluation, &product.attrs)),
        Data::Part(part) => format!("{} / {}", data(evaluation, &part.of.data), part.path),
        Data::At(at) => format!("{} for {}", data(evaluation, &at.of.data), at.arch),
        Data::Template(pieces) => {
            let pieces = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => format!("{text:?}"),
                Piece::Content(value) => data(evaluation, &value.data),
            });
            pieces.collect::<Vec<_>>().join(" ~ ")
        }
        Data::Secret(Secret::Ssm(name)) => format!("secret ssm:{name}"),
        Data::Secret(Secret::Env(name)) => format!("secret env:{name}"),
        Data::Url(id) => format!("URL of {}", evaluation.target(*id).address()),
        Data::Arn(id) => format!("ARN of {}", evaluation.target(*id).address()),
    }
}
