//! Defaults, both ways of saying a thing, and everything that is refused.

use super::*;
use crate::fixture;
use lambuild_lang::source::FileId;
use lambuild_lang::value::{Attr, Secret};
use std::sync::Arc;

fn span() -> Span {
    Span::new(FileId(0), 0, 1)
}

fn value(data: Data) -> Value {
    Value { data, span: span() }
}

fn text(text: &str) -> Data {
    Data::Str(Arc::from(text))
}

fn attrs<'a>(entries: impl IntoIterator<Item = (&'a str, Data)>) -> Attrs {
    let entry = |(key, data)| {
        (
            Arc::from(key),
            Attr {
                key_span: span(),
                value: value(data),
            },
        )
    };
    Attrs(entries.into_iter().map(entry).collect())
}

fn set<'a>(entries: impl IntoIterator<Item = (&'a str, Data)>) -> Data {
    Data::Set(Arc::new(attrs(entries)))
}

fn list(items: impl IntoIterator<Item = Data>) -> Data {
    Data::List(items.into_iter().map(value).collect())
}

fn named(name: &str) -> Declared<'_> {
    Declared { name, span: span() }
}

/// A function of these attributes; `layer.0` is built for arm64 only.
fn read(attrs: &Attrs, stage: &Stage) -> Result<FunctionSettings, String> {
    let layer = |id: TargetId, arch| {
        (id == TargetId(0) && arch == Arch::Arm64).then(|| LayerUse::Local(":certs".to_owned()))
    };
    function_from(attrs, named("checkout"), stage, Arch::Arm64, &layer).map_err(|wrong| words(&wrong))
}

fn words(wrong: &[Diagnostic]) -> String {
    let line = |one: &Diagnostic| {
        let help = one
            .help
            .as_deref()
            .map(|help| format!("\n  help: {help}"))
            .unwrap_or_default();
        format!("{} {}{help}\n", one.code, one.message)
    };
    wrong.iter().map(line).collect()
}

#[test]
fn a_short_function_gets_the_apis_defaults() {
    let short = attrs([("runtime", text("provided.al2023")), ("timeout", Data::Null)]);
    let settings = read(&short, &fixture::stage()).unwrap();
    assert_eq!(
        (settings.timeout, settings.memory_size, settings.ephemeral_storage),
        (3, 128, 512)
    );
    assert_eq!(
        (settings.function_name.as_str(), settings.handler.as_str()),
        ("checkout", "bootstrap")
    );
    assert_eq!(settings.role, "arn:aws:iam::111122223333:role/dev");
    assert_eq!(
        (settings.tracing_mode.as_str(), settings.publish),
        ("PassThrough", false)
    );
    assert_eq!(
        (
            settings.environment.len(),
            settings.layers.len(),
            settings.vpc_config
        ),
        (0, 0, None)
    );
}

