//! The script as text, and what it does against a stand-in for the AWS CLI.

use super::*;
use crate::fixture::{large, small};
use crate::manifest::Manifest;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

#[expect(clippy::disallowed_methods, reason = "runs the script with real shells")]
fn start(program: &str) -> Command {
    Command::new(program)
}

#[test]
fn a_small_script_in_full() {
    insta::assert_snapshot!("small", deploy_sh(&small()));
}

#[test]
fn a_small_manifest_in_full() {
    insta::assert_snapshot!("manifest", Manifest::new(&small()).to_json());
}

/// Options and conditions that only some functions have.
#[test]
fn every_setting_is_sent_and_compared() {
    let script = deploy_sh(&large());
    let from = script.find("# function :full").unwrap();
    insta::assert_snapshot!("full", &script[from..]);
}

#[test]
fn shells_and_shellcheck_find_nothing_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (name, deployment) in [("small.sh", small()), ("large.sh", large())] {
        let file = folder.path().join(name);
        std::fs::write(&file, deploy_sh(&deployment)).unwrap();
        for checker in [
            &["sh", "-n"][..],
            &["dash", "-n"],
            &["bash", "--posix", "-n"],
            &["shellcheck"],
        ] {
            match start(checker[0]).args(&checker[1..]).arg(&file).output() {
                Ok(output) => assert!(output.status.success(), "{checker:?}: {}", both(&output)),
                Err(error) => println!("not checked with {}: {error}", checker[0]),
            }
        }
    }
}

fn both(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The answers of the stand-in, by the names that `aws.sh` reads.
type Answers<'a> = BTreeMap<&'a str, &'a str>;

const LAYER: &str = "\"arn:aws:lambda:eu-west-1:111122223333:layer:dev-certs:7\"";

fn nothing_there() -> Answers<'static> {
    BTreeMap::from([
        ("ACCOUNT", "111122223333"),
        ("LAYERS", "null"),
        ("LAYER_SHA", "missing"),
        ("FUNCTION", "missing"),
        ("TAGGED", "false"),
        ("PUBLISHED", "null"),
    ])
}

/// All as the small deployment wants it.
fn all_there() -> Answers<'static> {
    BTreeMap::from([
        ("LAYERS", LAYER),
        ("LAYER_SHA", "certs+sha256="),
        ("FUNCTION", "Active Successful checkout+sha256= arm64 true"),
    ])
}

/// Runs the script of a deployment; gives both streams, and every call that
/// was made, which must stand in the manifest.
fn run(deployment: &Deployment, answers: &Answers<'_>) -> (Output, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("deploy.sh", &deploy_sh(deployment));
    write("aws", include_str!("aws.sh"));
    write("log", "");
    let aws = folder.path().join("aws");
    start("chmod").arg("+x").arg(&aws).status().unwrap();
    let output = start("sh")
        .arg(folder.path().join("deploy.sh"))
        .env("AWS", &aws)
        .env("LOG", folder.path().join("log"))
        .env("ACCOUNT_ID", "111122223333")
        .env_remove("AWS_ENDPOINT_URL")
        .envs(answers)
        .output()
        .unwrap();
    (output, calls(deployment, &folder.path().join("log")))
}

/// The operations that were called.
fn calls(deployment: &Deployment, log: &Path) -> Vec<String> {
    let manifest = Manifest::new(deployment);
    let listed = manifest.functions.iter().flat_map(|function| &function.commands);
    let listed: Vec<Vec<String>> = listed
        .chain(manifest.layers.iter().flat_map(|layer| &layer.commands))
        .chain(&manifest.commands)
        .map(|argv| argv.iter().skip(1).map(|word| filled_in(word)).collect())
        .collect();
    let log = std::fs::read_to_string(log).unwrap();
    let calls = log.split_terminator('\u{1e}').map(|call| {
        let argv: Vec<String> = call.split_terminator('\u{1f}').map(normal).collect();
        assert!(
            listed.contains(&argv),
            "{argv:?} is not in the manifest:\n{listed:#?}"
        );
        if argv[1] == "wait" {
            format!("wait {}", argv[2])
        } else {
            argv[1].clone()
        }
    });
    calls.collect()
}

/// A word of the manifest with its variables filled in.
fn filled_in(word: &str) -> String {
    let arn = "arn:aws:lambda:eu-west-1:111122223333";
    word.replace("${ACCOUNT_ID}", "111122223333")
        .replace("${layer_certs_arm64}", &format!("{arn}:layer:dev-certs:N"))
        .replace("${layer_certs_x86_64}", &format!("{arn}:layer:dev-certs:N"))
        .replace("${arn}", &format!("{arn}:function:f"))
        .replace("${version}", "7")
}

