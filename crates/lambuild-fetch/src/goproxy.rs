//! In which order module proxies are asked, by a `GOPROXY` value. Knows the
//! protocol's rule for moving on to the next, not what is asked for.

use crate::download::redacted;
use crate::error::FetchError;
use crate::toolchain::GO_DOMAIN;

/// What Go takes where `GOPROXY` is not set: the host `proxy` of Go's own domain, then the
/// origin. Source: `go help environment` of Go 1.26.
fn default_value() -> String {
    format!("https://proxy.{GO_DOMAIN},direct")
}

/// A parsed `GOPROXY` value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoProxy {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    source: Source,
    /// Whether the next one is asked after any failure (`|`), not only after "there is no such thing" (`,`).
    on_any_failure: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// A proxy, without a slash at the end.
    Url(String),
    /// From where the module is developed. Toolchains have no such place.
    Direct,
    /// Nowhere: the list ends here.
    Off,
}

impl GoProxy {
    /// Reads a value of `GOPROXY`; an empty one stands for Go's default.
    ///
    /// # Errors
    /// A part that is neither a URL nor `direct` nor `off`.
    pub fn parse(value: &str) -> Result<GoProxy, FetchError> {
        let default = default_value();
        let value = if value.trim().is_empty() { &default } else { value };
        let parts = value.split_inclusive([',', '|']).map(|part| {
            let text = part.trim_end_matches([',', '|']).trim();
            Ok(Entry {
                source: source(text)?,
                on_any_failure: part.ends_with('|'),
            })
        });
        let entries: Result<Vec<Entry>, FetchError> = parts.filter(|part| !is_blank(part)).collect();
        Ok(GoProxy { entries: entries? })
    }

    /// The value for people: without user names and passwords.
    pub fn shown(&self) -> String {
        let parts = self.entries.iter().enumerate().map(|(index, entry)| {
            let text = match &entry.source {
                Source::Url(url) => redacted(url),
                Source::Direct => "direct".into(),
                Source::Off => "off".into(),
            };
            let mark = if entry.on_any_failure { "|" } else { "," };
            if index + 1 < self.entries.len() {
                text + mark
            } else {
                text
            }
        });
        parts.collect()
    }

    /// The proxies that may be asked, in order.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.steps().map(|step| step.url)
    }

    /// The proxies that may be asked, each with the rule for going on to the next.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let before_off = self
            .entries
            .iter()
            .take_while(|entry| entry.source != Source::Off);
        before_off.filter_map(|entry| match &entry.source {
            Source::Url(url) => Some(Step {
                url,
                on_any_failure: entry.on_any_failure,
            }),
            _ => None,
        })
    }
}

/// Whether one of the comma-separated patterns, as in `GOPRIVATE`, matches as many leading parts of a module's path
/// as it has. Source: `module.MatchPrefixPatterns` of Go 1.26.
pub fn matches_patterns(patterns: &str, module: &str) -> bool {
    let parts: Vec<&str> = module.split('/').collect();
    patterns.split(',').any(|pattern| {
        let wanted: Vec<&str> = pattern.trim_end_matches('/').split('/').collect();
        let pairs = || wanted.iter().zip(&parts);
        !pattern.is_empty()
            && wanted.len() <= parts.len()
            && pairs().all(|(pattern, part)| glob(pattern.as_bytes(), part.as_bytes()))
    })
}

/// `*` and `?`, the wildcards that settings hold. A class (`[a-z]`) matches nothing: then more is verified, not less.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) if glob(rest, text) => true,
        (Some((b'*', _)), Some((_, text))) => glob(pattern, text),
        (Some((b'?', rest)), Some((_, text))) => glob(rest, text),
        (Some((want, rest)), Some((have, text))) => want == have && glob(rest, text),
        _ => false,
    }
}

/// One proxy of the list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    /// Without a slash at the end.
    pub url: &'a str,
    on_any_failure: bool,
}

impl Step<'_> {
    /// Whether the next proxy is asked after this one's failure.
    pub fn goes_on(&self, error: &FetchError) -> bool {
        self.on_any_failure || matches!(error, FetchError::NotFound { .. })
    }
}

fn is_blank(entry: &Result<Entry, FetchError>) -> bool {
    matches!(entry, Ok(Entry { source: Source::Url(url), .. }) if url.is_empty())
}

fn source(text: &str) -> Result<Source, FetchError> {
    match text {
        "direct" => Ok(Source::Direct),
        "off" => Ok(Source::Off),
        "" => Ok(Source::Url(String::new())),
        url if ["https://", "http://", "file://"]
            .iter()
            .any(|scheme| url.starts_with(scheme)) =>
        {
            Ok(Source::Url(url.trim_end_matches('/').to_owned()))
        }
        part if part.contains('@') => Err(FetchError::BadProxy {
            part: "(hidden: it may hold a password)".into(),
        }),
        part => Err(FetchError::BadProxy {
            part: part.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which proxies are asked, and whose answer it is, where one has it and one is in trouble.
    fn ask(value: &str, has: &str, trouble: &str) -> (Option<String>, Vec<String>) {
        let mut asked = Vec::new();
        for step in GoProxy::parse(value).unwrap().steps() {
            let url = step.url.to_owned();
            asked.push(url.clone());
            let error = match &*url {
                found if found == has => return (Some(url), asked),
                broken if broken == trouble => FetchError::Status { url, status: 500 },
                _ => FetchError::NotFound { url },
            };
            if !step.goes_on(&error) {
                break;
            }
        }
        (None, asked)
    }

    #[test]
    fn a_comma_moves_on_when_there_is_nothing_and_a_bar_always() {
        let (a, b) = ("https://a", "https://b");
        assert_eq!(
            ask("https://a/,https://b", b, ""),
            (Some(b.into()), vec![a.into(), b.into()])
        );
        assert_eq!(ask("https://a,https://b", b, a), (None, vec![a.into()]));
        assert_eq!(
            ask("https://a|https://b", b, a),
            (Some(b.into()), vec![a.into(), b.into()])
        );
    }

    #[test]
    fn off_ends_the_list_and_direct_is_no_proxy() {
        assert_eq!(
            ask("https://a,off,https://b", "https://b", ""),
            (None, vec!["https://a".into()])
        );
        assert_eq!(ask("off", "", ""), (None, vec![]));
        assert_eq!(ask("direct", "", ""), (None, vec![]));
    }

    #[test]
    fn patterns_match_leading_parts() {
        for (patterns, matches) in [
            ("golang.org", true),
            ("example.com,*.org/tool*", true),
            ("golang.org/toolchain/x", false),
            ("g?lang.org/", true),
            ("golang", false),
            ("", false),
            (",", false),
        ] {
            assert_eq!(
                matches_patterns(patterns, "golang.org/toolchain"),
                matches,
                "{patterns}"
            );
        }
    }

    #[test]
    fn values_are_shown_without_passwords() {
        assert_eq!(
            GoProxy::parse(" ").unwrap().shown(),
            default_value().replace(",", "/,")
        );
        assert_eq!(
            GoProxy::parse("https://me:secret@a/x|,off").unwrap().shown(),
            "https://a/x|off"
        );
        let message = |value: &str| GoProxy::parse(value).unwrap_err().to_string();
        assert_eq!(
            message("a.example.com"),
            "GOPROXY has the part `a.example.com`, which is neither a URL with its https:// nor `direct` or `off`"
        );
        assert!(!message("me:secret@a").contains("secret"));
    }
}
