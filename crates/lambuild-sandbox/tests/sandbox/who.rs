//! Where a machine denies what a sandbox needs: what is said, and what runs all the same.

use crate::harness::{Setup, helper, is_root, program};
use lambuild_action::{Executor, Isolation};
use lambuild_sandbox::spec::Limits;
use lambuild_sandbox::{SandboxExecutor, Wanted};

/// Runs the tests below again where no user namespace may be made. The switch is one of a user
/// namespace of its own, so that the machine's stays as it is.
#[test]
fn where_user_namespaces_are_denied() {
    if !is_root() {
        eprintln!("skipped: only root can make a place where namespaces are denied");
        return;
    }
    let script =
        "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" --ignored --exact --nocapture \"$@\"";
    let done = program("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["who::denied_strict_refuses_and_auto_falls_back"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    if said.contains("cannot create")
        || said.contains("Operation not permitted") && !said.contains("running 1 test")
    {
        eprintln!("skipped: this machine lets nobody make such a place: {said}");
        return;
    }
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above, in a place where it holds"]
async fn denied_strict_refuses_and_auto_falls_back() {
    let setup = Setup::new();
    assert!(helper().exists());
    let executor = |wanted| SandboxExecutor::new(setup.store.clone(), wanted, Limits::default());
    let strict = executor(Wanted::Strict);
    let error = strict
        .execute(&setup.request(&["uid"]))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("this machine gives no sandbox: cannot make new namespaces"),
        "{error}"
    );
    assert!(error.contains("sysctl user.max_user_namespaces"), "{error}");
    assert!(!strict.accepts(Isolation::Weak));
    assert_eq!(strict.fell_back(), None);

    let auto = executor(Wanted::Auto);
    assert_eq!(auto.fell_back(), None);
    assert!(auto.accepts(Isolation::Weak));
    // It finds the probe and leaves no output, since it runs where the machine is seen.
    let error = auto
        .execute(&setup.request(&["uid"]))
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(error, "it ended well but left nothing at `out`");
    assert!(auto.fell_back().is_some());
}

#[tokio::test]
async fn who_goes_without_is_weak_and_says_nothing() {
    let setup = Setup::new();
    let none = SandboxExecutor::new(setup.store.clone(), Wanted::Weak, Limits::default());
    let _ = none.execute(&setup.request(&["uid"])).await;
    assert_eq!(none.fell_back(), None);
    assert!(none.accepts(Isolation::Weak) && none.accepts(Isolation::Strict));
}
