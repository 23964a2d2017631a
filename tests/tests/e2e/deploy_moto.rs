//! Proves that the emitted script deploys: run by the real AWS CLI against a moto server it makes
//! what the workspace says, changes nothing when run again, and updates exactly what was edited.

use std::collections::BTreeMap;

use lambuild_testkit::{Aws, Moto, Program, Request, Run, TempWorkspace, Tools};
use serde_json::Value;

use crate::harness::{code_sha256, example, lambuild};

/// The functions of the example, as (folder, name).
const FUNCTIONS: [(&str, &str); 5] = [
    ("services/orders", "audit"),
    ("services/orders", "orders-api"),
    ("services/payments", "checkout"),
    ("services/payments", "refund"),
    ("services/payments", "void"),
];

/// A stage of the example, with an AWS account of its own.
struct Stage {
    name: &'static str,
    arch: &'static str,
    workspace: TempWorkspace,
    moto: Moto,
    aws: Aws,
}

impl Stage {
    /// An account that has nothing but the role of the functions, and the written deployment.
    #[track_caller]
    fn start(name: &'static str, arch: &'static str, account: &str) -> Self {
        let tools = Tools::find();
        let moto = Moto::start(&tools, account);
        let aws = Aws::new(&tools, &moto);
        let role = format!("orders-{name}");
        aws.json([
            "iam",
            "create-role",
            "--role-name",
            &role,
            "--assume-role-policy-document",
            "{}",
        ]);
        let stage = Self {
            name,
            arch,
            workspace: example("monorepo"),
            moto,
            aws,
        };
        stage.write();
        stage
    }

    /// Builds, and writes the deployment.
    #[track_caller]
    fn write(&self) {
        lambuild(&self.workspace)
            .run(["deploy", "--stage", self.name])
            .success();
    }

    /// Runs the script; returns what it said and the writes that the server saw.
    #[track_caller]
    fn deploy(&self) -> (Run, Vec<Request>) {
        self.moto.requests();
        // From another folder: the script finds its zips by its own place.
        let script = self.workspace.path(&format!("dist/{}/deploy.sh", self.name));
        let run = self
            .aws
            .equip(Program::new("sh", "/").arg(script))
            .run()
            .success();
        let writes = self
            .moto
            .requests()
            .into_iter()
            .filter(Request::is_write)
            .collect();
        (run, writes)
    }

