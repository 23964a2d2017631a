//! What a command sees, how it is started, and what is said when it cannot be.

use crate::testing::Bench;
use lambuild_lang::value::Arch;

fn bench() -> Bench {
    Bench::new(&[
        ("data/zones.csv", "west"),
        ("data/more.csv", "east"),
        ("proto/a.proto", "a"),
        ("my tools/gen.py", "gen"),
        ("go.mod", "module m.test\n\ngo 1.26\n"),
        ("cmd/gen/main.go", "package main\n\nfunc main() {}\n"),
    ])
}

fn shown(product: &str) -> String {
    let bench = bench();
    let step = bench.step(product);
    let command = &step.command;
    let environment: Vec<_> = command
        .environment
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    let stable: Vec<_> = step.hints.stable.iter().map(|path| path.as_str()).collect();
    format!(
        "{:?}\n{}\n{}\nstable: {}",
        command.arguments,
        environment.join("\n"),
        bench.listing(&step),
        stable.join(" ")
    )
}

#[test]
fn text_is_run_by_the_shell_among_the_tools() {
    let product = r#"command {
      inputs  = { "zones.csv" = ./data/zones.csv, "etc/text" = "a text" }
      run     = "cat zones.csv ${./proto}/*.proto ${./proto}/a.proto ${"./my tools"} > $out/x"
      tools   = [toolchain.sh]
      env     = { MODE = "fast", GEN = "${./proto} in $out", FILE = ./data/more.csv }
      timeout = 60
    }"#
    .replace("${\"./my tools\"}", "${./\"my tools\"/gen.py}");
    insta::assert_snapshot!(shown(&product), @r#"
    [".lambuild/launch", "{root}/_tools/0/bin/sh", "-c", "cat zones.csv {root}/_in/0/proto/*.proto {root}/_in/0/proto/a.proto {root}/_in/1/gen.py > $out/x", "sh"]
    FILE={root}/_in/2/more.csv
    GEN={root}/_in/0/proto in {root}/out
    HOME={root}/tmp
    LC_ALL=C
    MODE=fast
    PATH={root}/_tools/0/bin
    SOURCE_DATE_EPOCH=315532800
    TMPDIR={root}/tmp
    TZ=UTC
    out={root}/out
    .lambuild/launch* "launch"
    _in/0/proto/a.proto "a"
    _in/1/gen.py "gen"
    _in/2/more.csv "east"
    _tools/0/bin/cat* "cat"
    _tools/0/bin/sh* "shell"
    _tools/0/lib/libc.so.6* "c"
    etc/text "a text"
    zones.csv "west"
    stable: _tools/0
    "#);
}

#[test]
fn words_are_a_program_and_its_arguments() {
    let product = r#"command {
      run   = ["cat", ./proto, "--out=$out", "$other", "${./data}/x"]
      tools = [toolchain.sh, ./"my tools"/gen.py]
    }"#;
    insta::assert_snapshot!(shown(product), @r#"
    [".lambuild/launch", "{root}/_tools/0/bin/cat", "{root}/_in/0/proto", "--out={root}/out", "$other", "{root}/_in/1/data/x"]
    HOME={root}/tmp
    LC_ALL=C
    PATH={root}/_tools/0/bin:{root}/_tools/1
    SOURCE_DATE_EPOCH=315532800
    TMPDIR={root}/tmp
    TZ=UTC
    out={root}/out
    .lambuild/launch* "launch"
    _in/0/proto/a.proto "a"
    _in/1/data/more.csv "east"
    _in/1/data/zones.csv "west"
    _tools/0/bin/cat* "cat"
    _tools/0/bin/sh* "shell"
    _tools/0/lib/libc.so.6* "c"
    _tools/1/gen.py* "gen"
    stable: _tools/0
    "#);
}

#[test]
fn a_tool_is_built_for_the_platform_that_runs_it() {
    let product = "command { run = [go { main = ./cmd/gen }, \"$out\"] }";
    let bench = bench();
    let (one, other) = (
        bench.step_for(product, Arch::Arm64),
        bench.step_for(product, Arch::X86_64),
    );
    assert_eq!(
        one.command.arguments,
        [".lambuild/launch", "{root}/_tools/0/made", "{root}/out"]
    );
    assert_eq!(bench.listing(&one), bench.listing(&other));
}

