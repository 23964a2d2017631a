//! `deploy.sh`: the commands of a deployment in their order, and when each is
//! run. Knows no option of any command.
//!
//! The script decides at run time and not here: it may be run days later, on
//! another machine, again after an interruption. Running it twice changes nothing.

use crate::command::json;
use crate::deployment::Deployment;
use crate::model::{Arch, Function, Layer};
use crate::steps::{self, function, layer};
use crate::word::Word;
use std::fmt::Write;

/// The whole script, for a POSIX shell and the AWS CLI, version 1 or 2.
pub fn deploy_sh(deployment: &Deployment) -> String {
    let mut script = head(deployment);
    script.push_str(include_str!("script/header.sh"));
    script.push_str(&account(deployment));
    deployment
        .layers()
        .iter()
        .for_each(|layer| script.push_str(&layer_block(layer)));
    deployment
        .functions()
        .iter()
        .for_each(|function| script.push_str(&function_block(function)));
    let summary = "'deployed stage %s: %d created, %d updated, %d unchanged\\n'";
    let _ = write!(
        script,
        "\nprintf {summary} \\\n  \"$stage\" \"$created\" \"$updated\" \"$unchanged\"\n"
    );
    script
}

fn head(deployment: &Deployment) -> String {
    let stage = deployment.stage();
    let (name, region) = (shell(&stage.name), shell(&stage.region));
    let needed = steps::environment(deployment);
    let needs: String = needed
        .iter()
        .map(|variable| format!(": \"${{{variable}:?is needed for the role of a function}}\"\n"))
        .collect();
    format!(
        "#!/bin/sh
# Deploys {functions} and {layers}: creates what is missing, updates
# what differs, leaves alone what is as it should be. It may be run again at any
# time, also after it was interrupted. Written by lambuild; do not edit.
#
#   AWS               the AWS CLI to use, version 1 or 2 (default: aws)
#   AWS_ENDPOINT_URL  another endpoint than that of the region
#
# shellcheck disable=SC2016  # backquotes in single quotes are literals of JMESPath
set -eu
unset CDPATH
cd -- \"$(dirname -- \"$0\")\"
export AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off
stage={name}
region={region}
{needs}
",
        functions = count(deployment.functions().len(), "function"),
        layers = count(deployment.layers().len(), "layer"),
    )
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Stops before anything is changed when the credentials are another account's.
fn account(deployment: &Deployment) -> String {
    let Some(account) = &deployment.stage().account else {
        return String::new();
    };
    format!(
        "
answer=$({ask})
if [ \"$answer\" != {account} ]; then
  echo \"the credentials are those of account $answer, and stage $stage belongs to\" {account} >&2
  exit 1
fi
",
        ask = steps::account().shell("call", 0),
        account = shell(account),
    )
}

/// Looks for our content among the published versions, and publishes it where it is not.
fn layer_block(layer: &Layer) -> String {
    let steps = layer::Steps::new(layer);
    let variables = layer
        .architectures
        .iter()
        .map(|arch| layer::variable(&layer.address, *arch));
    let assignments: String = variables.map(|variable| format!("{variable}=$layer\n")).collect();
    format!(
        "
# layer {title}
begin {name}
layer=
if {find}; then
  layer=${{answer#\\\"}}
  layer=${{layer%\\\"}}
fi
if [ \"$layer\" = null ]; then layer=; fi
if [ -n \"$layer\" ]; then
  version=${{layer##*:}}
  {confirm} || :
  if [ \"$answer\" != {sha} ]; then layer=; fi
fi
if [ -z \"$layer\" ]; then
  layer=$({publish})
  case $layer in
    *:1) say + created ;;
    *) say '~' code ;;
  esac
fi
{assignments}finish
",
        title = title(&layer.address, &layer.architectures),
        name = shell(&layer.settings.layer_name),
        find = steps.find.shell("ask", 0),
        confirm = steps.confirm.shell("ask", 2),
        sha = shell(&layer.artifact.code_sha256),
        publish = steps.publish.shell("call", 2),
    )
}

/// Creates the function or brings its code, then its configuration up to date.
fn function_block(function: &Function) -> String {
    let steps = function::Steps::new(function);
    format!(
        "
# function {title}
begin {name}
if {look}; then
  settle
  if [ \"$code\" != {code_state} ]; then
    {code}
    wait_updated
    say '~' code
  fi
  if [ \"$configuration\" != true ]; then
    {configuration}
    wait_updated
    say '*' configuration
  fi
{tags}else
  {create}
  wait_active
  say + created
fi
{publish}finish
",
        title = title(&function.address, &[function.settings.architecture]),
        name = shell(&function.settings.function_name),
        look = steps.look.shell("ask", 0),
        code_state = shell(&function::code_state(function)),
        code = steps.code.shell("run", 4),
        configuration = steps.configuration.shell("run", 4),
        tags = steps.tags.as_ref().map(tags_block).unwrap_or_default(),
        create = steps.create.shell("run", 2),
        publish = steps
            .publish
            .as_ref()
            .map(|steps| publish_block(steps, function))
            .unwrap_or_default(),
    )
}

fn tags_block(steps: &function::Tags) -> String {
    format!(
        "  {look})
  if [ \"${{answer##* }}\" != true ]; then
    arn=${{answer% *}}
    {put}
    say '*' tags
  fi
",
        look = steps.look.shell("answer=$(call", 2),
        put = steps.put.shell("run", 4),
    )
}

/// Also where nothing changed now: the run that changed it may have been
/// interrupted before it published.
fn publish_block(steps: &function::Publish, function: &Function) -> String {
    format!(
        "{look})
if [ \"$outcome\" != unchanged ] || [ \"$answer\" != {published} ]; then
  {publish}
  say '*' version
fi
",
        look = steps.look.shell("answer=$(call", 0),
        published = shell(&json(&function.artifact.code_sha256)),
        publish = steps.publish.shell("run", 2),
    )
}

/// For a comment: an address has no line end, but nothing here relies on it.
fn title(address: &str, architectures: &[Arch]) -> String {
    let names: Vec<&str> = architectures.iter().map(|arch| arch.name()).collect();
    format!("{}, {}", address.escape_debug(), names.join(" and "))
}

fn shell(text: &str) -> String {
    Word::from(text).shell()
}

#[cfg(test)]
mod tests;