    fn function_name(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// Everything that AWS tells of all functions and layers, by name.
    #[track_caller]
    fn state(&self) -> BTreeMap<String, Value> {
        let mut state = BTreeMap::new();
        for (_, name) in FUNCTIONS {
            let name = self.function_name(name);
            let versions = self
                .aws
                .json(["lambda", "list-versions-by-function", "--function-name", &name]);
            let function = self
                .aws
                .json(["lambda", "get-function", "--function-name", &name]);
            state.insert(
                name,
                Value::from(vec![function["Configuration"].clone(), versions]),
            );
        }
        for layer in ["certs", "tools"] {
            let name = self.function_name(layer);
            let versions = self
                .aws
                .json(["lambda", "list-layer-versions", "--layer-name", &name]);
            state.insert(name, versions);
        }
        state
    }

    /// Whether AWS holds what lambuild built, for one function.
    #[track_caller]
    fn holds_what_was_built(&self, folder: &str, name: &str) {
        let zip = self
            .workspace
            .bytes(&format!(".lambuild/out/{folder}/{name}/{}.zip", self.arch));
        let answer = self.aws.json([
            "lambda",
            "get-function",
            "--function-name",
            &self.function_name(name),
        ]);
        let function = &answer["Configuration"];
        assert_eq!(function["CodeSha256"], code_sha256(&zip), "{function:#}");
        assert_eq!(
            function["Architectures"],
            serde_json::json!([self.arch]),
            "{function:#}"
        );
        assert_eq!(function["Runtime"], "provided.al2023", "{function:#}");
        assert_eq!(
            function["Environment"]["Variables"]["CURRENCY"], "EUR",
            "{function:#}"
        );
        assert_eq!(self.layer_names(function), self.layers_of(name), "{function:#}");
    }

    /// The names in the ARNs of a function's layers, in order.
    fn layer_names(&self, function: &Value) -> Vec<String> {
        let layers = function["Layers"].as_array().cloned().unwrap_or_default();
        let name = |layer: &Value| {
            layer["Arn"]
                .as_str()
                .and_then(|arn| arn.split(':').nth(6))
                .map(str::to_owned)
        };
        layers.iter().filter_map(name).collect()
    }

    fn layers_of(&self, name: &str) -> Vec<String> {
        let layers: &[&str] = if name == "audit" {
            &["certs", "tools"]
        } else {
            &["certs"]
        };
        layers.iter().map(|layer| self.function_name(layer)).collect()
    }
}

/// The names whose state differs.
fn differences(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect()
}

fn deploys_twice_and_then_a_change(stage: &Stage) {
    let (first, _) = stage.deploy();
    for (folder, name) in FUNCTIONS {
        stage.holds_what_was_built(folder, name);
    }
    let created = stage.state();

    let (again, writes) = stage.deploy();
    assert_eq!(
        writes,
        [],
        "the second run wrote\nfirst run:\n{first}\nsecond run:\n{again}"
    );
    assert_eq!(
        differences(&created, &stage.state()),
        Vec::<String>::new(),
        "{again}"
    );

    stage.workspace.edit(
        "services/payments/cmd/void/main.go",
        "can be voided",
        "may be voided",
    );
    stage.write();
    let (changed, writes) = stage.deploy();
    let void = stage.function_name("void");
    assert_eq!(
        differences(&created, &stage.state()),
        [void.as_str()],
        "{changed}"
    );
    assert!(
        writes.iter().all(|request| request.path.contains(&void)),
        "{writes:#?}"
    );
    stage.holds_what_was_built("services/payments", "void");
}

#[test]
fn the_dev_stage_is_deployed_for_arm64() {
    deploys_twice_and_then_a_change(&Stage::start("dev", "arm64", "111122223333"));
}

#[test]
fn the_prod_stage_is_deployed_for_x86_64() {
    deploys_twice_and_then_a_change(&Stage::start("prod", "x86_64", "444455556666"));
}

#[test]
fn stages_differ_in_what_they_say_and_not_in_their_bytes() {
    let workspace = example("monorepo");
    for stage in ["dev", "prod"] {
        lambuild(&workspace).run(["deploy", "--stage", stage]).success();
    }
    let manifest = |stage: &str| -> Value {
        serde_json::from_str(&workspace.read(&format!("dist/{stage}/manifest.json"))).expect("a manifest")
    };
    let memory = |stage: &str| {
        workspace
            .read(&format!("dist/{stage}/deploy.sh"))
            .matches("512")
            .count()
    };
    assert_ne!(manifest("dev"), manifest("prod"));
    assert!(
        memory("prod") > memory("dev"),
        "prod gives the payments more memory"
    );
}

#[test]
fn a_change_of_a_layer_reaches_its_users_and_no_one_else() {
    let stage = Stage::start("dev", "arm64", "111122223333");
    stage.deploy();
    let before = stage.state();
    stage.workspace.edit(
        "layers/tools/lib/audit/fields.json",
        "\"phone\"",
        "\"phone\", \"address\"",
    );
    stage.write();
    let (run, _) = stage.deploy();
    let after = stage.state();
    let (audit, tools) = (stage.function_name("audit"), stage.function_name("tools"));
    assert_eq!(differences(&before, &after), [audit.clone(), tools], "{run}");
    let layers = after[&audit][0]["Layers"].as_array().expect("layers").clone();
    assert!(
        layers[1]["Arn"].as_str().is_some_and(|arn| arn.ends_with(":2")),
        "{layers:?}"
    );
    assert_eq!(before[&audit][0]["CodeSha256"], after[&audit][0]["CodeSha256"]);
}
