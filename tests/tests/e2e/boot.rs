//! Proves that what was built runs: each function answers its event behind a Lambda Runtime
//! API, arm64 under an emulator, x86_64 natively (or the other way round).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use lambuild_testkit::{Arch, Bootstrap, TempWorkspace};

use crate::harness::{first_build, first_workspace, unzip};

/// Unpacks a function as Lambda does and invokes it on both architectures.
#[track_caller]
fn answers(target: &str, event: &str, expected: &str) {
    for arch in Arch::ALL {
        let task_root = TempWorkspace::empty();
        let bootstrap = Bootstrap::new(unpack(target, arch, &task_root), arch);
        let answer = bootstrap
            .env("CURRENCY", "EUR")
            .env("LOG_LEVEL", "error")
            .invoke(event);
        assert_eq!(answer.as_deref(), Ok(expected), "{target} for {arch}");
    }
}

/// Unpacks a function's zip and returns the place of its `bootstrap`.
#[track_caller]
fn unpack(target: &str, arch: Arch, task_root: &TempWorkspace) -> PathBuf {
    let artifact = first_build().artifact(target, arch.name());
    for (path, mode, content) in unzip(&first_workspace().bytes(&artifact.path)) {
        task_root.write(&path, content);
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(task_root.path(&path), permissions).expect("the mode is set");
    }
    task_root.path("bootstrap")
}

#[test]
fn hello_greets_on_both_architectures() {
    answers(
        "examples/hello-go:hello",
        r#"{"name":"Jane"}"#,
        r#""Hello Jane!""#,
    );
}

#[test]
fn checkout_prices_an_order() {
    let order = r#"{"customer":"jane","lines":[{"item":"tea","count":2}]}"#;
    let id = "1e1e3b01a39f35ec";
    let receipt = format!(r"Order {id} for jane\n2 x tea\nTotal 9.00 EUR\n");
    let expected =
        format!(r#"{{"id":"{id}","total":{{"cents":900,"currency":"EUR"}},"receipt":"{receipt}"}}"#);
    answers("examples/monorepo/services/payments:checkout", order, &expected);
}

#[test]
fn refund_gives_back_what_is_left() {
    let expected =
        r#"{"id":"a","refund":{"cents":500,"currency":"EUR"},"left":{"cents":400,"currency":"EUR"}}"#;
    answers(
        "examples/monorepo/services/payments:refund",
        r#"{"id":"a","paid":900,"wanted":500}"#,
        expected,
    );
}

#[test]
fn void_cancels_a_payment() {
    let expected = r#"{"id":"p-1","state":"voided"}"#;
    answers(
        "examples/monorepo/services/payments:void",
        r#"{"id":"p-1","state":"authorized"}"#,
        expected,
    );
}

#[test]
fn orders_api_lists_the_embedded_catalogue() {
    let expected = concat!(
        r#"{"statusCode":200,"headers":{"Content-Type":"application/json"},"multiValueHeaders":null,"#,
        r#""body":"{\"items\":[\"cup\",\"kettle\",\"tea\"]}","cookies":null}"#
    );
    answers(
        "examples/monorepo/services/orders:orders-api",
        r#"{"routeKey":"GET /catalog"}"#,
        expected,
    );
}

#[test]
fn audit_masks_what_must_stay_secret() {
    let event = r#"{"Records":[{"messageId":"m","body":"{\"card\":\"4111\",\"id\":\"a\"}"}]}"#;
    let expected = r#"{"written":1,"last":{"card":"***","id":"a"}}"#;
    answers("examples/monorepo/services/orders:audit", event, expected);
}
