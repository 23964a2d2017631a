//! Which runtime identifiers are taken. Knows no dates: whether Lambda still
//! creates functions on a runtime is another question.

use lambuild_lang::nearest;

/// Every identifier of the service model (botocore 1.44) that is not refused,
/// newest first within a family.
pub const KNOWN: [&str; 49] = [
    "provided.al2023",
    "provided.al2",
    "nodejs26.x",
    "nodejs24.x",
    "nodejs22.x",
    "nodejs20.x",
    "nodejs18.x",
    "nodejs16.x",
    "nodejs14.x",
    "nodejs12.x",
    "nodejs10.x",
    "nodejs8.10",
    "nodejs6.10",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs",
    "python3.15",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python3.9",
    "python3.8",
    "python3.7",
    "python3.6",
    "python2.7",
    "java25",
    "java21",
    "java17",
    "java11",
    "java17.al2023",
    "java11.al2023",
    "java8.al2023",
    "java8.al2",
    "java8",
    "ruby4.0",
    "ruby3.4",
    "ruby3.3",
    "ruby3.2",
    "ruby2.7",
    "ruby2.5",
    "dotnet10",
    "dotnet8",
    "dotnet6",
    "dotnetcore3.1",
    "dotnetcore2.1",
    "dotnetcore2.0",
    "dotnetcore1.0",
];

/// What a build tool must not deploy to any more, and what took its place.
/// Lambda blocks both since 2024-01-08.
const GONE: [(&str, &str); 2] = [("go1.x", "provided.al2023"), ("provided", "provided.al2023")];

/// Takes known runtimes and unknown ones of a known family (`nodejs30.x`), so
/// that a new runtime needs no new lambuild.
///
/// # Errors
/// What is wrong, with the successor or the nearest known name.
pub fn check(text: &str) -> Result<(), String> {
    if let Some((_, successor)) = GONE.iter().find(|(gone, _)| *gone == text) {
        return Err(format!(
            "Lambda has given up the runtime `{text}`; its successor is `{successor}`"
        ));
    }
    if KNOWN.contains(&text) || is_of_known_family(text) {
        return Ok(());
    }
    let hint = match nearest(text, KNOWN) {
        Some(known) => format!("did you mean `{known}`?"),
        None => "known are such as `provided.al2023`, `python3.13`, `nodejs24.x`, `java25`".to_owned(),
    };
    Err(format!("`{text}` is no Lambda runtime; {hint}"))
}

/// Whether this version of lambuild has heard of the runtime.
pub fn is_known(text: &str) -> bool {
    KNOWN.contains(&text)
}

/// What to say of a runtime that is taken for its family alone.
pub fn advice(text: &str) -> Option<String> {
    (!is_known(text))
        .then(|| format!("the runtime `{text}` is newer than this version of lambuild, or does not exist"))
}

/// Whether the program brings its own `bootstrap`.
pub fn is_custom(runtime: &str) -> bool {
    runtime.starts_with("provided.")
}

/// How each family counts its versions, as of its newest members.
fn is_of_known_family(text: &str) -> bool {
    let between = |head: &str, tail: &str| text.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
    let numbers = |version: Option<&str>, count: usize| {
        version.is_some_and(|version| {
            let parts: Vec<&str> = version.split('.').collect();
            parts.len() == count && parts.iter().all(|part| is_number(part))
        })
    };
    numbers(between("nodejs", ".x"), 1)
        || numbers(between("python", ""), 2)
        || numbers(between("ruby", ""), 2)
        || numbers(between("java", ""), 1)
        || numbers(between("java", ".al2023"), 1)
        || numbers(between("dotnet", ""), 1)
        || numbers(between("provided.al", ""), 1)
}

fn is_number(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ones_and_their_families_are_taken() {
        for runtime in KNOWN.into_iter().chain([
            "nodejs30.x",
            "python3.20",
            "java29",
            "dotnet12",
            "ruby5.1",
            "provided.al2027",
        ]) {
            assert_eq!(check(runtime), Ok(()), "{runtime}");
        }
        assert_eq!(advice("python3.13"), None);
        insta::assert_snapshot!(advice("nodejs30.x").unwrap(), @"the runtime `nodejs30.x` is newer than this version of lambuild, or does not exist");
    }

    #[test]
    fn others_are_refused_with_what_to_take() {
        let refused = [
            "go1.x",
            "provided",
            "nodejs22",
            "Python3.12",
            "python3.x",
            "cobol9",
            "",
        ];
        let messages: Vec<String> = refused.iter().map(|text| check(text).unwrap_err()).collect();
        insta::assert_snapshot!(messages.join("\n"), @"
        Lambda has given up the runtime `go1.x`; its successor is `provided.al2023`
        Lambda has given up the runtime `provided`; its successor is `provided.al2023`
        `nodejs22` is no Lambda runtime; did you mean `nodejs22.x`?
        `Python3.12` is no Lambda runtime; did you mean `python3.12`?
        `python3.x` is no Lambda runtime; did you mean `python3.9`?
        `cobol9` is no Lambda runtime; known are such as `provided.al2023`, `python3.13`, `nodejs24.x`, `java25`
        `` is no Lambda runtime; known are such as `provided.al2023`, `python3.13`, `nodejs24.x`, `java25`
        ");
    }
}
