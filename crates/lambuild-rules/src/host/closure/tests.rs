//! Which files are found for a program, and why one is refused.

use super::*;
use crate::host::testing::{Machine, Sample, elf};

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

fn program(needed: &[&str]) -> Vec<u8> {
    elf(&Sample {
        loader: Some(LOADER),
        needed,
        ..Sample::default()
    })
}

fn library(needed: &[&str]) -> Vec<u8> {
    elf(&Sample {
        needed,
        ..Sample::default()
    })
}

fn machine() -> Machine {
    Machine::new()
        .file("/usr/lib/ld-2.36.so", &library(&[]))
        .link(LOADER, "/usr/lib/ld-2.36.so")
        .file("/usr/lib/libc-2.so", &library(&["ld-linux-x86-64.so.2"]))
        .link("/lib/libc.so.6", "/usr/lib/libc-2.so")
}

fn refused(programs: &[&str], machine: &Machine) -> String {
    closure(programs.iter().copied(), machine)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_program_needs_its_loader_and_the_libraries_of_its_libraries() {
    let machine = machine()
        .file("/usr/bin/dash", &program(&["libedit.so.2", "libc.so.6"]))
        .link("/bin/sh", "/usr/bin/dash")
        .file("/usr/lib/libedit.so.2", &library(&["libtinfo.so.6", "libc.so.6"]))
        .file("/usr/lib/x86_64-linux-gnu/libtinfo.so.6", &library(&[]))
        .file("/bin/busybox", &library(&[]));
    let found = closure(["sh", "busybox"], &machine).unwrap();
    let pairs = |of: &BTreeMap<String, String>| {
        of.iter()
            .map(|(name, file)| format!("{name} {file}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(pairs(&found.alone), ["busybox /bin/busybox"]);
    assert_eq!(pairs(&found.loaded), ["sh /usr/bin/dash"]);
    assert_eq!(
        pairs(&found.libraries),
        [
            "libc.so.6 /usr/lib/libc-2.so",
            "libedit.so.2 /usr/lib/libedit.so.2",
            "libtinfo.so.6 /usr/lib/x86_64-linux-gnu/libtinfo.so.6",
        ]
    );
    assert_eq!(found.loader.as_deref(), Some("/usr/lib/ld-2.36.so"));
}

#[test]
fn search_paths_of_the_object_come_first_and_only_rpaths_are_inherited() {
    let own = |rpath, runpath| {
        elf(&Sample {
            loader: Some(LOADER),
            needed: &["liba.so"],
            rpath,
            runpath,
            ..Sample::default()
        })
    };
    let with = |program: &[u8]| {
        machine()
            .file("/bin/p", program)
            .file("/opt/lib/liba.so", &library(&["libb.so"]))
            .file("/bin/../lib/liba.so", &library(&["libb.so"]))
            .file("/opt/lib/libb.so", &library(&[]))
            .file("/usr/lib/liba.so", &library(&["libb.so"]))
            .file("/usr/lib/libb.so", &library(&[]))
    };
    let found = |program: &[u8], name: &str| closure(["p"], &with(program)).unwrap().libraries[name].clone();
    let rpath = own(Some("/opt/lib"), None);
    assert_eq!(found(&rpath, "liba.so"), "/opt/lib/liba.so");
    assert_eq!(found(&rpath, "libb.so"), "/opt/lib/libb.so");
    let runpath = own(Some("/nowhere"), Some("/opt/lib"));
    assert_eq!(found(&runpath, "liba.so"), "/opt/lib/liba.so");
    assert_eq!(found(&runpath, "libb.so"), "/usr/lib/libb.so");
    let origin = own(None, Some("$ORIGIN/../lib"));
    assert_eq!(found(&origin, "liba.so"), "/bin/../lib/liba.so");
    assert_eq!(found(&own(None, None), "liba.so"), "/usr/lib/liba.so");
}

#[test]
fn a_library_for_another_processor_is_passed_over() {
    let foreign = elf(&Sample {
        machine: 183,
        ..Sample::default()
    });
    let machine = machine()
        .file("/bin/p", &program(&["liba.so"]))
        .file("/lib64/liba.so", &foreign)
        .file("/usr/lib/liba.so", &library(&[]));
    let found = closure(["p"], &machine).unwrap();
    assert_eq!(found.libraries["liba.so"], "/usr/lib/liba.so");
}

#[test]
fn what_cannot_be_taken_is_refused_with_the_reason() {
    let other = elf(&Sample {
        loader: Some("/lib/ld-musl-x86_64.so.1"),
        ..Sample::default()
    });
    let private = elf(&Sample {
        loader: Some(LOADER),
        needed: &["libc.so.6"],
        runpath: Some("/opt"),
        ..Sample::default()
    });
    let machine = machine()
        .file("/bin/script", b"#!/usr/bin/env python3\nprint()\n")
        .file("/bin/data", b"MZ")
        .file("/bin/lacks", &program(&["libnone.so"]))
        .file("/bin/plain", &program(&["libc.so.6"]))
        .file("/bin/musl", &other)
        .file("/lib/ld-musl-x86_64.so.1", &library(&[]))
        .file("/bin/private", &private)
        .file("/opt/libc.so.6", &library(&[]));
    let all = [
        refused(&["nothing"], &machine),
        refused(&["script"], &machine),
        refused(&["data"], &machine),
        refused(&["lacks"], &machine),
        refused(&["plain", "musl"], &machine),
        refused(&["plain", "private"], &machine),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    this machine has no program `nothing` on PATH
    `script` is a script for `/usr/bin/env python3` (/bin/script), not a program that can be taken by itself
    `data` (/bin/data) is no program for Linux of 64 bits
    `lacks` needs the library `libnone.so`, which this machine does not have
    `musl` needs another `loader` (/lib/ld-musl-x86_64.so.1) than the programs beside it (/usr/lib/ld-2.36.so)
    `private` needs another `libc.so.6` (/opt/libc.so.6) than the programs beside it (/usr/lib/libc-2.so)
    ");
}

#[test]
fn circles_of_libraries_end() {
    let machine = machine()
        .file("/bin/p", &program(&["liba.so"]))
        .file("/usr/lib/liba.so", &library(&["libb.so"]))
        .file("/usr/lib/libb.so", &library(&["liba.so"]));
    assert_eq!(closure(["p"], &machine).unwrap().libraries.len(), 2);
}