#[test]
fn what_has_no_architecture_in_it_is_one_action_for_both() {
    let product = "command { run = \"cat ${./data} > $out/x\", tools = [toolchain.sh] }";
    let bench = bench();
    let (one, other) = (
        bench.step_for(product, Arch::Arm64),
        bench.step_for(product, Arch::X86_64),
    );
    assert_eq!((one.command, one.input_root), (other.command, other.input_root));
    let product = "command { run = \"echo ${arch.go} > $out/x\", tools = [toolchain.sh] }";
    let (one, other) = (
        bench.step_for(product, Arch::Arm64),
        bench.step_for(product, Arch::X86_64),
    );
    assert_ne!(one.command, other.command);
}

#[test]
fn moving_an_input_in_the_workspace_changes_no_key() {
    let key = |at: &str, product: &str| Bench::new(&[(at, "same")]).key(product);
    assert_eq!(
        key(
            "a/x.csv",
            "command { run = \"cat ${./a/x.csv} > $out/x\", tools = [toolchain.sh] }"
        ),
        key(
            "b/c/x.csv",
            "command { run = \"cat ${./b/c/x.csv} > $out/x\", tools = [toolchain.sh] }"
        ),
    );
}

#[test]
fn errors_name_the_line_to_add() {
    let bench = bench();
    let errors = [
        "command { run = \"cat x\" }",
        "command { run = \"cat x\", tools = [./\"my tools\"/gen.py] }",
        "command { run = [\"sort\", \"x\"], tools = [toolchain.sh] }",
        "command { run = [\"catt\", \"x\"], tools = [toolchain.sh] }",
        "command { run = [], tools = [toolchain.sh] }",
        "command { run = [toolchain.sh, \"x\"] }",
        "command { run = \"echo {root}\", tools = [toolchain.sh] }",
        "command { run = \"cat\", tools = [\"sh\"] }",
        "command { run = \"cat\", tools = [toolchain.sh], inputs = { \"out/x\" = ./data } }",
        "command { run = \"cat\", tools = [toolchain.sh], inputs = { \".\" = ./data/more.csv } }",
        "command { run = \"cat\", tools = [toolchain.sh], env = { PATH = \"/bin\" } }",
    ];
    let all: Vec<String> = errors.iter().map(|product| bench.message(product)).collect();
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    error[E1016]: `run` is text for a shell, and there is no shell among `tools`
     --> lambda.build:2:28
      |
    2 | target t = command { run = "cat x" }
      |                            ^^^^^^^ nothing can read this
      |
      = help: add `tools = [toolchain.sh]`, and `toolchain sh { programs = ["sh", …] }` to the root's `lambda.build`; or write a program and its arguments: `run = ["program", "argument"]`

    error[E1016]: `run` is text for a shell, and there is no shell among `tools`
     --> lambda.build:2:28
      |
    2 | target t = command { run = "cat x", tools = [./"my tools"/gen.py] }
      |                            ^^^^^^^ nothing can read this
      |
      = help: add `tools = [toolchain.sh]`, and `toolchain sh { programs = ["sh", …] }` to the root's `lambda.build`; or write a program and its arguments: `run = ["program", "argument"]`

    error[E1016]: there is no program `sort` among `tools`
     --> lambda.build:2:29
      |
    2 | target t = command { run = ["sort", "x"], tools = [toolchain.sh] }
      |                             ^^^^^^ this program
      |
      = help: add what has it to `tools`; if it is a program of this machine: `toolchain sh { programs = ["sh", "sort"] }` in the root's `lambda.build`, and `tools = [toolchain.sh]`

    error[E1016]: there is no program `catt` among `tools`
     --> lambda.build:2:29
      |
    2 | target t = command { run = ["catt", "x"], tools = [toolchain.sh] }
      |                             ^^^^^^ this program
      |
      = help: did you mean `cat`?

    error[E0403]: `run` takes at least one word: the program
     --> lambda.build:2:28
      |
    2 | target t = command { run = [], tools = [toolchain.sh] }
      |                            ^^ no words

    error[E0402]: `run` takes the name of a program, or a tool, found a toolchain
     --> lambda.build:2:39
      |
    2 | target t = command { run = [toolchain.sh, "x"] }
      |                      --- for `run`    ^^ this is a toolchain

    error[E1016]: `{root}` in a command would be replaced by the path of its input root
     --> lambda.build:2:28
      |
    2 | target t = command { run = "echo {root}", tools = [toolchain.sh] }
      |                            ^^^^^^^^^^^^^ in here
      |
      = help: write it in two parts, such as `'{ro''ot}'` in a shell; paths of inputs are relative to where the command starts

    error[E0402]: `tools` takes a tool: `toolchain.NAME`, a reference, a product or a path, found a string
     --> lambda.build:2:44
      |
    2 | target t = command { run = "cat", tools = ["sh"] }
      |                                   -----    ^^^^ this is a string
      |                                   |
      |                                   for `tools`

    error[E0405]: "out/x" cannot be a key of `inputs`: `out` is where lambuild puts things of its own
     --> lambda.build:2:70
      |
    2 | target t = command { run = "cat", tools = [toolchain.sh], inputs = { "out/x" = ./data } }
      |                                                                      ^^^^^^^ this key

    error[E1002]: a single file cannot be the whole folder in which the command starts
     --> lambda.build:2:76
      |
    2 | target t = command { run = "cat", tools = [toolchain.sh], inputs = { "." = ./data/more.csv } }
      |                                                                            ^^^^^^^^^^^^^^^ one file
      |
      = help: say what it is called there: `inputs = { "name" = … }`

    error[E0405]: "PATH" cannot be a key of `env`: it is made of `tools`: add what has the program there
     --> lambda.build:2:67
      |
    2 | target t = command { run = "cat", tools = [toolchain.sh], env = { PATH = "/bin" } }
      |                                                                   ^^^^ this key
    "#);
}

