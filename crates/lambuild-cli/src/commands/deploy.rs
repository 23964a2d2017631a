//! `lambuild deploy`: builds what a stage needs and writes `dist/STAGE/`: zips, script
//! and manifest. Calls nothing in AWS.

use crate::args::Deploy;
use crate::artifacts::{self, Artifact, replace};
use crate::commands::build::deliver;
use crate::environment::Environment;
use crate::exit;
use crate::run::{self, Built, judge};
use crate::summary::Summary;
use crate::talk::{Talk, size};
use crate::workspace::Workspace;
use lambuild_action::{BlobStore, StoreError};
use lambuild_deploy::deployment::Deployment;
use lambuild_deploy::manifest::Manifest;
use lambuild_deploy::model::{
    self, Declared, Function, FunctionSettings, Layer, LayerSettings, LayerUse, Stage, function_from,
    layer_arn, layer_from, stage_from,
};
use lambuild_deploy::script::deploy_sh;
use lambuild_graph::Configured;
use lambuild_lang::codes::SAME_NAME;
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::value::{Arch, Attrs, TargetId};
use lambuild_lang::{Evaluation, Target, TargetKind};
use lambuild_store::temporary;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use tempfile::TempDir;

/// What of a stage is deployed, before anything is built.
pub struct Settings {
    /// The stage, as the first workspace that has it says.
    pub stage: Stage,
    /// Functions with their deploy attributes.
    pub functions: Vec<(TargetId, FunctionSettings)>,
    /// Layers with content of their own.
    pub layers: Vec<(TargetId, LayerSettings)>,
}

/// Reads everything that a stage deploys.
///
/// # Errors
/// All that is wrong with it.
pub fn settings(evaluation: &mut Evaluation<'_>, name: &str) -> Result<Settings, Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    let stage = stage(evaluation, name).map_err(|found| wrong.extend(found)).ok();
    let targets: Vec<Target> = evaluation
        .targets()
        .iter()
        .filter(|target| is_in(evaluation, target, name))
        .cloned()
        .collect();
    let mut attrs: Vec<Option<Attrs>> = vec![None; evaluation.targets().len()];
    for target in &targets {
        let evaluated = evaluation
            .deploy(target.id, name)
            .map_err(|found| wrong.extend(found));
        attrs[target.id.0 as usize] = evaluated.ok();
    }
    let (mut functions, mut layers) = (Vec::new(), Vec::new());
    for target in &targets {
        let Some(of_target) = &attrs[target.id.0 as usize] else {
            continue;
        };
        let declared = Declared {
            name: &target.name,
            span: target.span,
        };
        let read = match target.kind {
            TargetKind::Layer if of_target.get("arn").is_some() => Ok(()),
            TargetKind::Layer => layer_from(of_target, declared).map(|read| layers.push((target.id, read))),
            _ => function(evaluation, target, name, &attrs).map(|read| functions.push((target.id, read))),
        };
        wrong.extend(read.err().unwrap_or_default());
    }
    wrong.extend(same_names(evaluation, name, &functions, &layers));
    match stage {
        Some(stage) if wrong.is_empty() => Ok(Settings {
            stage,
            functions,
            layers,
        }),
        _ => Err(wrong),
    }
}

/// Targets that would overwrite each other, found before anything is built for them. A stage
/// means one account and region, so names are all that is compared.
fn same_names(
    evaluation: &Evaluation<'_>,
    stage: &str,
    functions: &[(TargetId, FunctionSettings)],
    layers: &[(TargetId, LayerSettings)],
) -> Vec<Diagnostic> {
    let functions = functions.iter().map(|(id, read)| (*id, &read.function_name));
    let layers = layers.iter().map(|(id, read)| (*id, &read.layer_name));
    let mut seen: BTreeMap<(TargetKind, &str), TargetId> = BTreeMap::new();
    let mut found = Vec::new();
    for (id, name) in functions.chain(layers) {
        let kind = evaluation.target(id).kind;
        match seen.get(&(kind, name)) {
            None => drop(seen.insert((kind, name), id)),
            Some(first) => found.push(same_name(evaluation, stage, name, *first, id)),
        }
    }
    found
}

