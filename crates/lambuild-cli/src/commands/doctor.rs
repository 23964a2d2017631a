//! `lambuild doctor`: what this machine offers to builds, what is missing, and what to do about it.

use crate::args::Common;
use crate::environment::Environment;
use crate::exit;
use crate::rules::host_go;
use crate::talk::Talk;
use crate::workspace::store;
use lambuild_sandbox::machine::{self, Offer};
use lambuild_sandbox::starter::Starter;
use lambuild_store::DiskStore;
use serde_json::{Value, json};

/// What was found; fields of the JSON form are only ever added.
struct Found {
    sandbox: Option<String>,
    offers: Vec<Offer>,
    store: Result<String, String>,
    reflinks: bool,
    toolchains: Vec<Toolchain>,
}

struct Toolchain {
    name: &'static str,
    at: Option<String>,
    version: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// The exit code, where builds would be weak or impossible.
pub fn run(common: &Common, environment: &Environment, talk: &Talk) -> Result<(), u8> {
    let found = look(common, environment);
    if talk.json {
        talk.data(&found.json().to_string());
    } else {
        talk.text(&found.text());
    }
    if found.sandbox.is_none() && found.store.is_ok() {
        Ok(())
    } else {
        Err(exit::FAILED)
    }
}

fn look(common: &Common, environment: &Environment) -> Found {
    let opened = store(common, environment);
    let folder = opened.as_deref().ok().map(DiskStore::root);
    let (sandbox, offers) = match folder {
        Some(folder) => (
            machine::missing(&Starter::default(), folder),
            machine::offers(folder),
        ),
        None => (
            Some("no sandbox can be tried without a store".to_owned()),
            Vec::new(),
        ),
    };
    Found {
        sandbox,
        offers,
        reflinks: folder.is_some_and(machine::reflinks),
        store: opened.map(|store| store.root().display().to_string()),
        toolchains: vec![go(environment)],
    }
}

fn go(environment: &Environment) -> Toolchain {
    let folder = host_go(environment);
    let version = folder
        .as_ref()
        .and_then(|folder| std::fs::read_to_string(folder.join("VERSION")).ok());
    Toolchain {
        name: "go",
        version: version.and_then(|text| text.lines().next().map(str::to_owned)),
        at: folder.map(|folder| folder.display().to_string()),
    }
}

impl Found {
    fn json(&self) -> Value {
        let offers: Vec<Value> = self
            .offers
            .iter()
            .map(|offer| json!({"name": offer.name, "there": offer.there, "found": offer.found}))
            .collect();
        let toolchains: Vec<Value> = self
            .toolchains
            .iter()
            .map(|tool| json!({"name": tool.name, "path": tool.at, "version": tool.version}))
            .collect();
        json!({
            "sandbox": if self.sandbox.is_none() { "strict" } else { "weak" },
            "missing": self.sandbox,
            "offers": offers,
            "container": machine::in_container(),
            "store": {
                "path": self.store.as_ref().ok(),
                "error": self.store.as_ref().err(),
                "reflinks": self.reflinks,
            },
            "toolchains": toolchains,
        })
    }

    fn text(&self) -> String {
        let mut lines = vec![match &self.sandbox {
            None => "sandbox     strict: actions see their inputs and nothing else".to_owned(),
            Some(why) => format!("sandbox     none: {why}"),
        }];
        for offer in &self.offers {
            let sign = if offer.there { "yes" } else { "NO " };
            lines.push(
                format!("  {sign}  {:<18} {}", offer.name, offer.found)
                    .trim_end()
                    .to_owned(),
            );
        }
        lines.push(match &self.store {
            Ok(path) => format!("store       {path}"),
            Err(why) => format!("store       cannot be used: {why}"),
        });
        let reflinks = if self.reflinks {
            "yes  reflinks: copies cost nothing"
        } else {
            "no   reflinks: copies cost their bytes"
        };
        lines.push(format!("  {reflinks}"));
        for tool in &self.toolchains {
            let at = match (&tool.at, &tool.version) {
                (Some(at), Some(version)) => format!("{version} in {at}"),
                _ => "not on PATH: declare a toolchain, or install one".to_owned(),
            };
            lines.push(format!("toolchain   {}: {at}", tool.name));
        }
        lines.join("\n") + "\n"
    }
}