#[test]
fn what_the_file_says_is_taken() {
    let long = attrs([
        ("function_name", text("dev-checkout")),
        ("runtime", text("python3.13")),
        ("handler", text("app.handler")),
        ("role", text("${ROLE}")),
        ("architecture", text("arm64")),
        ("timeout", Data::Int(29)),
        ("ephemeral_storage", set([("size", Data::Int(1024))])),
        (
            "environment",
            set([("TABLE", text("orders")), ("GONE", Data::Null)]),
        ),
        (
            "layers",
            list([
                Data::Reference(TargetId(0)),
                text("arn:aws:lambda:eu-west-1:111122223333:layer:x:3"),
            ]),
        ),
        (
            "vpc_config",
            set([
                ("subnet_ids", list([text("b"), text("a")])),
                ("security_group_ids", list([])),
            ]),
        ),
        ("dead_letter_config", set([("target_arn", text("arn:aws:sqs:x"))])),
        ("tags", set([("team", text("payments"))])),
        ("publish", Data::Bool(true)),
    ]);
    let mut stage = fixture::stage();
    stage.tags =
        BTreeMap::from([("team", "all"), ("stage", "dev")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let settings = read(&long, &stage).unwrap();
    assert_eq!(
        (
            settings.timeout,
            settings.ephemeral_storage,
            settings.role.as_str()
        ),
        (29, 1024, "${ROLE}")
    );
    assert_eq!(
        settings.environment,
        BTreeMap::from([("TABLE".to_owned(), "orders".to_owned())])
    );
    let arn = "arn:aws:lambda:eu-west-1:111122223333:layer:x:3".to_owned();
    assert_eq!(
        settings.layers,
        [LayerUse::Local(":certs".to_owned()), LayerUse::Arn(arn)]
    );
    assert_eq!(settings.vpc_config.unwrap().subnet_ids, ["a", "b"]);
    assert_eq!(settings.dead_letter_target.as_deref(), Some("arn:aws:sqs:x"));
    let tags: Vec<_> = settings
        .tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(
        (tags.join(" ").as_str(), settings.publish),
        ("stage=dev team=payments", true)
    );
}

#[test]
fn everything_that_is_missing_or_wrong_is_reported_at_once() {
    let mut stage = fixture::stage();
    stage.role = None;
    let nothing = read(&attrs([]), &stage).unwrap_err();
    let wrong = attrs([
        ("runtime", text("nodejs22.x")),
        ("architecture", text("x86_64")),
        ("memory_size", text("128")),
        ("environment", set([("BIG", text(&"x".repeat(4096)))])),
        ("layers", list([Data::Reference(TargetId(0))])),
        ("description", text("a\0b")),
        ("vpc_config", list([])),
    ]);
    let wrong = read(&wrong, &fixture::stage()).unwrap_err();
    insta::assert_snapshot!(nothing + &wrong, @r#"
    E0901 the function `checkout` has no `runtime`
      help: for Go, Rust and other programs: `runtime = "provided.al2023"`
    E0903 the function `checkout` has no `role` in the stage `dev`
      help: give one for all in the stage: `role = "arn:aws:iam::111122223333:role/NAME"`
    E0902 the function `checkout` has no `handler`
      help: name it as the runtime does, such as `handler = "app.handler"`
    E0905 it holds a NUL character, which no command line can carry
    E0905 expected an integer, found a string
    E0904 the environment has 4106 bytes, at most 4096 are allowed
      help: put what is big into a file of the zip, or into a parameter store
    E0909 the layer has nothing for the function's architecture
    E0905 expected a set, found a list
    "#);
}

#[test]
fn a_name_that_aws_does_not_take_needs_another() {
    let attrs = attrs([("runtime", text("provided.al2023"))]);
    let none = |_, _| None;
    let wrong = function_from(&attrs, named("v1.2"), &fixture::stage(), Arch::Arm64, &none).unwrap_err();
    insta::assert_snapshot!(words(&wrong), @r#"
    E0905 `v1.2` is no name of a function: 1 to 64 letters, digits, `-` and `_`
      help: give it another name there: `function_name = "…"`
    "#);
}

#[test]
fn a_layer_is_read_and_its_arn_is_chosen_by_architecture() {
    let settings = layer_from(&attrs([("data", Data::Bool(true))]), named("certs")).unwrap();
    assert_eq!((settings.layer_name.as_str(), settings.data), ("certs", true));

    let one = attrs([("arn", text("arn:one"))]);
    assert_eq!(layer_arn(&one, Arch::X86_64).as_deref(), Some("arn:one"));
    let two = attrs([("arn", set([("arm64", text("arn:arm"))]))]);
    assert_eq!(layer_arn(&two, Arch::Arm64).as_deref(), Some("arn:arm"));
    assert_eq!(layer_arn(&two, Arch::X86_64), None);
}

#[test]
fn a_stage_refuses_what_this_version_would_ignore() {
    let stage = attrs([("region", text("eu-west-1")), ("account", text("111122223333"))]);
    let stage = stage_from(&stage, named("dev")).unwrap();
    assert_eq!(
        (stage.region.as_str(), stage.account.as_deref()),
        ("eu-west-1", Some("111122223333"))
    );

    let wrong = stage_from(
        &attrs([("bucket", text("acme")), ("alias", text("live"))]),
        named("dev"),
    )
    .unwrap_err();
    insta::assert_snapshot!(words(&wrong), @"
    E0906 this version of lambuild does not carry out `bucket`
      help: leave it out: ignoring it would deploy something else than the file says
    E0906 this version of lambuild does not carry out `alias`
      help: leave it out: ignoring it would deploy something else than the file says
    E0905 `dev` has no `region`
    ");
}

#[test]
fn what_is_known_only_at_deployment_is_refused_and_never_shown() {
    let secret = Data::Secret(Secret::parse("ssm:/acme/db").unwrap());
    let later = attrs([
        ("runtime", text("provided.al2023")),
        (
            "environment",
            set([("DB", secret), ("PEER", Data::Url(TargetId(1)))]),
        ),
        ("tags", set([("layer", Data::Arn(TargetId(0)))])),
    ]);
    let wrong = read(&later, &fixture::stage()).unwrap_err();
    insta::assert_snapshot!(wrong, @r"
    E0906 a secret cannot be deployed: the script does not fetch such values yet
      help: let the function read the secret itself when it starts, and give it only the name
    E0906 a URL that is known at deployment cannot be deployed: the script does not fetch such values yet
      help: write the text itself, with `${stage.region}` and the like for what differs
    E0906 an ARN that is known at deployment cannot be deployed: the script does not fetch such values yet
      help: write the text itself, with `${stage.region}` and the like for what differs
    ");
}