fn same_name(
    evaluation: &Evaluation<'_>,
    stage: &str,
    name: &str,
    first: TargetId,
    other: TargetId,
) -> Diagnostic {
    let (first, other) = (evaluation.target(first), evaluation.target(other));
    let word = other.kind.word();
    let message = format!(
        "`{}` and `{}` are both deployed as the {word} `{name}` in the stage `{stage}`",
        first.address(),
        other.address()
    );
    Diagnostic::error(SAME_NAME, message, other.span, "deployed under this name")
        .label(first.span, "and so is this one")
        .help(format!(
            "give one of them its own `{word}_name`, or put `${{target.name}}` into the workspace's pattern"
        ))
}

fn is_in(evaluation: &Evaluation<'_>, target: &Target, stage: &str) -> bool {
    target.kind != TargetKind::Target && evaluation.stage_of(target.id, stage).is_some()
}

/// The stage as each workspace has it must mean one place: a script runs with one account and region.
fn stage(evaluation: &Evaluation<'_>, name: &str) -> Result<Stage, Vec<Diagnostic>> {
    let mut known: Option<(Stage, &lambuild_lang::Stage)> = None;
    for declared in evaluation.stages().iter().filter(|stage| *stage.name == *name) {
        let used = evaluation.targets().iter().any(|target| {
            is_in(evaluation, target, name)
                && evaluation
                    .stage_of(target.id, name)
                    .is_some_and(|stage| stage.span == declared.span)
        });
        if !used && known.is_some() {
            continue;
        }
        let read = stage_from(
            &declared.attrs,
            Declared {
                name,
                span: declared.span,
            },
        )?;
        if let Some((first, at)) = known.as_ref().filter(|_| used) {
            if (&first.region, &first.account) != (&read.region, &read.account) {
                return Err(vec![
                    Diagnostic::error(
                        lambuild_graph::codes::TWO_PLACES,
                        format!(
                            "the stage {name} means two places: deploy each workspace from its own folder"
                        ),
                        declared.span,
                        format!("{} here", read.region),
                    )
                    .label(at.span, format!("{} here", first.region)),
                ]);
            }
            continue;
        }
        known = Some((read, declared));
    }
    known.map(|(stage, _)| stage).ok_or_else(Vec::new)
}

/// One function's deploy attributes.
fn function(
    evaluation: &Evaluation<'_>,
    target: &Target,
    stage: &str,
    attrs: &[Option<Attrs>],
) -> Result<FunctionSettings, Vec<Diagnostic>> {
    let Some(own) = attrs.get(target.id.0 as usize).and_then(Option::as_ref) else {
        return Err(Vec::new());
    };
    let stage = of_stage(evaluation, target, stage)?;
    let layer = |id: TargetId, arch: Arch| layer_use(evaluation, attrs, id, arch);
    let arch = target.architectures.first().copied().unwrap_or(Arch::Arm64);
    let declared = Declared {
        name: &target.name,
        span: target.span,
    };
    function_from(own, declared, &stage, arch, &layer)
}

fn of_stage(evaluation: &Evaluation<'_>, target: &Target, name: &str) -> Result<Stage, Vec<Diagnostic>> {
    let declared = evaluation.stage_of(target.id, name).ok_or_else(Vec::new)?;
    stage_from(
        &declared.attrs,
        Declared {
            name,
            span: declared.span,
        },
    )
}

fn layer_use(
    evaluation: &Evaluation<'_>,
    attrs: &[Option<Attrs>],
    id: TargetId,
    arch: Arch,
) -> Option<LayerUse> {
    let of_layer = attrs.get(id.0 as usize)?.as_ref()?;
    if of_layer.get("arn").is_some() {
        return layer_arn(of_layer, arch).map(LayerUse::Arn);
    }
    let target = evaluation.target(id);
    target
        .architectures
        .contains(&arch)
        .then(|| LayerUse::Local(target.address()))
}

