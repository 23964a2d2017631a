//! What the texts of deploy attributes must look like: names, ARNs, places.
//! Patterns are those of the service model (botocore 1.43) where there is one.
//! Each check answers in words for people.

use super::DESCRIPTION_MAX;
use crate::word::Word;

type Check = Result<(), String>;

/// Characters of an ARN, where the service has no narrower limit.
const ARN_MAX: usize = 10_000;

/// Any text that can stand in a command line.
///
/// # Errors
/// When it holds a NUL, which neither a command nor a variable can.
pub fn plain(text: &str) -> Check {
    demand(!text.contains('\0'), || {
        "it holds a NUL character, which no command line can carry".to_owned()
    })
}

/// A function's name; the longer forms of the API (ARNs) are not taken.
///
/// # Errors
/// When it is not 1 to 64 letters, digits, `-`, `_`.
pub fn function(text: &str) -> Check {
    name("function", text, 64)
}

/// A layer's name.
///
/// # Errors
/// When it is not 1 to 140 letters, digits, `-`, `_`.
pub fn layer(text: &str) -> Check {
    name("layer", text, 140)
}

fn name(what: &str, text: &str, max: usize) -> Check {
    demand(
        (1..=max).contains(&text.len()) && text.bytes().all(is_name_byte),
        || {
            format!(
                "`{}` is no name of a {what}: 1 to {max} letters, digits, `-` and `_`",
                shown(text)
            )
        },
    )
}

/// A handler: no blanks, at most 128 characters.
///
/// # Errors
/// When it is not that.
pub fn handler(text: &str) -> Check {
    let fits = (1..=128).contains(&text.chars().count()) && !text.contains(char::is_whitespace);
    demand(fits, || {
        "a handler has 1 to 128 characters and no blanks, such as `app.handler`".to_owned()
    })?;
    plain(text)
}

/// A description of a function.
///
/// # Errors
/// When it is longer than 256 characters.
pub fn description(text: &str) -> Check {
    at_most(text, DESCRIPTION_MAX)
}

/// A description of a layer; 28 characters are kept for the mark of the content.
///
/// # Errors
/// When it is longer than 228 characters.
pub fn layer_description(text: &str) -> Check {
    at_most(text, DESCRIPTION_MAX - crate::steps::layer::MARKER_LENGTH)
}

/// A licence.
///
/// # Errors
/// When it is longer than 512 characters.
pub fn license(text: &str) -> Check {
    at_most(text, 512)
}

fn at_most(text: &str, max: usize) -> Check {
    let length = text.chars().count();
    demand(length <= max, || {
        format!("it has {length} characters, at most {max} are allowed")
    })?;
    plain(text)
}

/// The ARN of a role, or a text with `${NAME}` that becomes one in the shell.
///
/// # Errors
/// When it is neither.
pub fn role(text: &str) -> Check {
    if text.contains("${") {
        return placeholders(text);
    }
    demand(is_role(text) && text.len() <= ARN_MAX, || {
        format!(
            "`{}` is no ARN of a role, such as `arn:aws:iam::111122223333:role/lambda-ex`",
            shown(text)
        )
    })
}

/// `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`
fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let &["arn", partition, "iam", "", number, resource] = parts.as_slice() else {
        return false;
    };
    let rest = resource
        .strip_prefix("role")
        .map(|rest| rest.strip_prefix('/').unwrap_or(rest));
    is_partition(partition)
        && account(number).is_ok()
        && rest.is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&b))
        })
}

/// Each `${` must begin a variable in capitals: those are the ones that come
/// from outside, and the script's own are in small letters.
fn placeholders(text: &str) -> Check {
    let odd = Word::with_placeholders(text)
        .texts()
        .any(|piece| piece.contains("${"));
    demand(!odd, || {
        format!(
            "`{}` has a `${{` that begins no variable: a name in capitals, such as `${{ACCOUNT_ID}}`",
            shown(text)
        )
    })?;
    plain(text)
}

