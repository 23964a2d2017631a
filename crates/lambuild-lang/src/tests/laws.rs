//! What holds for every workspace.

use super::{problems, tables, with_params, with_workspace};
use crate::value::{Arch, Data, TargetId};
use crate::{MemoryFiles, Options, evaluate, has_workspace};
use proptest::prelude::*;
use std::fmt::Write;

const HEAD: &str = "workspace w { architectures = [\"arm64\"] }\nstage dev { region = \"r\" }\n";
const TAIL: &str =
    "function f { build = go { main = ./cmd }, runtime = \"python3.13\", environment = { A = last } }\n";

/// A chain of values, each made of the one before.
fn chain(length: usize, step: &str) -> String {
    let mut text = format!("{HEAD}let f(x) = [x]\nlet v0 = 1\n");
    for at in 1..=length {
        writeln!(
            text,
            "let v{at} = {}",
            step.replace("PREVIOUS", &format!("v{}", at - 1))
        )
        .unwrap();
    }
    format!("{text}let last = v{length}\n{TAIL}")
}

const STEPS: [&str; 9] = [
    "PREVIOUS",
    "[PREVIOUS]",
    "{ a = PREVIOUS }",
    "f(PREVIOUS)",
    "1 + PREVIOUS",
    "if PREVIOUS == 0 then 0 else 1",
    "let y = PREVIOUS in (y)",
    "merge({ a = 1 }, { a = PREVIOUS })",
    "files { content = { x = PREVIOUS } }",
];

#[test]
fn a_chain_of_any_kind_ends_in_an_error_and_not_in_a_crash() {
    for step in STEPS {
        let text = chain(20_000, step);
        let says = problems(&[("lambda.build", &text), ("cmd/main.go", "")]);
        assert!(
            says.starts_with("error[E0701]: more than 160 values wait for each other"),
            "{step}: {says}"
        );
    }
}

#[test]
fn a_chain_that_people_might_write_is_fine() {
    for step in STEPS.iter().filter(|step| !step.contains("files")) {
        let text = chain(40, step);
        assert_eq!(
            problems(&[("lambda.build", &text), ("cmd/main.go", "")]),
            "",
            "{step}"
        );
    }
}

#[test]
fn a_long_sum_is_evaluated() {
    let text = format!("{HEAD}let last = \"${{0{}}}\"\n{TAIL}", " + 1".repeat(5000));
    with_workspace(&[("lambda.build", &text), ("cmd/main.go", "")], |evaluation| {
        let attrs = evaluation.deploy(TargetId(0), "dev").unwrap();
        let Data::Set(environment) = &attrs.get("environment").unwrap().data else {
            panic!()
        };
        assert_eq!(environment.get("A").unwrap().data, Data::Str("5000".into()));
    });
}

#[test]
fn parameters_come_from_the_command_line() {
    let text = format!(
        "{HEAD}let last = \"${{param(\"n\", default = 3) + 1}} ${{param(\"s\", default = \"x\")}}\"\n{TAIL}"
    );
    let files = [("lambda.build", text.as_str()), ("cmd/main.go", "")];
    let value = |params: &[(&str, &str)]| {
        with_params(&files, params, |evaluation| {
            match evaluation.deploy(TargetId(0), "dev") {
                Ok(attrs) => match &attrs.get("environment").unwrap().data {
                    Data::Set(set) => format!("{:?}", set.get("A").unwrap().data),
                    other => format!("{other:?}"),
                },
                Err(errors) => errors[0].message.clone(),
            }
        })
    };
    assert_eq!(value(&[]), "Str(\"4 x\")");
    assert_eq!(value(&[("n", "41"), ("s", "y")]), "Str(\"42 y\")");
    assert_eq!(value(&[("n", "many")]), "`--param n=many` is not an integer");
}

#[test]
fn without_stages_what_needs_one_is_left_unjudged() {
    let text = "workspace w { architectures = [\"arm64\"] }\n\
                function f { build = go { main = ./cmd }, runtime = \"python3.13\", handler = stage.name, timeout = 0 }\n";
    let says = problems(&[("lambda.build", text), ("cmd/main.go", "")]);
    assert!(
        says.contains("`timeout` takes an integer from 1 to 900, found 0"),
        "{says}"
    );
    assert_eq!(says.matches("error[").count(), 1, "{says}");
}

#[test]
fn a_stage_that_is_not_declared_is_an_error_with_the_nearest() {
    let text = format!("{HEAD}function f {{ build = ./cmd, runtime = \"python3.13\" }}\n");
    with_workspace(&[("lambda.build", &text), ("cmd/main.go", "")], |evaluation| {
        let errors = evaluation.deploy(TargetId(0), "dve").unwrap_err();
        assert_eq!(errors[0].message, "there is no stage `dve` for `:f`");
        assert_eq!(errors[0].help.as_deref(), Some("did you mean `dev`?"));
    });
}

