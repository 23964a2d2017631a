//! Every member of the API against our tables.

use super::{MEMBERS, Standing};
use crate::schema::{FUNCTION, LAYER, names, runtime};
use lambuild_lang::schema::{Attribute, Schema, Type};

const API: &str = include_str!("lambda-api.txt");

/// For each text of the API one that is taken and can grow by repeating its last letter.
const SAMPLES: &[(&str, &str)] = &[
    ("CreateFunction.FunctionName", "f"),
    ("CreateFunction.Role", "arn:aws:iam::111122223333:role/x"),
    ("CreateFunction.Handler", "a"),
    ("CreateFunction.Description", "a"),
    ("CreateFunction.VpcConfig.SubnetIds[]", "subnet-1"),
    ("CreateFunction.VpcConfig.SecurityGroupIds[]", "sg-1"),
    (
        "CreateFunction.DeadLetterConfig.TargetArn",
        "arn:aws:sqs:eu-west-1:111122223333:q",
    ),
    ("CreateFunction.Environment.Variables{key}", "AB"),
    ("CreateFunction.Environment.Variables{value}", "a"),
    (
        "CreateFunction.KMSKeyArn",
        "arn:aws:kms:eu-west-1:111122223333:key/a",
    ),
    ("CreateFunction.Tags{key}", "a"),
    ("CreateFunction.Tags{value}", "a"),
    (
        "CreateFunction.Layers[]",
        "arn:aws:lambda:eu-west-1:111122223333:layer:certs:1",
    ),
    (
        "CreateFunction.FileSystemConfigs[].Arn",
        "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0",
    ),
    ("CreateFunction.FileSystemConfigs[].LocalMountPath", "/mnt/a"),
    ("CreateFunction.LoggingConfig.LogGroup", "a"),
    ("PublishLayerVersion.LayerName", "l"),
    ("PublishLayerVersion.Description", "a"),
    ("PublishLayerVersion.LicenseInfo", "a"),
];

/// A line of the list.
struct Line {
    path: &'static str,
    kind: &'static str,
    required: bool,
    min: Option<i64>,
    max: Option<i64>,
    values: Vec<&'static str>,
}

fn lines() -> Vec<Line> {
    API.lines()
        .filter(|line| !line.starts_with('#'))
        .map(line)
        .collect()
}