/// An ARN of any service: `arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*`.
///
/// # Errors
/// When it is none.
pub fn arn(text: &str) -> Check {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let good = matches!(parts.as_slice(), ["arn", partition, service, _]
        if is_partition(partition) && !service.is_empty() && service.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b)));
    demand(good && text.len() <= ARN_MAX, || {
        format!(
            "`{}` is no ARN, such as `arn:aws:sqs:eu-west-1:111122223333:failed`",
            shown(text)
        )
    })?;
    plain(text)
}

/// A subnet: `subnet-[0-9a-z]*`, at most 1024 characters.
///
/// # Errors
/// When it is not that.
pub fn subnet(text: &str) -> Check {
    let is_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    network("subnet", "subnet-", text, is_id)
}

/// A security group: `sg-[0-9a-zA-Z]*`, at most 1024 characters.
///
/// # Errors
/// When it is not that.
pub fn security_group(text: &str) -> Check {
    network("security group", "sg-", text, |byte| byte.is_ascii_alphanumeric())
}

fn network(what: &str, begin: &str, text: &str, is_id: fn(u8) -> bool) -> Check {
    let id = text.strip_prefix(begin).filter(|id| id.bytes().all(is_id));
    demand(id.is_some() && text.len() <= 1024, || {
        format!("`{}` is no {what}, such as `{begin}0a1b2c3d`", shown(text))
    })
}

/// The ARN of an access point of EFS or S3 Files: at most 256 characters.
///
/// # Errors
/// When it is none.
pub fn access_point(text: &str) -> Check {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let good = match parts.as_slice() {
        ["arn", partition, "elasticfilesystem", _, number, resource] => {
            let id = resource.strip_prefix("access-point/fsap-");
            partition.starts_with("aws")
                && account(number).is_ok()
                && id.is_some_and(|id| is_hex(id, 17..=17))
        }
        ["arn", partition, "s3files", _, _, resource] => {
            let ids = resource.strip_prefix("file-system/fs-");
            let ids = ids.and_then(|ids| ids.split_once("/access-point/fsap-"));
            partition.starts_with("aws")
                && ids.is_some_and(|(system, point)| is_hex(system, 17..=40) && is_hex(point, 17..=40))
        }
        _ => false,
    };
    demand(
        good && parts.get(1).is_some_and(|part| is_partition(part)) && text.len() <= 256,
        || {
            format!(
                "`{}` is no ARN of an access point, such as \
             `arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0`",
                shown(text)
            )
        },
    )?;
    plain(text)
}

fn is_hex(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    length.contains(&text.len()) && text.bytes().all(is_hex)
}

/// The ARN of one version of a layer.
///
/// # Errors
/// When it is none, also when the version is missing.
pub fn layer_version(text: &str) -> Check {
    let parts: Vec<&str> = text.split(':').collect();
    let good = matches!(parts.as_slice(), ["arn", partition, "lambda", region, number, "layer", name, version]
        if [*partition, *region].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
            && account(number).is_ok() && layer(name).is_ok() && is_number(version));
    demand(good && text.len() <= 2048, || {
        format!(
            "`{}` is no ARN of a layer version, such as `arn:aws:lambda:eu-west-1:111122223333:layer:certs:3`",
            shown(text)
        )
    })
}

/// A region, by its shape: new ones need no new lambuild.
///
/// # Errors
/// When it is not words joined by `-` with a number at the end.
pub fn region(text: &str) -> Check {
    let parts: Vec<&str> = text.split('-').collect();
    let good = parts.len() >= 3
        && parts.split_last().is_some_and(|(last, words)| {
            is_number(last)
                && words
                    .iter()
                    .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
        });
    demand(good, || {
        format!("`{}` is no AWS region, such as `eu-west-1`", shown(text))
    })
}

