//! Which environment variables a function may have. Knows no stage.

use std::collections::BTreeMap;

/// Bytes of all variables of a function together (Lambda guide, "Quotas").
pub const SIZE_MAX: usize = 4096;

/// Set by Lambda itself (Lambda guide, "Reserved environment variables").
pub const RESERVED: [&str; 20] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
];

/// A name: the service's pattern `[a-zA-Z]([a-zA-Z0-9_])+`, and not reserved.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str) -> Result<(), String> {
    if RESERVED.contains(&text) || text == "_X_AMZN_TRACE_ID" {
        return Err(format!("`{text}` is reserved: Lambda sets it itself"));
    }
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins && text.len() >= 2 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name of a variable: a letter, then at least one letter, digit or `_`",
        text.escape_debug()
    ))
}

/// The bytes that Lambda counts: the variables as one JSON text, which is what
/// its own refusal shows ("String measured: {…}").
pub fn size(variables: &BTreeMap<String, String>) -> usize {
    serde_json::to_string(variables).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_service() {
        for good in ["TABLE", "a1", "LOG_LEVEL", "PATH", "TZ"] {
            assert_eq!(name(good), Ok(()));
        }
        let refused = [
            "A",
            "1A",
            "_A",
            "A-B",
            "AWS_REGION",
            "_X_AMZN_TRACE_ID",
            "Ä1",
            "A\n",
        ];
        let messages: Vec<String> = refused.iter().map(|text| name(text).unwrap_err()).collect();
        insta::assert_snapshot!(messages.join("\n"), @r"
        `A` is no name of a variable: a letter, then at least one letter, digit or `_`
        `1A` is no name of a variable: a letter, then at least one letter, digit or `_`
        `_A` is no name of a variable: a letter, then at least one letter, digit or `_`
        `A-B` is no name of a variable: a letter, then at least one letter, digit or `_`
        `AWS_REGION` is reserved: Lambda sets it itself
        `_X_AMZN_TRACE_ID` is reserved: Lambda sets it itself
        `Ä1` is no name of a variable: a letter, then at least one letter, digit or `_`
        `A\n` is no name of a variable: a letter, then at least one letter, digit or `_`
        ");
    }

    #[test]
    fn the_size_is_that_of_the_json() {
        let variables = BTreeMap::from([("KEY".to_owned(), "\"v\"".to_owned())]);
        assert_eq!(size(&variables), r#"{"KEY":"\"v\""}"#.len());
    }
}
