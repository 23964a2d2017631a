//! Proves what an editor gets from `lambuild lsp`, with the real program and a real workspace.

use std::fs;
use std::path::{Path, PathBuf};

use lambuild_testkit::TempWorkspace;
use serde_json::{Value, json};

use crate::harness::example;
use crate::lsp_client::{Client, place, uri};

/// A copy of the monorepo example with its payments file open, and the text of that.
fn payments() -> (TempWorkspace, Client, PathBuf, String) {
    let workspace = example("monorepo");
    let file = workspace.path("services/payments/lambda.build");
    let text = fs::read_to_string(&file).expect("the example has it");
    let (mut client, _) = Client::begin(&workspace, &[]);
    client.open(&file, &text);
    assert_eq!(client.diagnostics(&file, Some(1)), Vec::<Value>::new());
    (workspace, client, file, text)
}

fn start_of(place: &Value) -> (u64, u64) {
    let start = &place["range"]["start"];
    (
        start["line"].as_u64().expect("a line"),
        start["character"].as_u64().expect("a column"),
    )
}

#[test]
fn a_broken_file_is_told_and_a_repaired_one_is_clean() {
    let (_workspace, mut client, file, text) = payments();
    let broken = text.replace("orders.service(./cmd/refund)", "orders.servise(./cmd/refund)");
    client.replace(&file, 2, &broken);
    let found = client.diagnostics(&file, Some(2));
    assert_eq!(found.len(), 1, "{found:#?}");
    let (line, column) = place(&broken, "orders.|servise");
    assert_eq!(start_of(&found[0]), (line as u64, column as u64));
    assert_eq!(found[0]["range"]["end"]["character"], column + "servise".len());
    assert_eq!(found[0]["code"], "E0201");
    assert_eq!(found[0]["severity"], 1);
    assert_eq!(found[0]["source"], "lambuild");
    let message = found[0]["message"].as_str().expect("a text");
    assert!(message.contains("did you mean `orders.service`?"), "{message}");
    assert!(
        message.contains("`lambuild explain E0201` tells more"),
        "{message}"
    );

    let actions = client.request(
        "textDocument/codeAction",
        json!({"textDocument": {"uri": uri(&file)}, "range": found[0]["range"], "context": {"diagnostics": found}}),
    );
    let actions = actions.expect("an answer");
    assert_eq!(actions[0]["title"], "Write `service`");
    let edit = &actions[0]["edit"]["changes"][uri(&file)][0];
    assert_eq!(
        (&edit["newText"], &edit["range"]),
        (&json!("service"), &found[0]["range"])
    );

    // Repaired by the edit that the action proposes.
    client.edit(
        &file,
        3,
        (line as u64, column as u64),
        (line as u64, (column + "servise".len()) as u64),
        "service",
    );
    assert_eq!(client.diagnostics(&file, Some(3)), Vec::<Value>::new());
}

#[test]
fn syntax_is_told_while_typing_and_the_newest_text_wins() {
    let (_workspace, mut client, file, text) = payments();
    let line = text.matches('\n').count() as u64;
    for (version, letter) in (2..).zip("function x = \n".chars()) {
        let at = (line, version as u64 - 2);
        client.edit(&file, version, at, at, &letter.to_string());
    }
    let found = client.diagnostics(&file, Some(15));
    assert_eq!(found[0]["code"], "E0101");
    client.edit(&file, 16, (line, 0), (line + 1, 0), "");
    assert_eq!(client.diagnostics(&file, Some(16)), Vec::<Value>::new());
}