#[test]
fn what_a_failed_command_lacks_is_named() {
    let bench = bench();
    let declared = "command { run = \"cat data/zones.csv x\", tools = [toolchain.sh], inputs = { \"data/zones.csv\" = ./data/zones.csv } }";
    let log = "cat: data/more.csv: No such file or directory\n\
        cat: data/more.csv: No such file or directory\n\
        cat: data/zones.csv: No such file or directory\n\
        cat: nowhere.csv: No such file or directory\n\
        read proto/a.proto\n\
        open('/x/stage/root/proto/a.proto'): ENOENT\n\
        sh: 1: sort: not found\n";
    let mounted = "command { run = \"cat ${./data/zones.csv}\", tools = [toolchain.sh] }";
    let beside = "more.csv: File not found.\ncat: /x/root/_in/0/more.csv: No such file or directory";
    let all = [
        bench.explained(declared, log),
        bench.explained(mounted, beside),
        bench.explained(mounted, "data/more.csv is odd"),
    ];
    insta::assert_snapshot!(all.join("\n----\n"), @r#"
    error[E1017]: `arm64` reads `data/more.csv`, which is in the workspace, but not among its inputs
     --> lambda.build:2:28
      |
    2 | target t = command { run = "cat data/zones.csv x", tools = [toolchain.sh], inputs = { "data/zones.csv" = ./data/zones.csv } }
      |                            ^^^^^^^^^^^^^^^^^^^^^^ needed by this
      |
      = help: add it: `inputs = { "data/more.csv" = ./data/more.csv }`

    error[E1017]: `arm64` reads `proto/a.proto`, which is in the workspace, but not among its inputs
     --> lambda.build:2:28
      |
    2 | target t = command { run = "cat data/zones.csv x", tools = [toolchain.sh], inputs = { "data/zones.csv" = ./data/zones.csv } }
      |                            ^^^^^^^^^^^^^^^^^^^^^^ needed by this
      |
      = help: add it: `inputs = { "proto/a.proto" = ./proto/a.proto }`

    error[E1016]: `arm64` runs `sort`, which is not among its tools
     --> lambda.build:2:28
      |
    2 | target t = command { run = "cat data/zones.csv x", tools = [toolchain.sh], inputs = { "data/zones.csv" = ./data/zones.csv } }
      |                            ^^^^^^^^^^^^^^^^^^^^^^ run here
      |
      = help: add what has it to `tools`; if it is a program of this machine: `toolchain sh { programs = ["sh", "sort"] }` in the root's `lambda.build`, and `tools = [toolchain.sh]`
    ----
    error[E1017]: `arm64` reads `data/more.csv`, which is in the workspace, but not among its inputs
     --> lambda.build:2:28
      |
    2 | target t = command { run = "cat ${./data/zones.csv}", tools = [toolchain.sh] }
      |                            ^^^^^^^^^^^^^^^^^^^^^^^^^ needed by this
      |
      = help: add it: `inputs = { "more.csv" = ./data/more.csv }`
    ----
    "#);
}
