//! The helper as a program of its own, since a test binary cannot be one.

fn main() -> std::process::ExitCode {
    lambuild_sandbox::helper::main()
}
