//! What a type takes, in words for a reference page: as in error messages, and more.

use crate::schema::Type;
use crate::typed::takes;

/// The type in words, such as "an integer from 1 to 900" or "a list of at most 5: a path".
pub fn describe(ty: &Type) -> String {
    match ty {
        Type::OneOf(known) => one_of(known),
        Type::List {
            item,
            max: usize::MAX,
        } => format!("a list: {}", describe(item)),
        Type::List { item, max } => format!("a list of at most {max}: {}", describe(item)),
        Type::Map { value, .. } => format!("a set by name: {}", describe(value)),
        Type::Set(_) => "a set with the attributes below".to_owned(),
        Type::Either(types) => {
            let forms: Vec<String> = types.iter().map(describe).collect();
            forms.join(", or ")
        }
        other => takes(other),
    }
}

/// All of them, unlike in an error message, where only some are shown.
fn one_of(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|text| format!("{text:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}
