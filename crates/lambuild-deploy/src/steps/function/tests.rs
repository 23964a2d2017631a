//! The comparison of configurations, judged by the AWS CLI's own JMESPath.

use super::*;
use crate::fixture;
use proptest::prelude::*;
use serde_json::Value;
use std::io::Write;
use std::process::{Command as Process, Stdio};

/// Evaluates each query on its answer, as `aws --query … --output text` prints
/// it; `None` where the machine has no Python with the CLI's library.
#[expect(clippy::disallowed_methods, reason = "asks the library that the AWS CLI uses")]
fn evaluate(queries: &[(String, Value)]) -> Option<Vec<String>> {
    let script = "import json, sys\ntry:\n import jmespath\nexcept ImportError:\n sys.exit(3)\n\
                  print(json.dumps([jmespath.search(q, a) for q, a in json.load(sys.stdin)]))";
    let mut python = Process::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    python
        .stdin
        .take()?
        .write_all(serde_json::to_string(queries).unwrap().as_bytes())
        .unwrap();
    let output = python.wait_with_output().unwrap();
    if output.status.code() == Some(3) {
        println!("not checked: Python has no jmespath");
        return None;
    }
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The query of a function whose role and layers need no shell.
fn query(settings: &FunctionSettings) -> String {
    let words = look(settings).words();
    let place = words
        .iter()
        .position(|word| word.to_string() == "--query")
        .unwrap();
    words[place + 1].to_string()
}

fn plain(mut settings: FunctionSettings) -> FunctionSettings {
    settings.role = "arn:aws:iam::111122223333:role/dev".to_owned();
    settings.layers = vec![LayerUse::Arn(
        "arn:aws:lambda:eu-west-1:111122223333:layer:x:3".to_owned(),
    )];
    settings
}

/// What the API answers about a function of these settings.
fn answer(settings: &FunctionSettings) -> Value {
    let mut answer = object!({
        "CodeSha256": "hash=", "State": "Active", "LastUpdateStatus": "Successful",
        "Architectures": [settings.architecture.name()],
        "Runtime": settings.runtime, "Handler": settings.handler, "Role": settings.role,
        "Description": settings.description, "Timeout": settings.timeout, "MemorySize": settings.memory_size,
        "EphemeralStorage": { "Size": settings.ephemeral_storage },
        "Environment": { "Variables": settings.environment },
        "Layers": layers(settings).iter().map(|arn| object!({ "Arn": arn.to_string(), "CodeSize": 7 })).collect::<Vec<_>>(),
        "TracingConfig": { "Mode": settings.tracing_mode },
        "LoggingConfig": settings.logging_config,
        "VpcConfig": settings.vpc_config,
        "DeadLetterConfig": { "TargetArn": settings.dead_letter_target },
        "FileSystemConfigs": settings.file_systems,
        "SnapStart": { "ApplyOn": settings.snap_start, "OptimizationStatus": "Off" },
        "KMSKeyArn": settings.kms_key_arn,
    });
    if let Some(groups) = answer["VpcConfig"]["SubnetIds"].as_array_mut() {
        groups.reverse();
    }
    answer
}

#[test]
fn what_is_there_compares_equal_and_any_change_does_not() {
    let settings = plain(fixture::full_function().settings);
    let (query, answer) = (query(&settings), answer(&settings));
    let mut asked = vec![(query.clone(), answer.clone())];
    for place in [
        "/Runtime",
        "/Handler",
        "/Role",
        "/Description",
        "/Timeout",
        "/MemorySize",
        "/EphemeralStorage/Size",
        "/Environment/Variables/TABLE",
        "/Layers/0/Arn",
        "/TracingConfig/Mode",
        "/LoggingConfig/LogFormat",
        "/LoggingConfig/ApplicationLogLevel",
        "/LoggingConfig/LogGroup",
        "/VpcConfig/SubnetIds/0",
        "/VpcConfig/SecurityGroupIds/0",
        "/VpcConfig/Ipv6AllowedForDualStack",
        "/DeadLetterConfig/TargetArn",
        "/FileSystemConfigs/0/LocalMountPath",
        "/SnapStart/ApplyOn",
        "/KMSKeyArn",
    ] {
        let mut changed = answer.clone();
        *changed.pointer_mut(place).unwrap() = "another".into();
        asked.push((query.clone(), changed));
    }
    let Some(answers) = evaluate(&asked) else { return };
    assert_eq!(answers[0], "Active Successful hash= x86_64 true");
    for (answer, (_, asked)) in answers.iter().zip(&asked).skip(1) {
        assert_eq!(answer, "Active Successful hash= x86_64 false", "{asked:#}");
    }
}

/// The API leaves out what is empty or older than a field.
#[test]
fn what_aws_leaves_out_is_the_default() {
    let mut settings = plain(fixture::function("f", crate::model::Arch::X86_64).settings);
    settings.environment.clear();
    settings.layers.clear();
    let mut answer = answer(&settings);
    let fields = answer.as_object_mut().unwrap();
    fields.retain(|field, _| {
        [
            "CodeSha256",
            "Runtime",
            "Handler",
            "Role",
            "Timeout",
            "MemorySize",
        ]
        .contains(&field.as_str())
    });
    let Some(answers) = evaluate(&[(query(&settings), answer)]) else {
        return;
    };
    assert_eq!(answers, ["Active Successful hash= x86_64 true"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Texts with quotes, backquotes and the like compare as they are.
    #[test]
    fn any_text_compares_equal_to_itself_only(texts in proptest::collection::vec("[^\0]{0,8}|['\"`\\\\$]{1,6}", 2..20)) {
        let mut settings = plain(fixture::function("f", crate::model::Arch::Arm64).settings);
        let mut asked = Vec::new();
        for text in &texts {
            settings.environment.insert("TEXT".to_owned(), text.clone());
            let same = answer(&settings);
            asked.push((query(&settings), same.clone()));
            settings.environment.insert("TEXT".to_owned(), format!("{text}."));
            asked.push((query(&settings), same));
        }
        if let Some(answers) = evaluate(&asked) {
            for pair in answers.chunks(2) {
                prop_assert!(pair[0].ends_with(" true") && pair[1].ends_with(" false"), "{pair:?}");
            }
        }
    }
}
