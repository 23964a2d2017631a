//! A disk that is full to its last byte, or its last inode: what holds the store there is collected all the same,
//! and the next build goes on as if nothing had been.

use crate::harness::binary;
use lambuild_testkit::{Program, TempWorkspace};
use std::fs;

/// Mounts small disks, one after the other; fills the store by building until that fails, then the rest
/// of the disk; collects, and builds once more. The disks go away with the process.
const FILLED: &str = r#"
disk=$1 lambuild=$2
build() { "$lambuild" build --quiet :tools >/dev/null 2>&1; }
# So small that there is no reserve.
for options in size=24m size=64m,nr_inodes=700; do
  mount -t tmpfs -o $options none "$disk" || exit 99
  i=0
  while head -c $((2000000 + i)) /dev/urandom >tool.sh && build && [ $i -lt 60 ]; do i=$((i + 1)); done
  cat /dev/zero 2>/dev/null >"$disk/filler"
  seq 2000 | (cd "$disk" && xargs touch) 2>/dev/null
  "$lambuild" store gc --max-size 0 2>&1 | grep -o '; 0 B in 0 objects and 0 results stay'
  build && echo "$options: builds again" || echo "$options: does not build"
  umount "$disk"
done
"#;

#[test]
fn a_full_disk_is_collected() {
    let at = TempWorkspace::empty();
    at.write(
        "lambda.build",
        "workspace w {}\nlayer tools { content = { \"bin/tool\" = ./tool.sh } }\n",
    );
    let disk = at.home().join("disk");
    fs::create_dir(&disk).unwrap();
    // The first works for root, the second for others where the system lets them.
    for namespace in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let args = [namespace, &["sh", "-c", FILLED, "sh"]].concat();
        let told = Program::new("unshare", at.root())
            .args(args)
            .args([&disk, binary()])
            .env("LAMBUILD_STORE", disk.join("s"))
            .run();
        if told.code == Some(99) || told.stdout.is_empty() {
            continue;
        }
        let wanted: String = ["size=24m", "size=64m,nr_inodes=700"]
            .iter()
            .map(|options| format!("; 0 B in 0 objects and 0 results stay\n{options}: builds again\n"))
            .collect();
        assert_eq!(told.stdout, wanted, "{}", told.stderr);
        return;
    }
    println!("not run: this user may not mount a small disk");
}
