//! What is lost or damaged: anything may be missing from the store and from `.lambuild`, and the
//! same bytes come out again.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::wrong::{Wrong, below};
use crate::harness::{Artifact, Build, with_own_store};

/// A built workspace and what was built.
fn built() -> (Wrong, Vec<Artifact>) {
    let at = Wrong::nothing();
    let artifacts = Build::of(&with_own_store(&at.workspace), &[]).artifacts;
    (at, artifacts)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let all = below(folder).into_iter().map(PathBuf::from);
    all.filter(|path| path.is_file()).collect()
}

/// Builds again, looks at the zips themselves, and leaves no sign of an older run in the way.
#[track_caller]
fn builds_the_same(at: &Wrong, artifacts: &[Artifact], lost: &Path) {
    let again = Build::of(&with_own_store(&at.workspace), &[]);
    assert_eq!(again.artifacts, artifacts, "without {}", lost.display());
    for artifact in artifacts {
        let zip = at.workspace.bytes(&artifact.path);
        assert_eq!(
            crate::harness::code_sha256(&zip),
            artifact.sha256,
            "without {}",
            lost.display()
        );
    }
}

#[test]
fn every_file_of_lambuilds_folder_may_be_deleted() {
    let (at, artifacts) = built();
    let own = files(&at.workspace.path(".lambuild"));
    assert!(own.len() >= 4, "{own:?}");
    for file in &own {
        fs::remove_file(file).unwrap();
        builds_the_same(&at, &artifacts, file);
        assert!(
            file.exists() || file.ends_with("stat-cache"),
            "{} is made again",
            file.display()
        );
    }
    at.workspace.remove(".lambuild");
    builds_the_same(&at, &artifacts, Path::new(".lambuild"));
}

#[test]
fn every_object_and_folder_of_the_store_may_be_deleted() {
    let (at, artifacts) = built();
    let store = at.workspace.home().join("store");
    let objects = [files(&store.join("cas")), files(&store.join("ac"))].concat();
    assert!(objects.len() > 10, "{objects:?}");
    for object in &objects {
        fs::remove_file(object).unwrap();
        at.workspace.remove(".lambuild");
        builds_the_same(&at, &artifacts, object);
    }
    for area in ["stage", "cas", "ac", "trees", "compile"] {
        fs::remove_dir_all(store.join(area)).unwrap();
        builds_the_same(&at, &artifacts, &store.join(area));
    }
    fs::remove_file(store.join("FORMAT")).unwrap();
    builds_the_same(&at, &artifacts, &store.join("FORMAT"));
}

#[test]
fn a_record_that_was_cut_short_counts_as_none() {
    let (at, artifacts) = built();
    let records = files(&at.workspace.home().join("store/ac"));
    assert_eq!(records.len(), 4, "two of files, two of zips");
    for record in &records {
        let length = fs::metadata(record).unwrap().len();
        for kept in [0, 1, length / 2, length - 1] {
            writable(record).set_len(kept).unwrap();
            builds_the_same(&at, &artifacts, record);
            assert_eq!(
                fs::metadata(record).unwrap().len(),
                length,
                "the record is made again"
            );
        }
    }
}

#[test]
fn a_damaged_object_never_reaches_a_zip() {
    let (at, artifacts) = built();
    for object in files(&at.workspace.home().join("store/cas")) {
        let right = fs::read(&object).unwrap();
        let mut wrong = right.clone();
        let Some(last) = wrong.last_mut() else { continue };
        *last ^= 1;
        writable(&object).write_all(&wrong).unwrap();
        at.workspace.remove(".lambuild");
        let first = with_own_store(&at.workspace).run(["build"]);
        // Whoever reads it finds the damage and sets it aside; whoever does not is none the worse.
        if first.code != Some(0) {
            first
                .exits(1)
                .says("was damaged; it has been set aside: run the build again");
        }
        builds_the_same(&at, &artifacts, &object);
        // Where nobody read it, it would be met in a later round.
        writable(&object).write_all(&right).unwrap();
    }
}

fn writable(file: &Path) -> fs::File {
    fs::set_permissions(file, Permissions::from_mode(0o644)).expect("a file of the store");
    OpenOptions::new()
        .write(true)
        .open(file)
        .expect("a file of the store")
}
