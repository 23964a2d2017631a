//! The measured workspace: as lambuild's files, and as the same thing in Nix.

use std::fmt::Write;

/// What each folder under `services/*/cmd` is called.
pub const PROGRAMS: [&str; 5] = ["api", "worker", "cron", "stream", "admin"];

pub const ROOT: &str = r#"workspace bench {
  architectures     = ["arm64", "x86_64"]
  function_name     = "${stage.name}-${target.name}"
  defaults.function = { runtime = "provided.al2023", tags.owner = "platform" }
}
toolchain go { version = "1.26.8" }
stage dev  { region = "eu-west-1", role = "arn:aws:iam::111122223333:role/dev", vars = { prefix = "dev", level = "debug" } }
stage prod { region = "eu-west-1", role = "arn:aws:iam::111122223333:role/prod", vars = { prefix = "prod", level = "info" } }
layer certs { content = { "etc/ssl/certs/ca.pem" = ./certs/ca.pem } }
"#;

pub const LIBRARY: &str = r#"
let flags(team) = [ "-X main.${k}=${v}" for k, v in { arch = arch.go, team = team.name } ]

let service(main, team, memory = 256, timeout = 10) = {
  build       = go { main = main, tags = ["lambda.norpc"], ldflags = flags(team) }
  memory_size = memory
  timeout     = timeout
  tags        = { team = team.name, cost = "cc-${team.cost}" }
  environment = {
    LOG_LEVEL = stage.vars.level
    TABLE     = "${stage.vars.prefix}-${team.table}"
    NAME      = target.name
  }
}
"#;

/// A file with ten functions: five by a loop, five that differ.
pub fn service_file(number: usize) -> String {
    let mut text = format!(
        "import ../../lib/service.build as lib\nimport ../.. as root\n\n\
         let team = {{ name = \"team-{number}\", table = \"orders-{number}\", cost = {} }}\n\n\
         # One function for each program.\n\
         for dir in dirs(./cmd) {{\n  function \"s{number}-${{basename(dir)}}\" = lib.service(dir, team, memory = 512)\n}}\n",
        number % 97
    );
    for at in 0..5 {
        write!(
            text,
            "\nfunction s{number}-extra-{at} = merge(lib.service(./extra, team, timeout = {at} + 3), {{\n  \
               layers      = [root.layer.certs]\n  \
               environment = {{ INDEX = \"{at}\", QUEUES = join(\",\", [ \"q-${{n}}\" for n in range(3) if n != {at} ]) }}\n}})\n"
        )
        .expect("a string takes text");
    }
    text
}

/// Every file of a workspace of `count` folders with ten functions each: path and text.
pub fn files(count: usize) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = [
        ("lambda.build", ROOT),
        ("certs/ca.pem", ""),
        ("lib/service.build", LIBRARY),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .to_vec();
    for number in 0..count {
        let dir = format!("services/s{number:04}");
        files.push((format!("{dir}/lambda.build"), service_file(number)));
        files.push((format!("{dir}/extra/main.go"), String::new()));
        for program in PROGRAMS {
            files.push((format!("{dir}/cmd/{program}/main.go"), String::new()));
        }
    }
    files
}

/// The same workspace's Nix files, to be laid beside its own.
pub fn nix_files(count: usize) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = [
        ("default.nix", NIX_ROOT),
        ("layers.nix", NIX_LAYERS),
        ("lib/service.nix", NIX_LIBRARY),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .to_vec();
    for number in 0..count {
        files.push((
            format!("services/s{number:04}/default.nix"),
            nix_service_file(number),
        ));
    }
    files
}

const NIX_ROOT: &str = r#"{ arch, json ? false }:
let
  architectures = {
    arm64 = { name = "arm64"; go = "arm64"; };
    x86_64 = { name = "x86_64"; go = "amd64"; };
  };
  stages = {
    dev = { region = "eu-west-1"; role = "arn:aws:iam::111122223333:role/dev"; vars = { prefix = "dev"; level = "debug"; }; };
    prod = { region = "eu-west-1"; role = "arn:aws:iam::111122223333:role/prod"; vars = { prefix = "prod"; level = "info"; }; };
  };
  context = { arch = architectures.${arch}; stage = stages.dev; };
  folders = builtins.attrNames (builtins.readDir ./services);
  sets = map (folder: import (./services + "/${folder}") context) folders;
  functions = builtins.zipAttrsWith (name: builtins.head) sets;
  # A path in JSON would be copied into the store.
  shown = build: if json then build // { main = toString build.main; } else build;
in
builtins.mapAttrs (name: function: shown function.build) functions
"#;

const NIX_LAYERS: &str = r#"context:
{
  layer.certs.content."etc/ssl/certs/ca.pem" = ./certs/ca.pem;
}
"#;

const NIX_LIBRARY: &str = r#"{ arch, stage }:
rec {
  flags = team:
    let values = { arch = arch.go; team = team.name; };
    in map (k: "-X main.${k}=${values.${k}}") (builtins.attrNames values);

  service = { name, main, team, memory ? 256, timeout ? 10 }: {
    build = { inherit main; tags = [ "lambda.norpc" ]; ldflags = flags team; };
    memory_size = memory;
    inherit timeout;
    tags = { team = team.name; cost = "cc-${toString team.cost}"; };
    environment = {
      LOG_LEVEL = stage.vars.level;
      TABLE = "${stage.vars.prefix}-${team.table}";
      NAME = name;
    };
  };

  # What lambuild has built in.
  merge = under: over: under // builtins.mapAttrs (key: value:
    if builtins.isAttrs value && builtins.isAttrs (under.${key} or null)
    then merge under.${key} value
    else value) over;
  dirs = folder:
    let entries = builtins.readDir folder;
    in map (name: folder + "/${name}")
      (builtins.filter (name: entries.${name} == "directory") (builtins.attrNames entries));
  range = count: builtins.genList (n: n) count;
}
"#;

fn nix_service_file(number: usize) -> String {
    let mut text = format!(
        "context:\nlet\n  lib = import ../../lib/service.nix context;\n  root = import ../../layers.nix context;\n  \
         team = {{ name = \"team-{number}\"; table = \"orders-{number}\"; cost = {}; }};\nin\n\
         # One function for each program.\n\
         builtins.listToAttrs (map (dir: rec {{\n  name = \"s{number}-${{baseNameOf dir}}\";\n  \
           value = lib.service {{ inherit name team; main = dir; memory = 512; }};\n}}) (lib.dirs ./cmd))\n// {{\n",
        number % 97
    );
    for at in 0..5 {
        write!(
            text,
            "\n  s{number}-extra-{at} = lib.merge\n    (lib.service {{ name = \"s{number}-extra-{at}\"; main = ./extra; inherit team; timeout = {at} + 3; }})\n    {{\n      \
               layers = [ root.layer.certs ];\n      \
               environment = {{ INDEX = \"{at}\"; QUEUES = builtins.concatStringsSep \",\" (map (n: \"q-${{toString n}}\") (builtins.filter (n: n != {at}) (lib.range 3))); }};\n    }};\n"
        )
        .expect("a string takes text");
    }
    text + "}\n"
}
