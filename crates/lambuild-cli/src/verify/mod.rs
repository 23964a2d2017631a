//! What differs between two builds of the same thing, and why, as far as bytes tell. Knows two
//! graphs' outcomes and the surroundings of both; runs nothing.
//!
//! ```text
//! blame ─ which action is the first to differ
//!   └─ tree ─ which entries of its output          (names, modes, links, content)
//!        └─ content ─ which bytes of a file        (archives and gzip are looked into)
//!             └─ evidence ─ what the bytes are      (moment: a time; elf: a build id)
//! ```

pub mod again;
pub mod blame;
pub mod content;
pub mod elf;
pub mod evidence;
pub mod kept;
pub mod moment;
pub mod tree;