/// Runs the command.
///
/// # Errors
/// The exit code.
pub fn run(
    options: &Deploy,
    workspace: &Workspace,
    environment: &Environment,
    talk: &Talk,
) -> Result<(), u8> {
    let mut evaluation = workspace.evaluate();
    judge(&evaluation.diagnostics.clone(), &evaluation, talk)?;
    known_stage(&options.stage, &evaluation, talk)?;
    let settings = match settings(&mut evaluation, &options.stage) {
        Ok(settings) => settings,
        Err(wrong) => return Err(judge(&wrong, &evaluation, talk).err().unwrap_or(exit::USAGE)),
    };
    let wanted = wanted(&settings, &evaluation);
    let running = &options.running;
    let mut built = run::build(workspace, &mut evaluation, &wanted, running, environment, talk)?;
    let artifacts = deliver(&mut built, &evaluation, workspace, running, environment, talk)?;
    Summary::of(&built, &artifacts).keep(workspace);
    if built.exit != exit::OK {
        return Err(built.exit);
    }
    let deployment = deployment(settings, &artifacts, &evaluation, talk)?;
    if options.dry_run {
        let script = deploy_sh(&deployment);
        let object = || json!({"event": "deploy", "stage": options.stage, "text": script}).to_string();
        talk.data(&if talk.json {
            object()
        } else {
            script.trim_end().to_owned()
        });
        return Ok(());
    }
    let folder = format!("dist/{}", options.stage);
    write(&deployment, &artifacts, workspace, &folder).map_err(|error| {
        talk.error(&format!("{folder} cannot be written: {error}"));
        exit::FAILED
    })?;
    tell(&deployment, &built, &artifacts, &folder, talk);
    Ok(())
}

fn known_stage(name: &str, evaluation: &Evaluation<'_>, talk: &Talk) -> Result<(), u8> {
    let names: Vec<&str> = evaluation.stages().iter().map(|stage| &*stage.name).collect();
    if names.contains(&name) {
        return Ok(());
    }
    let hint = match lambuild_lang::nearest(name, names.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if names.is_empty() => {
            "; declare one: stage dev { region = \"eu-west-1\", role = \"arn:…\" }".to_owned()
        }
        None => format!("; there are: {}", names.join(", ")),
    };
    talk.error(&format!("there is no stage `{name}`{hint}"));
    Err(exit::USAGE)
}

/// Each function for the architecture that it runs on, each layer for all of its own.
fn wanted(settings: &Settings, evaluation: &Evaluation<'_>) -> Vec<Configured> {
    let functions = settings.functions.iter().map(|(target, read)| Configured {
        target: *target,
        arch: read.architecture,
    });
    let layers: Vec<TargetId> = settings.layers.iter().map(|(target, _)| *target).collect();
    let mut wanted: Vec<Configured> = functions.collect();
    wanted.extend(lambuild_graph::configured(evaluation, &layers, &[]));
    wanted.sort_unstable();
    wanted
}

fn deployment(
    settings: Settings,
    artifacts: &[Artifact],
    evaluation: &Evaluation<'_>,
    talk: &Talk,
) -> Result<Deployment, u8> {
    let of = |id: TargetId| evaluation.target(id).address();
    let mut functions = Vec::new();
    for (id, settings) in settings.functions {
        let made = artifacts.iter().find(|made| made.target == of(id));
        let Some(artifact) = made.and_then(artifact) else {
            continue;
        };
        functions.push(Function {
            address: of(id),
            settings,
            artifact,
        });
    }
    let mut layers = Vec::new();
    for (id, settings) in settings.layers {
        for made in artifacts.iter().filter(|made| made.target == of(id)) {
            let Some(artifact) = artifact(made) else { continue };
            let architectures = made.architectures.clone();
            layers.push(Layer {
                address: of(id),
                settings: settings.clone(),
                architectures,
                artifact,
            });
        }
    }
    Deployment::new(settings.stage, functions, layers).map_err(|wrong| {
        for error in &wrong {
            talk.error(&format!("[{}] {error}", error.code()));
        }
        exit::USAGE
    })
}

