//! Decides in which surroundings a test runs a program and how its result is told:
//! with a clean environment, folders of its own, and both streams in every failure.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Variables that a child may inherit: how to find programs, and how this machine
/// reaches the network and its registries. Everything else is left out, so that no
/// test depends on the user's settings.
const INHERITED: &[&str] = &[
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
];

/// A program about to be run, with an environment that is empty but for
/// the search path and the network settings of the machine.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Program {
    /// The program at `path` (or of that name on `PATH`), to be run in `folder`.
    pub fn new(path: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        let mut program = Self {
            path: path.into(),
            folder: folder.into(),
            args: Vec::new(),
            env: Vec::new(),
        };
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                program = program.env(name, value);
            }
        }
        program
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment; the last setting of a name counts.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets several variables of the environment.
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(self, pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        pairs
            .into_iter()
            .fold(self, |program, (name, value)| program.env(name, value))
    }

    /// Puts a folder in front of `PATH`.
    pub fn path_first(self, folder: &Path) -> Self {
        let rest = self
            .env
            .iter()
            .rev()
            .find(|(name, _)| name == "PATH")
            .map(|(_, value)| value.clone());
        let mut path = folder.as_os_str().to_owned();
        if let Some(rest) = rest {
            path.push(":");
            path.push(rest);
        }
        self.env("PATH", path)
    }

    /// Runs it to its end without standard input and keeps what it said.
    ///
    /// # Panics
    /// Where the program cannot be started at all.
    #[track_caller]
    pub fn run(self) -> Run {
        let output = self.command().output().unwrap_or_else(|error| {
            panic!(
                "{}\ncannot be started: {error}\nin {}",
                self.line(),
                self.folder.display()
            )
        });
        Run {
            command: self.line(),
            folder: self.folder,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same as a value of the standard library, for tests that need the running child.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.args)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.path.as_os_str()).chain(self.args.iter().map(OsString::as_os_str));
        words
            .map(|word| word.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The lambuild program in one workspace: home folder, store and current folder are the test's own.
#[derive(Debug)]
pub struct Lambuild {
    binary: PathBuf,
    folder: PathBuf,
    home: PathBuf,
    store: PathBuf,
}

impl Lambuild {
    /// The program at `binary`, to be run in `folder`. `home` holds everything that it
    /// keeps for the user; the store is `home/store` until [`Lambuild::store`] names another.
    pub fn new(binary: impl Into<PathBuf>, folder: impl Into<PathBuf>, home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self {
            binary: binary.into(),
            folder: folder.into(),
            store: home.join("store"),
            home,
        }
    }

    /// The same program with another store.
    pub fn store(mut self, store: impl Into<PathBuf>) -> Self {
        self.store = store.into();
        self
    }

    /// The same program in another folder.
    pub fn within(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// The call with these arguments, for tests that add to it before they run it.
    pub fn call<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Program {
        let program = Program::new(&self.binary, &self.folder)
            .args(args)
            .env("HOME", &self.home)
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .env("LAMBUILD_STORE", &self.store);
        match go_settings() {
            Some(file) => program.env("GOENV", file),
            None => program,
        }
    }

    /// Runs the program with these arguments.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        self.call(args).run()
    }
}

/// Go's settings of this user: they say how the machine reaches its module proxy, which a
/// new home folder would hide.
fn go_settings() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    Some(home.join(".config/go/env")).filter(|file| file.is_file())
}

/// How a program ended and what it said.
#[derive(Clone, Debug)]
pub struct Run {
    /// The command line, for people.
    pub command: String,
    /// Where it ran.
    pub folder: PathBuf,
    /// The exit code; none where a signal ended the program.
    pub code: Option<i32>,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Run {
    /// Goes on only if the exit code is 0.
    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    /// Goes on only if the exit code is `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(
            self.code == Some(code),
            "{}",
            self.explain(&format!("exit code {code}"))
        );
        self
    }

    /// Goes on only if standard error holds `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "{}",
            self.explain(&format!("standard error with {text:?}"))
        );
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{}", self.explain(&format!("JSON on standard output ({error})"))))
    }

    /// Standard output as one JSON document a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| {
                panic!(
                    "{}",
                    self.explain(&format!("JSON in the line {line:?} ({error})"))
                )
            })
        };
        self.stdout.lines().map(parse).collect()
    }

    /// The whole story of the run for a failed assertion, headed by what was expected.
    pub fn explain(&self, expected: &str) -> String {
        format!("expected {expected}\n{self}")
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self
            .code
            .map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        writeln!(
            f,
            "command: {}\nfolder:  {}\nended with {code}",
            self.command,
            self.folder.display()
        )?;
        write!(
            f,
            "--- standard output\n{}\n--- standard error\n{}\n---",
            self.stdout.trim_end(),
            self.stderr.trim_end()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Program {
        Program::new("sh", "/").args(["-c", script])
    }

    #[test]
    fn a_run_keeps_code_and_streams() {
        let run = sh("echo out; echo err >&2; exit 3").run().exits(3).says("err");
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_failed_expectation_tells_the_whole_story() {
        let story = sh("echo out; echo err >&2; exit 3").run().explain("exit code 0");
        let expected = "expected exit code 0\ncommand: sh -c echo out; echo err >&2; exit 3\nfolder:  /\n\
                        ended with exit code 3\n--- standard output\nout\n--- standard error\nerr\n---";
        assert_eq!(story, expected);
    }

    #[test]
    fn a_program_sees_only_what_the_test_gave() {
        let run = sh("env | sed 's/=.*//'").env("GIVEN", "1").run().success();
        let own = ["GIVEN", "PWD", "OLDPWD", "SHLVL", "_"];
        let others: Vec<_> = run
            .stdout
            .lines()
            .filter(|n| !own.contains(n) && !INHERITED.contains(n))
            .collect();
        assert_eq!(others, Vec::<&str>::new());
        assert!(run.stdout.lines().any(|name| name == "GIVEN"));
    }

    #[test]
    fn lambuild_gets_a_home_and_a_store_of_its_own() {
        let program = Lambuild::new("sh", "/", "/nowhere/home").store("/nowhere/store");
        let run = program
            .run(["-c", "echo $HOME $XDG_CACHE_HOME $LAMBUILD_STORE"])
            .success();
        assert_eq!(run.stdout, "/nowhere/home /nowhere/home/cache /nowhere/store\n");
    }

    #[test]
    fn json_is_read_whole_or_by_lines() {
        let run = sh(r#"printf '{"a":1}\n{"a":2}\n'"#).run();
        assert_eq!(
            run.json_lines(),
            [serde_json::json!({"a": 1}), serde_json::json!({"a": 2})]
        );
        assert_eq!(sh(r#"printf '[1,2]'"#).run().json(), serde_json::json!([1, 2]));
    }
}