/// An account number.
///
/// # Errors
/// When it is not 12 digits.
pub fn account(text: &str) -> Check {
    let good = text.len() == 12 && is_number(text);
    demand(good, || {
        format!(
            "`{}` is no account number: 12 digits in quotes, such as \"111122223333\"",
            shown(text)
        )
    })
}

/// A bucket's name: 3 to 63 of `[0-9A-Za-z.-_]`, no dot at the end.
///
/// # Errors
/// When it is not that.
pub fn bucket(text: &str) -> Check {
    let good = (3..=63).contains(&text.len())
        && !text.ends_with('.')
        && text.bytes().all(|b| is_name_byte(b) || b == b'.');
    demand(good, || {
        format!(
            "`{}` is no name of a bucket: 3 to 63 letters, digits, `.`, `-` and `_`",
            shown(text)
        )
    })
}

/// An alias: a name that is not only digits.
///
/// # Errors
/// When it is not 1 to 128 letters, digits, `-`, `_`, or only digits.
pub fn alias(text: &str) -> Check {
    name("alias", text, 128)?;
    demand(!is_number(text), || {
        format!("`{text}` is a version: the name of an alias needs a letter")
    })
}

/// A log group: 1 to 512 of `[.\-_/#A-Za-z0-9]`.
///
/// # Errors
/// When it is not that.
pub fn log_group(text: &str) -> Check {
    let good =
        (1..=512).contains(&text.len()) && text.bytes().all(|b| is_name_byte(b) || b"./#".contains(&b));
    demand(good, || {
        format!(
            "`{}` is no log group: 1 to 512 letters, digits and `.-_/#`",
            shown(text)
        )
    })
}

/// Where a file system is mounted: `/mnt/[a-zA-Z0-9-_.]+`, at most 160 characters.
///
/// # Errors
/// When it is not that.
pub fn mount_path(text: &str) -> Check {
    let name = text.strip_prefix("/mnt/").unwrap_or_default();
    let good = !name.is_empty() && text.len() <= 160 && name.bytes().all(|b| is_name_byte(b) || b == b'.');
    demand(good, || {
        format!("`{}` is no place to mount at, such as `/mnt/data`", shown(text))
    })
}

/// The key of a tag: 1 to 128 characters, not beginning with `aws:`.
///
/// # Errors
/// When it is not that.
pub fn tag_key(text: &str) -> Check {
    let good = (1..=128).contains(&text.chars().count()) && !text.to_ascii_lowercase().starts_with("aws:");
    demand(good, || {
        format!(
            "`{}` is no key of a tag: 1 to 128 characters, and `aws:` is kept for AWS",
            shown(text)
        )
    })?;
    plain(text)
}

/// The value of a tag.
///
/// # Errors
/// When it is longer than 256 characters.
pub fn tag_value(text: &str) -> Check {
    at_most(text, 256)
}

fn demand(good: bool, message: impl FnOnce() -> String) -> Check {
    if good { Ok(()) } else { Err(message()) }
}

