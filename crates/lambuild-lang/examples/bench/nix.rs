//! The same workspace in Nix: that it means the same, and what `nix-instantiate` takes for it.

use crate::clock::{Run, medians, milliseconds, run};
use crate::disk::Disk;
use crate::schema::SCHEMAS;
use crate::table::Table;
use lambuild_lang::value::{Arch, Attrs, Data, TargetId};
use lambuild_lang::{Options, TargetKind, evaluate};
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;
use std::time::Duration;

const NIX: &str = "nix-instantiate";

/// Adds what Nix takes and how many times ours that is.
pub fn compare(table: &mut Table, folder: &Path) -> Result<(), String> {
    let Ok(version) = run(folder, NIX, &words(&["--version"])) else {
        return Err("Nix is missing; on Debian: apt-get install nix-bin".to_owned());
    };
    let equal = check_equal(&folder.with_file_name("few"))?;
    table.title(&format!(
        "against {}, processor time; {equal} functions of 1,000 mean the same in both",
        version.output.trim()
    ));
    let empty = folder.join("empty.nix");
    fs::write(&empty, "{ }").map_err(|why| why.to_string())?;
    let start = medians(folder, NIX, &words(&["--parse", "empty.nix"]))?;
    table.note("nix-instantiate of an empty file", &shown(&start));

    let parse = medians(folder, NIX, &parse_args(folder)?)?;
    table.note("nix-instantiate --parse, 1,000 files", &shown(&parse));
    ratio(table, folder, "parse", (&parse, &start), 3.0)?;

    let each = Arch::ALL.map(|arch| medians(folder, NIX, &eval_args(arch, false)));
    let [first, second] = each;
    let (first, second) = (first?, second?);
    let eval = Run {
        cpu: first.cpu + second.cpu,
        wall: first.wall + second.wall,
        output: String::new(),
    };
    let starts = Run {
        cpu: start.cpu * 2,
        wall: start.wall * 2,
        output: String::new(),
    };
    table.note("nix-instantiate --eval --strict, twice", &shown(&eval));
    ratio(table, folder, "build", (&eval, &starts), 1.5)
}

/// Ours beside Nix's, with the start of both processes and without.
fn ratio(
    table: &mut Table,
    folder: &Path,
    what: &str,
    (nix, nix_start): (&Run, &Run),
    goal: f64,
) -> Result<(), String> {
    let ours = crate::ours(what, folder)?.0;
    let start = crate::ours("nothing", folder)?.0;
    let over = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64().max(1e-6);
    let whole = over(nix.cpu, ours);
    let inner = over(nix.cpu.saturating_sub(nix_start.cpu), ours.saturating_sub(start));
    let name = match what {
        "parse" => "lambuild, the same files",
        _ => "lambuild, both architectures at once",
    };
    table.note(name, &milliseconds(ours));
    let least = whole.min(inner);
    table.row(
        "  times faster (without the start)",
        &format!("≥ {goal}"),
        &format!("{whole:.1} ({inner:.1})"),
        least >= goal,
    );
    Ok(())
}

fn shown(run: &Run) -> String {
    format!("{} (wall {})", milliseconds(run.cpu), milliseconds(run.wall))
}

fn words(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

fn parse_args(folder: &Path) -> Result<Vec<String>, String> {
    let mut args = words(&["--parse", "default.nix", "layers.nix", "lib/service.nix"]);
    for number in 0.. {
        let path = format!("services/s{number:04}/default.nix");
        if !folder.join(&path).exists() {
            break;
        }
        args.push(path);
    }
    Ok(args)
}

fn eval_args(arch: Arch, json: bool) -> Vec<String> {
    // Nothing is built, so no store is needed.
    let mut args = words(&["--store", "dummy://", "--eval", "--strict", "default.nix"]);
    args.extend(words(&["--argstr", "arch", arch.name()]));
    if json {
        args.extend(words(&["--json", "--arg", "json", "true"]));
    }
    args
}

/// How many functions a folder has, all with the same value in both languages.
fn check_equal(folder: &Path) -> Result<usize, String> {
    let mut count = 0;
    for arch in Arch::ALL {
        let text = run(folder, NIX, &eval_args(arch, true))?.output;
        let prefix = format!("\"{}/", folder.display());
        let theirs: Value = serde_json::from_str(&text.replace(&prefix, "\""))
            .map_err(|why| format!("Nix printed no JSON: {why}"))?;
        let ours = ours(folder, arch);
        if let Some(name) = differing(&ours, &theirs) {
            return Err(format!(
                "`{name}` is not the same in both for {arch}:\nlambuild {}\nNix {}",
                ours[name], theirs[name]
            ));
        }
        count = ours.as_object().map_or(0, Map::len);
        if theirs.as_object().map_or(0, Map::len) != count {
            return Err("Nix has other functions than lambuild".to_owned());
        }
    }
    Ok(count)
}

fn differing<'v>(ours: &'v Value, theirs: &Value) -> Option<&'v String> {
    let mut entries = ours.as_object().into_iter().flatten();
    entries
        .find(|(name, value)| theirs[name.as_str()] != **value)
        .map(|(name, _)| name)
}

/// What each function is built from, for one architecture.
fn ours(folder: &Path, arch: Arch) -> Value {
    let files = Disk(folder.to_owned());
    let mut evaluation = evaluate(&files, &SCHEMAS, &Options::default());
    let targets = evaluation.targets().to_vec();
    let functions = targets
        .iter()
        .filter(|target| target.kind == TargetKind::Function);
    let built = functions.map(|target| {
        let id: TargetId = target.id;
        let product = evaluation.build(id, arch).ok().flatten();
        let value = product.map_or(Value::Null, |product| attrs(&product.attrs));
        (target.name.to_string(), value)
    });
    Value::Object(built.collect())
}

fn attrs(attrs: &Attrs) -> Value {
    let entries = attrs
        .iter()
        .map(|(name, attr)| (name.to_string(), json(&attr.value.data)));
    Value::Object(entries.collect())
}

fn json(data: &Data) -> Value {
    match data {
        Data::Bool(value) => Value::from(*value),
        Data::Int(value) => Value::from(*value),
        Data::Str(text) => Value::from(&**text),
        Data::Path(path) => Value::from(path.as_str()),
        Data::List(items) => items.iter().map(|item| json(&item.data)).collect(),
        Data::Set(set) => attrs(set),
        // The measured workspace has no others; they would differ from Nix's.
        _ => Value::Null,
    }
}