#[test]
fn unsaved_text_of_an_imported_file_counts() {
    let (workspace, mut client, file, _) = payments();
    let root = workspace.path("lambda.build");
    let text = fs::read_to_string(&root).expect("the example has it");
    client.open(&root, &text);
    assert_eq!(client.diagnostics(&root, Some(1)), Vec::<Value>::new());
    let renamed = text.replace("let service(", "let serve(");
    client.replace(&root, 2, &renamed);
    assert_eq!(client.diagnostics(&root, Some(2)), Vec::<Value>::new());
    let found = client.wait(|message| {
        message["params"]["uri"] == uri(&file)
            && message["params"]["diagnostics"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
    });
    assert_eq!(found["params"]["diagnostics"][0]["code"], "E0201");
    // A file that is not open is told as well, without a version.
    let orders = workspace.path("services/orders/lambda.build");
    assert!(!client.diagnostics(&orders, None).is_empty());
    // Closed without being saved: what is on disk counts again.
    client.notify(
        "textDocument/didClose",
        json!({"textDocument": {"uri": uri(&root)}}),
    );
    let clean = |message: &Value, file: &Path| {
        message["params"]["uri"] == uri(file)
            && message["params"]["diagnostics"]
                .as_array()
                .is_some_and(Vec::is_empty)
    };
    client.wait(|message| clean(message, &orders));
    client.wait(|message| clean(message, &file));
}

#[test]
fn a_change_on_disk_counts_once_it_is_told() {
    let (workspace, mut client, file, _) = payments();
    fs::remove_dir_all(workspace.path("services/payments/cmd/void")).expect("it is there");
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": []}));
    let found = client.wait(|message| {
        message["params"]["diagnostics"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    });
    assert_eq!(found["params"]["uri"], uri(&file));
    assert_eq!(found["params"]["diagnostics"][0]["code"], "E0501");
}

#[test]
fn completion_knows_attributes_values_and_names() {
    let (workspace, mut client, file, text) = payments();
    let root = workspace.path("lambda.build");
    let half = format!(
        "{text}\nfunction late {{\n  build = go {{ main = ./cmd/void }}\n  runtime = \"prov\n  mem\n"
    );
    client.replace(&file, 2, &half);
    let attributes = client.complete(&file, &half, "\n  mem|");
    assert!(attributes.contains(&"memory_size".to_owned()), "{attributes:?}");
    assert!(
        !attributes.contains(&"runtime".to_owned()),
        "it is there already: {attributes:?}"
    );
    assert!(
        client
            .complete(&file, &half, "\"prov|")
            .contains(&"provided.al2023".to_owned())
    );
    assert!(
        client
            .complete(&file, &half, "go { ma|in")
            .contains(&"ldflags".to_owned())
    );
    let exported = client.complete(&file, &half, "function refund = orders.|service");
    assert_eq!(exported, ["service", "function", "layer", "target"]);
    assert_eq!(
        client.complete(&file, &half, "main = ./cmd/|void"),
        ["checkout", "refund", "void"]
    );
    assert_eq!(
        client.complete(&file, &half, "# The pay|ments team"),
        [] as [&str; 0]
    );

    let text = fs::read_to_string(&root).expect("the example has it");
    client.open(&root, &text);
    client.diagnostics(&root, Some(1));
    assert_eq!(
        client.complete(&root, &text, "layers      = [layer.|certs]"),
        ["certs", "tools"]
    );
    assert_eq!(
        client.complete(&root, &text, "CURRENCY  = stage.vars.|currency"),
        ["currency", "log_level"]
    );
    let details = client
        .ask("textDocument/completion", &root, &text, "  time|out = 10")
        .expect("an answer");
    let timeout = details["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|item| item["label"] == "timeout");
    let timeout = timeout.expect("the attribute");
    assert_eq!(timeout["detail"], "an integer from 1 to 900");
    assert_eq!(timeout["textEdit"]["newText"], "timeout");
    assert_eq!(
        timeout["documentation"]["value"],
        "**timeout**: an integer from 1 to 900; default: `3`\n\nSeconds that one call may take: 1 to 900."
    );
}

#[test]
fn hover_tells_what_a_word_means() {
    let (_workspace, mut client, file, text) = payments();
    let mut hover = |marked: &str| -> String {
        let found = client
            .ask("textDocument/hover", &file, &text, marked)
            .expect("an answer");
        found["contents"]["value"].as_str().unwrap_or_default().to_owned()
    };
    assert!(hover("{ time|out = 29 }").starts_with("**timeout**: an integer from 1 to 900"));
    assert!(hover("checkout = me|rge").contains("The sets put together"));
    let service = hover("refund = orders.ser|vice");
    assert!(
        service.contains("let service(main, memory = 256) = {"),
        "{service}"
    );
    assert!(
        service.contains("What the functions have in common."),
        "{service}"
    );
    assert!(service.contains("From `lambda.build`"), "{service}");
    assert_eq!(hover("import| ../.. as"), "");
}

#[test]
fn definitions_are_found_across_imports() {
    let (workspace, mut client, file, text) = payments();
    let root = workspace.path("lambda.build");
    let rules = fs::read_to_string(&root).expect("the example has it");
    let found = client.ask(
        "textDocument/definition",
        &file,
        &text,
        "refund = orders.ser|vice",
    );
    let found = found.expect("an answer");
    let (line, column) = place(&rules, "let |service(");
    assert_eq!(found["uri"], uri(&root));
    assert_eq!(start_of(&found), (line as u64, column as u64));
    let found = client
        .ask("textDocument/definition", &file, &text, "import ../|.. as")
        .expect("an answer");
    assert_eq!((&found["uri"], start_of(&found)), (&json!(uri(&root)), (0, 0)));
    let found = client.ask(
        "textDocument/definition",
        &file,
        &text,
        "refund = ord|ers.service",
    );
    assert_eq!(found.expect("an answer")["uri"], uri(&file));

    let orders = workspace.path("services/orders/lambda.build");
    let text = fs::read_to_string(&orders).expect("the example has it");
    client.open(&orders, &text);
    client.diagnostics(&orders, Some(1));
    let found = client
        .ask("textDocument/definition", &orders, &text, "orders.layer.ce|rts")
        .expect("an answer");
    let (line, column) = place(&rules, "layer |certs {");
    assert_eq!(
        (&found["uri"], start_of(&found)),
        (&json!(uri(&root)), (line as u64, column as u64))
    );
}

#[test]
fn references_and_renaming_reach_all_files() {
    let (workspace, mut client, _, _) = payments();
    let root = workspace.path("lambda.build");
    let text = fs::read_to_string(&root).expect("the example has it");
    client.open(&root, &text);
    client.diagnostics(&root, Some(1));
    let found = client
        .ask("textDocument/references", &root, &text, "layer ce|rts {")
        .expect("an answer");
    let places: Vec<(String, u64)> = found
        .as_array()
        .expect("places")
        .iter()
        .map(|found| {
            let uri = found["uri"].as_str().unwrap_or_default();
            let below = uri.strip_prefix(&format!("file://{}/", workspace.root().display()));
            (below.unwrap_or(uri).to_owned(), start_of(found).0 + 1)
        })
        .collect();
    let line = |marked| place(&text, marked).0 as u64 + 1;
    assert_eq!(
        places,
        [
            ("lambda.build".to_owned(), line("layer |certs")),
            ("lambda.build".to_owned(), line("layer.|certs")),
            ("services/orders/lambda.build".to_owned(), 7),
        ]
    );

    let (line, character) = place(&text, "let ser|vice(");
    let rename = |to: &str| json!({"textDocument": {"uri": uri(&root)}, "position": {"line": line, "character": character}, "newName": to});
    let changes = client
        .request("textDocument/rename", rename("lambda"))
        .expect("an answer");
    let changes = changes["changes"].as_object().expect("changes").clone();
    let counts: Vec<usize> = changes
        .values()
        .map(|edits| edits.as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 6, "{changes:#?}");
    assert_eq!(changes.len(), 3);
    let refused = client
        .request("textDocument/rename", rename("go"))
        .expect_err("a reserved name");
    assert_eq!(refused["message"], "`go` is a word of the language");
}

#[test]
fn symbols_of_a_file_and_of_the_workspace() {
    let (_workspace, mut client, file, _) = payments();
    let found = client.request(
        "textDocument/documentSymbol",
        json!({"textDocument": {"uri": uri(&file)}}),
    );
    let found = found.expect("an answer");
    let names = |found: &Value| -> Vec<String> {
        let all = found.as_array().expect("symbols").iter();
        all.map(|item| item["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&found), ["orders", "checkout", "refund", "void"]);
    assert_eq!(found[1]["detail"], "function");
    let found = client
        .request("workspace/symbol", json!({"query": "ordapi"}))
        .expect("an answer");
    assert_eq!(names(&found), ["orders-api"]);
}

#[test]
fn formatting_is_that_of_fmt_and_leaves_broken_files_alone() {
    let (_workspace, mut client, file, text) = payments();
    let untidy = text.replace("function void   = ", "function void=");
    client.replace(&file, 2, &untidy);
    let format =
        json!({"textDocument": {"uri": uri(&file)}, "options": {"tabSize": 2, "insertSpaces": true}});
    let edits = client
        .request("textDocument/formatting", format.clone())
        .expect("an answer");
    let line = place(&untidy, "function |void").0 as u64;
    assert_eq!(edits.as_array().map(Vec::len), Some(1), "{edits:#}");
    assert_eq!(start_of(&edits[0]), (line, 0));
    assert_eq!(
        edits[0]["newText"],
        "function void   = orders.service(./cmd/void)\n"
    );
    client.replace(&file, 3, "function x = (\n");
    let refused = client
        .request("textDocument/formatting", format)
        .expect_err("it does not parse");
    let why = refused["message"].as_str().expect("a text");
    assert!(
        why.starts_with("the file stays as it is, since it cannot be read: line "),
        "{why}"
    );
}

#[test]
fn columns_are_counted_as_agreed() {
    let text = "workspace é { architectures = [\"arm64\"], vars = { a = \"𝕏é\" + nope } }\n";
    for (offered, agreed) in [
        (&[][..], "utf-16"),
        (&["utf-16", "utf-8"], "utf-8"),
        (&["utf-32"], "utf-32"),
    ] {
        let text = text.replace("workspace é", "workspace w");
        let workspace = TempWorkspace::with(&[("lambda.build", &text)]);
        let file = workspace.path("lambda.build");
        let (mut client, result) = Client::begin(&workspace, offered);
        assert_eq!(result["capabilities"]["positionEncoding"], agreed);
        client.open(&file, &text);
        let found = client.diagnostics(&file, Some(1));
        let before = &text[..text.find("nope").expect("it stands there")];
        let column = match agreed {
            "utf-8" => before.len(),
            "utf-16" => before.encode_utf16().count(),
            _ => before.chars().count(),
        };
        assert_eq!(
            found[0]["range"]["start"]["character"], column,
            "{agreed}: {found:#?}"
        );
        // An edit behind the letters hits what it means.
        let (from, to) = (column as u64, column as u64 + 4);
        client.edit(&file, 2, (0, from), (0, to), "\"ok\"");
        assert_eq!(
            client.diagnostics(&file, Some(2)),
            Vec::<Value>::new(),
            "{agreed}"
        );
    }
}

#[test]
fn a_session_survives_what_is_wrong_and_ends_in_order() {
    let workspace = example("hello-go");
    let mut client = Client::start(&workspace);
    let early = client
        .request("textDocument/hover", json!({}))
        .expect_err("too early");
    assert_eq!(early["code"], -32002);
    client
        .request("initialize", json!({"capabilities": {}}))
        .expect("initialize");
    client.send_raw("Content-Length: 5\r\n\r\n{oops");
    let refused = client.wait(|message| message["error"]["code"] == -32700);
    assert_eq!(refused["id"], Value::Null);
    let unknown = client
        .request("textDocument/moniker", json!({}))
        .expect_err("not offered");
    assert_eq!(unknown["code"], -32601);
    let wrong = client
        .request("textDocument/hover", json!({"textDocument": 3}))
        .expect_err("nonsense");
    assert_eq!(wrong["code"], -32602);
    client.notify("textDocument/didChange", json!([1]));
    let closed = client.request(
        "textDocument/hover",
        json!({"textDocument": {"uri": "file:///no"}, "position": {"line": 0, "character": 0}}),
    );
    assert_eq!(
        closed.expect_err("not open")["message"],
        "`file:///no` is not open"
    );
    assert_eq!(client.request("shutdown", Value::Null), Ok(Value::Null));
    assert_eq!(
        client.request("shutdown", Value::Null).expect_err("twice")["code"],
        -32600
    );
    client.notify("exit", Value::Null);
    assert_eq!(client.end(), Some(0));
    // Nothing was built, and nothing written.
    assert!(!workspace.path(".lambuild").exists());
    assert!(!workspace.home().join("store").exists());

    let mut client = Client::start(&workspace);
    client.notify("exit", Value::Null);
    assert_eq!(client.end(), Some(1), "exit without shutdown");
    let mut client = Client::start(&workspace);
    assert_eq!(client.end(), Some(1), "the editor is gone");
}

#[test]
fn a_file_outside_of_any_workspace_is_judged_by_its_syntax() {
    let workspace = TempWorkspace::with(&[]);
    let file = workspace.path("lambda.build");
    let (mut client, _) = Client::begin(&workspace, &[]);
    client.open(&file, "let a = nobody\n");
    assert_eq!(client.diagnostics(&file, Some(1)), Vec::<Value>::new());
    client.replace(&file, 2, "let a = )\n");
    assert_eq!(client.diagnostics(&file, Some(2))[0]["code"], "E0101");
    // It gets a workspace, unsaved: now its names count.
    client.replace(&file, 3, "workspace w { }\nlet a = nobody\n");
    assert_eq!(client.diagnostics(&file, Some(3))[0]["code"], "E0201");
}

/// Not a test of speed but its measurement, for a release build:
/// `cargo test --release -p lambuild-tests --test e2e -- --ignored typing --nocapture`
#[test]
#[ignore = "it measures and says; nothing can fail"]
#[expect(clippy::disallowed_methods, reason = "a clock is what it is about")]
fn typing_in_a_workspace_of_a_thousand_functions() {
    let workspace = TempWorkspace::empty();
    let root = "workspace w { architectures = [\"arm64\", \"x86_64\"] }\n\
                let service(main) = { build = go { main = main }, runtime = \"provided.al2023\" }\n\
                stage dev { region = \"eu-west-1\", role = \"arn:aws:iam::111122223333:role/dev\" }\n";
    workspace.write("lambda.build", root);
    for team in 0..100 {
        let mut text = "import ../.. as lib\n".to_owned();
        for number in 0..10 {
            let name = format!("t{team}-f{number}");
            workspace.write(&format!("teams/t{team}/cmd/{name}/main.go"), "package main\n");
            text.push_str(&format!(
                "function {name} = merge(lib.service(./cmd/{name}), {{ timeout = 29, environment = {{ STAGE = stage.name }} }})\n"
            ));
        }
        workspace.write(&format!("teams/t{team}/lambda.build"), text);
    }
    let file = workspace.path("teams/t50/lambda.build");
    let text = fs::read_to_string(&file).expect("it was just written");
    let (mut client, _) = Client::begin(&workspace, &[]);
    let clock = std::time::Instant::now();
    client.open(&file, &text);
    assert_eq!(client.diagnostics(&file, Some(1)), Vec::<Value>::new());
    println!("opened: {:?}", clock.elapsed());
    let (mut checks, mut answers) = (Vec::new(), Vec::new());
    for version in 2..22 {
        let clock = std::time::Instant::now();
        client.edit(&file, version, (11, 0), (11, 0), " ");
        client.diagnostics(&file, Some(version));
        checks.push(clock.elapsed());
        let clock = std::time::Instant::now();
        client.complete(&file, &text, "function t50-f3 = merge(lib.|service");
        answers.push(clock.elapsed());
    }
    checks.sort();
    answers.sort();
    println!(
        "diagnostics after a key: median {:?}, worst {:?}",
        checks[10], checks[19]
    );
    println!("completion: median {:?}, worst {:?}", answers[10], answers[19]);
}