#[test]
fn asking_after_an_error_answers_with_that_error() {
    let text = format!("{HEAD}function f {{ build = go {{ main = }}, runtime = \"python3.13\" }}\n");
    with_workspace(&[("lambda.build", &text)], |evaluation| {
        assert_eq!(evaluation.diagnostics.len(), 1);
        assert_eq!(
            evaluation.build(TargetId(0), Arch::Arm64).unwrap_err(),
            evaluation.diagnostics
        );
    });
}

#[test]
fn the_root_is_recognised_by_its_workspace_item() {
    assert!(has_workspace("let x = \nworkspace w { }\n"));
    assert!(!has_workspace("# workspace w { }\nfunction workspace { }\n"));
}

#[test]
fn diagnostics_are_json_too() {
    let text = format!("{HEAD}let é = 1\nlet x = \"λ\" + 1\nassert x == 1, \"x\"\n");
    with_workspace(&[("lambda.build", &text)], |evaluation| {
        let error = evaluation.check().pop().unwrap();
        let json = crate::diagnostic_json(&error, &evaluation.sources);
        assert_eq!(
            json.to_string(),
            "{\"code\":\"E0301\",\"severity\":\"error\",\"message\":\"`+` takes two strings or two numbers, found an integer\",\
             \"labels\":[{\"path\":\"lambda.build\",\"line\":4,\"column\":15,\"end_line\":4,\"end_column\":16,\"text\":\"this is an integer\"}],\
             \"notes\":[],\"help\":null,\"exit\":2}"
        );
    });
}

/// Workspaces that look like ones, so that the evaluator is reached.
fn workspaces() -> impl Strategy<Value = String> {
    let pieces = [
        "function f ",
        "function \"g-${x}\" ",
        "layer l ",
        "target t ",
        "stage s ",
        "let a = ",
        "let b(x, y = 1) = ",
        "{ build = go { main = ./cmd } }",
        "{ build = ./cmd, runtime = a }",
        "{ region = \"r\" }",
        " = ",
        "a",
        "b(a)",
        "b(x = 1)",
        "merge(a, a)",
        "function.f",
        "layer.l.arn",
        "function.f.handler",
        "arch.name",
        "stage.name",
        "target.name",
        "\"${a}\"",
        "[a, b]",
        "[x for x in a]",
        "{ \"${k}\" = v for k, v in a }",
        "1",
        "true",
        "null",
        "./cmd",
        "./no",
        "../x",
        " + ",
        " // ",
        " ++ ",
        " == ",
        " < ",
        ".c",
        ".c or 1",
        " ? c",
        "if a then b else c",
        "let c = a in c",
        "for x in a { target \"t${x}\" = ./cmd }",
        "if a { target u = ./cmd }",
        "range(3)",
        "dirs(./.)",
        "len(a)",
        "to_json(a)",
        "files { content = { a = a } }",
        "import ./. as i",
        "i.a",
        "workspace.name",
        "\n",
        "\n",
        "\n",
    ];
    let piece = proptest::sample::select(pieces.to_vec());
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| format!("{HEAD}{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever stands in a workspace, evaluation answers, twice the same.
    #[test]
    fn evaluation_never_panics_and_is_deterministic(text in workspaces()) {
        let says = problems(&[("lambda.build", &text), ("cmd/main.go", "")]);
        prop_assert_eq!(&says, &problems(&[("lambda.build", &text), ("cmd/main.go", "")]));
    }

    /// A workspace without errors answers every question without errors.
    #[test]
    fn check_finds_what_build_and_deploy_find(text in workspaces()) {
        let files = MemoryFiles::new([("lambda.build", text.as_str()), ("cmd/main.go", "")]).unwrap();
        let mut evaluation = evaluate(&files, &tables::SCHEMAS, &Options::default());
        let found = evaluation.check();
        let mut fresh = evaluate(&files, &tables::SCHEMAS, &Options::default());
        for target in fresh.targets().to_vec() {
            for arch in target.architectures.clone() {
                let product = fresh.build(target.id, arch);
                prop_assert!(product.is_ok() || !found.is_empty(), "{:?}", product);
            }
            if target.kind != crate::TargetKind::Target {
                let attrs = fresh.deploy(target.id, "dev");
                prop_assert!(attrs.is_ok() || !found.is_empty(), "{:?}", attrs);
            }
        }
    }
}
