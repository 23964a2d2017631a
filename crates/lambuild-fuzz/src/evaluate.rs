//! Decides what must hold for every workspace: evaluation answers within its budget, twice the
//! same, and a workspace without errors answers every question.

use crate::spans;
use lambuild_lang::diagnostic::{Diagnostic, Severity};
use lambuild_lang::schema::Schema;
use lambuild_lang::source::SourceMap;
use lambuild_lang::value::TargetId;
use lambuild_lang::{Evaluation, MemoryFiles, Options, Schemas, TargetKind};

/// The tables of the program, without a machine; its own list is `lambuild-cli`'s `rules.rs`.
const BUILDERS: [&Schema; 5] = [
    &lambuild_rules::files::SCHEMA,
    &lambuild_rules::go::rule::SCHEMA,
    &lambuild_rules::archive::SCHEMA,
    &lambuild_rules::command::SCHEMA,
    &lambuild_rules::fetch::SCHEMA,
];
const TOOLCHAINS: [&Schema; 3] = [
    &lambuild_rules::fetch::SCHEMA,
    &lambuild_rules::go::toolchain::SCHEMA,
    &lambuild_rules::host::toolchain::SCHEMA,
];
const SCHEMAS: Schemas<'static> = Schemas {
    function: &lambuild_deploy::schema::FUNCTION,
    layer: &lambuild_deploy::schema::LAYER,
    stage: &lambuild_deploy::schema::STAGE,
    builders: &BUILDERS,
    toolchains: &TOOLCHAINS,
};

/// What stands beside the build files of every input.
const BESIDE: [(&str, &str); 7] = [
    ("cmd/main.go", "package main\n"),
    ("cmd/sub/main.go", "package main\n"),
    ("data/a.json", "{\"a\": [1, 2.5, null], \"b\": {\"c\": \"d\"}}"),
    ("data/b.yaml", "a: &x [1, 2]\nb: *x\n"),
    ("data/c.toml", "a = 1\n[b]\nc = \"d\"\n"),
    ("data/odd name", "text\n"),
    ("certs/ca.pem", "-----\n"),
];

/// An input is a `lambda.build`, then any number of `--- path` lines, each with the text of
/// another file below it.
fn files(text: &str) -> Option<MemoryFiles> {
    let mut parts = text.split("\n--- ");
    let mut files = vec![("lambda.build", parts.next().unwrap_or_default())];
    files.extend(BESIDE);
    files.extend(parts.map(|part| part.split_once('\n').unwrap_or((part, ""))));
    MemoryFiles::new(files).ok()
}

/// Everything that is wrong with the workspace of an input, in its own words and with its places.
///
/// `None` for an input that describes none.
pub fn problems(text: &str) -> Option<(Vec<Diagnostic>, SourceMap)> {
    let files = files(text)?;
    let mut evaluation = lambuild_lang::evaluate(&files, &SCHEMAS, &Options::default());
    let found = evaluation.check();
    Some((found, evaluation.sources))
}

/// Evaluation answers, with places inside the files, and the same when asked again.
pub fn evaluate(bytes: &[u8]) {
    let Some(files) = std::str::from_utf8(bytes).ok().and_then(files) else {
        return;
    };
    let mut evaluation = lambuild_lang::evaluate(&files, &SCHEMAS, &Options::default());
    let found = evaluation.check();
    spans::check(&found, &evaluation.sources);
    let again = lambuild_lang::evaluate(&files, &SCHEMAS, &Options::default()).check();
    assert_eq!(found, again, "two evaluations differ");
    if !found.iter().any(|made| made.severity == Severity::Error) {
        let mut fresh = lambuild_lang::evaluate(&files, &SCHEMAS, &Options::default());
        ask_everything(&mut fresh);
    }
}

/// What `check` finds fine, `build` and `deploy` find fine.
fn ask_everything(evaluation: &mut Evaluation<'_>) {
    let stages: Vec<String> = evaluation
        .stages()
        .iter()
        .map(|stage| stage.name.to_string())
        .collect();
    for index in 0..evaluation.targets().len() {
        let id = TargetId(index as u32);
        for arch in evaluation.target(id).architectures.clone() {
            if let Err(errors) = evaluation.build(id, arch) {
                panic!("build finds what check did not: {errors:?}");
            }
        }
        for stage in &stages {
            let deployed = evaluation.target(id).kind != TargetKind::Target;
            if !deployed || evaluation.stage_of(id, stage).is_none() {
                continue;
            }
            if let Err(errors) = evaluation.deploy(id, stage) {
                panic!("deploy finds what check did not: {errors:?}");
            }
        }
    }
}