/// A text in a message: control characters escaped, not endless.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    let dots = if start.len() < text.len() { "…" } else { "" };
    let start = start.escape_debug().to_string().replace("\\'", "'");
    format!("{start}{dots}")
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `aws`, `aws-cn`, `aws-us-gov` and the like, or nothing.
fn is_partition(text: &str) -> bool {
    let rest = text
        .strip_prefix("aws")
        .unwrap_or(if text.is_empty() { "" } else { "!" });
    rest.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_takes_is_taken() {
        assert_eq!(role("arn:aws:iam::111122223333:role/lambda-ex"), Ok(()));
        assert_eq!(
            role("arn:aws-us-gov:iam::111122223333:role/service-role/my-lambda-role"),
            Ok(())
        );
        assert_eq!(role("arn:aws:iam::${ACCOUNT_ID}:role/x"), Ok(()));
        assert_eq!(role("${ROLE}"), Ok(()));
        assert_eq!(
            layer_version("arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:53"),
            Ok(())
        );
        assert_eq!(
            region("us-gov-west-1")
                .and(region("eusc-de-east-1"))
                .and(region("eu-west-1")),
            Ok(())
        );
        assert_eq!(arn("arn:aws:sqs:eu-west-1:111122223333:failed"), Ok(()));
        assert_eq!(subnet("subnet-0a1b").and(security_group("sg-0A1b")), Ok(()));
        assert_eq!(
            access_point(
                "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
            ),
            Ok(())
        );
        assert_eq!(
            access_point(
                "arn:aws:s3files:eu-west-1:111122223333:file-system/fs-0123456789abcdef0/access-point/fsap-0123456789abcdef0"
            ),
            Ok(())
        );
        assert_eq!(
            log_group("/acme/dev#1")
                .and(mount_path("/mnt/data.1"))
                .and(alias("live2")),
            Ok(())
        );
    }

    #[test]
    fn what_it_refuses_is_refused_in_words() {
        let refused = [
            function("my function"),
            function(&"x".repeat(65)),
            layer(""),
            handler("app handler"),
            description(&"x".repeat(257)),
            layer_description(&"x".repeat(229)),
            role("lambda-ex"),
            role("arn:aws:iam::1111:role/x"),
            role("arn:aws:iam::${account}:role/x"),
            role("arn:aws:iam::${ACCOUNT:role/x"),
            arn("aws:sqs"),
            subnet("sn-1"),
            security_group("sg_1"),
            access_point("arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-1"),
            layer_version("arn:aws:lambda:eu-west-1:111122223333:layer:certs"),
            region("Ireland"),
            account("1234"),
            bucket("a."),
            alias("7"),
            log_group("a b"),
            mount_path("/data"),
            tag_key("aws:x"),
            plain("a\0b"),
        ];
        let messages: Vec<String> = refused.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(messages.join("\n"), @r#"
        `my function` is no name of a function: 1 to 64 letters, digits, `-` and `_`
        `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` is no name of a function: 1 to 64 letters, digits, `-` and `_`
        `` is no name of a layer: 1 to 140 letters, digits, `-` and `_`
        a handler has 1 to 128 characters and no blanks, such as `app.handler`
        it has 257 characters, at most 256 are allowed
        it has 229 characters, at most 228 are allowed
        `lambda-ex` is no ARN of a role, such as `arn:aws:iam::111122223333:role/lambda-ex`
        `arn:aws:iam::1111:role/x` is no ARN of a role, such as `arn:aws:iam::111122223333:role/lambda-ex`
        `arn:aws:iam::${account}:role/x` has a `${` that begins no variable: a name in capitals, such as `${ACCOUNT_ID}`
        `arn:aws:iam::${ACCOUNT:role/x` has a `${` that begins no variable: a name in capitals, such as `${ACCOUNT_ID}`
        `aws:sqs` is no ARN, such as `arn:aws:sqs:eu-west-1:111122223333:failed`
        `sn-1` is no subnet, such as `subnet-0a1b2c3d`
        `sg_1` is no security group, such as `sg-0a1b2c3d`
        `arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-1` is no ARN of an access point, such as `arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0`
        `arn:aws:lambda:eu-west-1:111122223333:layer:certs` is no ARN of a layer version, such as `arn:aws:lambda:eu-west-1:111122223333:layer:certs:3`
        `Ireland` is no AWS region, such as `eu-west-1`
        `1234` is no account number: 12 digits in quotes, such as "111122223333"
        `a.` is no name of a bucket: 3 to 63 letters, digits, `.`, `-` and `_`
        `7` is a version: the name of an alias needs a letter
        `a b` is no log group: 1 to 512 letters, digits and `.-_/#`
        `/data` is no place to mount at, such as `/mnt/data`
        `aws:x` is no key of a tag: 1 to 128 characters, and `aws:` is kept for AWS
        it holds a NUL character, which no command line can carry
        "#);
    }
}