fn line(text: &'static str) -> Line {
    let text = text.split_once(" pattern=").map_or(text, |(before, _)| before);
    let words: Vec<&str> = text.split(' ').collect();
    let word = |name: &str| {
        words
            .iter()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let number = |name: &str| word(name).map(|text| text.parse().unwrap());
    Line {
        path: words[0],
        kind: words[1],
        required: words.contains(&"required"),
        min: number("min"),
        max: number("max"),
        values: word("enum").map_or(Vec::new(), |values| values.split(',').collect()),
    }
}

fn standing(path: &str) -> Option<Standing> {
    MEMBERS
        .iter()
        .find(|member| member.path == path)
        .map(|member| member.standing)
}

fn is_left_out(path: &str) -> bool {
    let below = |member: &super::Member| {
        path.strip_prefix(member.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{']))
    };
    MEMBERS
        .iter()
        .any(|member| matches!(member.standing, Standing::LeftOut(_)) && below(member))
}

type Judge = fn(&str) -> Result<(), String>;

/// What stands at a path with us.
enum Ours {
    Root(&'static Schema),
    Attribute(&'static Attribute),
    Type(&'static Type),
    Key(Judge),
}

impl Ours {
    fn ty(&self) -> Option<&'static Type> {
        match self {
            Ours::Attribute(attribute) => Some(&attribute.ty),
            Ours::Type(ty) => Some(ty),
            Ours::Root(_) | Ours::Key(_) => None,
        }
    }
}

fn ours(path: &str) -> Option<Ours> {
    let root = if path.starts_with("CreateFunction") {
        &FUNCTION
    } else {
        &LAYER
    };
    if let Some(Standing::Named(name)) = standing(path) {
        return attribute(root, name);
    }
    if let Some(list) = path.strip_suffix("[]") {
        let Type::List { item, .. } = ours(list)?.ty()? else {
            return None;
        };
        return Some(Ours::Type(item));
    }
    if let Some(map) = path.strip_suffix("{key}").or(path.strip_suffix("{value}")) {
        let Type::Map { key, value } = ours(map)?.ty()? else {
            return None;
        };
        return Some(if path.ends_with("{key}") {
            Ours::Key(*key)
        } else {
            Ours::Type(value)
        });
    }
    let Some((parent, name)) = path.rsplit_once('.') else {
        return Some(Ours::Root(root));
    };
    let parent = ours(parent)?;
    let schema = match (&parent, parent.ty()) {
        (Ours::Root(schema), _) => *schema,
        (_, Some(Type::Set(schema))) => *schema,
        _ => return None,
    };
    attribute(schema, &snake(name))
}

fn attribute(schema: &'static Schema, name: &str) -> Option<Ours> {
    let mut attributes = schema.attributes.iter();
    attributes
        .find(|attribute| attribute.name == name)
        .map(Ours::Attribute)
}

/// `KMSKeyArn` → `kms_key_arn`
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let begins = before.is_some_and(|before| !before.is_uppercase())
            || before.is_some() && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && begins {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// What is wrong with our side of a member; `None` when nothing is.
fn problem(line: &Line) -> Option<String> {
    let Some(ours) = ours(line.path) else {
        return Some("no attribute, and not left out for a reason".to_owned());
    };
    if let (true, Ours::Attribute(attribute)) = (line.required, &ours)
        && !attribute.required
        && attribute.default.is_none()
    {
        return Some("the API needs it, and it has no default".to_owned());
    }
    let (min, max) = match standing(line.path) {
        Some(Standing::Narrower { min, max, .. }) if !narrower(line, min, max) => {
            return Some("is said to be narrower, and is not".to_owned());
        }
        Some(Standing::Narrower { min, max, .. }) => (Some(min), Some(max)),
        _ => (line.min, line.max),
    };
    let same = match (line.kind, &ours, ours.ty()) {
        ("structure", Ours::Root(_), _) | ("structure", _, Some(Type::Set(_))) => true,
        ("boolean", _, Some(Type::Bool)) | ("map", _, Some(Type::Map { .. })) => true,
        ("list", _, Some(Type::List { max: most, .. })) => max == i64::try_from(*most).ok(),
        (
            "integer",
            _,
            Some(Type::Int {
                min: least,
                max: most,
            }),
        ) => (min, max) == (Some(*least), Some(*most)),
        ("string", _, Some(ty)) if !line.values.is_empty() => return values(line, ty),
        ("string", Ours::Key(judge), _) => return text(line, *judge, min, max),
        ("string", _, Some(Type::Checked(judge))) => return text(line, *judge, min, max),
        ("string", _, Some(Type::Layer)) => return text(line, names::layer_version, min, max),
        _ => false,
    };
    (!same).then(|| format!("{} from {min:?} to {max:?} is something else with us", line.kind))
}

fn narrower(line: &Line, min: i64, max: i64) -> bool {
    let within = line.min.is_none_or(|least| least <= min) && line.max.is_none_or(|most| max <= most);
    within && (line.min.unwrap_or(0), line.max) != (min, Some(max))
}

fn values(line: &Line, ty: &Type) -> Option<String> {
    let without: &[&str] = match standing(line.path) {
        Some(Standing::Without { values, .. }) => values,
        _ => &[],
    };
    let mut wanted: Vec<&str> = line.values.clone();
    wanted.retain(|value| !without.contains(value));
    let mut known: Vec<&str> = match ty {
        Type::OneOf(known) => known.to_vec(),
        // Only the runtime is an enum that is judged by a function.
        _ => runtime::KNOWN.to_vec(),
    };
    let refused = without
        .iter()
        .all(|value| runtime::check(value).is_err() && line.values.contains(value));
    wanted.sort_unstable();
    known.sort_unstable();
    (wanted != known || !refused).then(|| format!("has {wanted:?}, ours are {known:?} without {without:?}"))
}

/// Tries texts at and beyond the limits.
fn text(line: &Line, judge: Judge, min: Option<i64>, max: Option<i64>) -> Option<String> {
    let Some((_, sample)) = SAMPLES.iter().find(|(path, _)| *path == line.path) else {
        return Some("a text without a sample".to_owned());
    };
    let last = sample.chars().last().unwrap();
    let grown = |length: i64| {
        let more = usize::try_from(length).unwrap() - sample.chars().count();
        format!("{sample}{}", last.to_string().repeat(more))
    };
    let formed = matches!(standing(line.path), Some(Standing::Formed(_)));
    let tried = [
        (judge(sample).is_ok(), "the sample is refused"),
        (
            min.is_none_or(|min| min <= 0) || judge("").is_err(),
            "the empty text is taken",
        ),
        (
            max.is_none_or(|max| formed || judge(&grown(max)).is_ok()),
            "the longest text is refused",
        ),
        (
            max.is_none_or(|max| judge(&grown(max + 1)).is_err()),
            "a longer text is taken",
        ),
    ];
    tried
        .into_iter()
        .find(|(good, _)| !good)
        .map(|(_, what)| what.to_owned())
}

#[test]
fn every_member_of_the_api_is_an_attribute_or_left_out_for_a_reason() {
    let lines = lines();
    let judged = lines
        .iter()
        .filter(|line| !is_left_out(line.path) && !matches!(standing(line.path), Some(Standing::Unwrapped)));
    let wrong: Vec<String> = judged
        .filter_map(|line| Some(format!("{}: {}", line.path, problem(line)?)))
        .collect();
    assert!(lines.len() > 90, "{}", lines.len());
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_table_names_only_members_that_there_are() {
    let lines = lines();
    for member in MEMBERS {
        assert!(
            lines.iter().any(|line| line.path == member.path),
            "{}",
            member.path
        );
    }
}

#[test]
fn names_are_those_of_the_api_in_snake_case() {
    let names = ["KMSKeyArn", "Ipv6AllowedForDualStack", "TracingConfig", "Arn"].map(snake);
    assert_eq!(
        names,
        [
            "kms_key_arn",
            "ipv6_allowed_for_dual_stack",
            "tracing_config",
            "arn"
        ]
    );
}