/// A word of a call without the version of the layer, which differs between the tests.
fn normal(word: &str) -> String {
    word.replace("dev-certs:1", "dev-certs:N")
        .replace("dev-certs:7", "dev-certs:N")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", both(output));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_is_missing_is_created() {
    let (output, calls) = run(&small(), &nothing_there());
    insta::assert_snapshot!(stdout(&output), @"
    + dev-certs created
    + dev-checkout created
    deployed stage dev: 2 created, 0 updated, 0 unchanged
    ");
    insta::assert_snapshot!(calls.join("\n"), @"
    list-layer-versions
    publish-layer-version
    get-function-configuration
    create-function
    wait function-active-v2
    ");
}

#[test]
fn a_second_run_asks_and_changes_nothing() {
    let (output, calls) = run(&small(), &all_there());
    insta::assert_snapshot!(stdout(&output), @"
    = dev-certs unchanged
    = dev-checkout unchanged
    deployed stage dev: 0 created, 0 updated, 2 unchanged
    ");
    insta::assert_snapshot!(calls.join("\n"), @"
    list-layer-versions
    get-layer-version
    get-function-configuration
    ");
}

#[test]
fn only_what_differs_is_updated() {
    let with = |function| {
        let mut answers = all_there();
        answers.insert("FUNCTION", function);
        let (output, calls) = run(&small(), &answers);
        let changes = calls
            .into_iter()
            .filter(|call| !call.starts_with("get-") && !call.starts_with("list-"));
        stdout(&output) + &changes.collect::<Vec<_>>().join(" ") + "\n\n"
    };
    let runs = [
        with("Active Successful another= arm64 true"),
        with("Active Successful checkout+sha256= x86_64 true"),
        with("Active Successful checkout+sha256= arm64 false"),
        with("Active InProgress another= arm64 false"),
        with("Active Failed checkout+sha256= arm64 true"),
        with("Pending Successful checkout+sha256= arm64 true"),
    ];
    insta::assert_snapshot!(runs.concat(), @"
    = dev-certs unchanged
    ~ dev-checkout code
    deployed stage dev: 0 created, 1 updated, 1 unchanged
    update-function-code wait function-updated-v2

    = dev-certs unchanged
    ~ dev-checkout code
    deployed stage dev: 0 created, 1 updated, 1 unchanged
    update-function-code wait function-updated-v2

    = dev-certs unchanged
    * dev-checkout configuration
    deployed stage dev: 0 created, 1 updated, 1 unchanged
    update-function-configuration wait function-updated-v2

    = dev-certs unchanged
    ~ dev-checkout code
    * dev-checkout configuration
    deployed stage dev: 0 created, 1 updated, 1 unchanged
    wait function-updated-v2 update-function-code wait function-updated-v2 update-function-configuration wait function-updated-v2

    = dev-certs unchanged
    * dev-checkout configuration
    deployed stage dev: 0 created, 1 updated, 1 unchanged
    update-function-configuration wait function-updated-v2

    = dev-certs unchanged
    = dev-checkout unchanged
    deployed stage dev: 0 created, 0 updated, 2 unchanged
    wait function-active-v2
    ");
}

#[test]
fn a_layer_version_with_our_mark_and_other_content_is_not_taken() {
    let mut answers = all_there();
    answers.insert("LAYER_SHA", "forged=");
    let (output, calls) = run(&small(), &answers);
    assert!(stdout(&output).starts_with("+ dev-certs created\n"));
    assert!(calls.contains(&"publish-layer-version".to_owned()), "{calls:?}");
}

#[test]
fn a_refusal_stops_the_script_with_the_clis_words() {
    for question in ["LAYERS", "FUNCTION"] {
        let mut answers = nothing_there();
        answers.insert(question, "refused");
        let (output, calls) = run(&small(), &answers);
        assert_eq!(output.status.code(), Some(1), "{question}");
        let words = "An error occurred (AccessDeniedException) when calling the operation: not allowed\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), words);
        assert!(!calls.contains(&"create-function".to_owned()), "{calls:?}");
    }
}

#[test]
fn another_account_is_not_touched() {
    let mut answers = nothing_there();
    answers.insert("ACCOUNT", "999999999999");
    let (output, calls) = run(&large(), &answers);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @"the credentials are those of account 999999999999, and stage dev belongs to 111122223333");
    assert_eq!(calls, ["get-caller-identity"]);
}

/// Tags, and versions also where an earlier run did not get to publish.
#[test]
fn tags_and_versions_are_made_up_for() {
    let mut answers = all_there();
    answers.extend([
        ("ACCOUNT", "111122223333"),
        ("TAGGED", "false"),
        ("PUBLISHED", "\"old=\""),
    ]);
    answers.insert("FUNCTION", "Active Successful full+sha256= x86_64 true");
    let (output, _) = run(&large(), &answers);
    insta::assert_snapshot!(stdout(&output), @"
    = dev-certs unchanged
    ~ dev-checkout code
    * dev-full tags
    * dev-full version
    deployed stage dev: 0 created, 2 updated, 1 unchanged
    ");
    answers.extend([("TAGGED", "true"), ("PUBLISHED", "\"full+sha256=\"")]);
    let (output, _) = run(&large(), &answers);
    assert!(stdout(&output).contains("= dev-full unchanged\n"));
}
