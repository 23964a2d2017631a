//! The environment that every process action has, whoever runs it and where.

use std::collections::BTreeMap;

/// Seconds since 1970 of 1980-01-01, the first day a zip can say; what tools that
/// honour `SOURCE_DATE_EPOCH` take for now.
pub const SOURCE_DATE_EPOCH: &str = "315532800";

/// The fixed variables; a rule adds its own. `{root}` stands for the input root.
pub fn fixed() -> BTreeMap<String, String> {
    [
        ("HOME", "{root}/tmp"),
        ("LC_ALL", "C"),
        ("PATH", ""),
        ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH),
        ("TMPDIR", "{root}/tmp"),
        ("TZ", "UTC"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}