fn artifact(made: &Artifact) -> Option<model::Artifact> {
    let facts = made.facts.as_ref()?;
    Some(model::Artifact {
        file: zip_place(made),
        size: facts.size,
        code_sha256: facts.code_sha256.clone(),
        digest: made.digest.hex(),
        host_tools: made.host_tools,
    })
}

/// `zips/services/payments/checkout.zip`; a layer that differs between architectures has
/// one zip for each.
fn zip_place(made: &Artifact) -> String {
    let name = made.target.replace(':', "/");
    let name = name.trim_start_matches('/');
    match made.kind {
        TargetKind::Layer if !made.any => format!("zips/{name}-{}.zip", made.arch()),
        _ => format!("zips/{name}.zip"),
    }
}

/// Writes the whole folder beside the old one, then changes places, so that a script
/// never stands beside zips of another run.
fn write(
    deployment: &Deployment,
    made: &[Artifact],
    workspace: &Workspace,
    folder: &str,
) -> Result<(), StoreError> {
    let _turn = artifacts::turn(workspace)?;
    let dist = workspace.root.join("dist");
    fs::create_dir_all(&dist).map_err(StoreError::io("create", &dist))?;
    let staged = temporary::folder(".new", &dist)?;
    for artifact in made {
        let bytes = workspace.store.read(&artifact.digest)?;
        replace(&staged.path().join(zip_place(artifact)), &bytes)?;
    }
    let manifest = Manifest::new(deployment).to_json();
    replace(&staged.path().join("manifest.json"), manifest.as_bytes())?;
    let script = staged.path().join("deploy.sh");
    replace(&script, deploy_sh(deployment).as_bytes())?;
    for path in [&*script, staged.path()] {
        artifacts::mode(path, 0o755).map_err(StoreError::io("set the mode of", path))?;
    }
    exchange(&staged, &workspace.root.join(folder))
}

/// Puts the new folder where the old one stands; where that fails the old one is put back.
fn exchange(new: &TempDir, target: &Path) -> Result<(), StoreError> {
    let old = new.path().with_extension("old");
    match fs::rename(target, &old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io("replace", target)(error));
        }
        _ => {}
    }
    let placed = fs::rename(new.path(), target).map_err(StoreError::io("write", target));
    if placed.is_err() && old.exists() {
        fs::rename(&old, target).map_err(StoreError::io("put back", target))?;
    }
    placed.and_then(|()| artifacts::remove(&old))
}

fn tell(deployment: &Deployment, built: &Built, made: &[Artifact], folder: &str, talk: &Talk) {
    let script = format!("{folder}/deploy.sh");
    if talk.json {
        let zips: Vec<String> = made
            .iter()
            .map(|made| format!("{folder}/{}", zip_place(made)))
            .collect();
        let stage = &deployment.stage().name;
        let manifest = format!("{folder}/manifest.json");
        talk.data(
            &json!({"event": "deploy", "stage": stage, "script": script, "manifest": manifest, "zips": zips})
                .to_string(),
        );
        talk.data(&Summary::of(built, made).json());
        return;
    }
    talk.say(&Summary::of(built, made).line(built.outcome.took));
    let width = made
        .iter()
        .map(|made| folder.len() + 1 + zip_place(made).len())
        .max()
        .unwrap_or(0);
    for artifact in made {
        let path = format!("{folder}/{}", zip_place(artifact));
        let bytes = artifact.facts.as_ref().map_or(0, |facts| facts.size);
        talk.data(&format!("{path:width$}  {:>7}", size(bytes)));
    }
    talk.data(&script);
}
