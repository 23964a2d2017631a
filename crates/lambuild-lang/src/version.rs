//! Whether this version of lambuild is one that a workspace asks for.

/// Whether `version` fits every comparison of `wanted`, such as `>=0.3, <2`.
///
/// A comparison is `>=`, `>`, `<=`, `<` or `=` and one to three numbers; without
/// a sign it means `=`. Numbers that are left out are not compared for `=` and count as 0 else.
///
/// # Errors
/// What is wrong with `wanted`.
pub(crate) fn fits(version: &str, wanted: &str) -> Result<bool, String> {
    let have = numbers(version).ok_or_else(|| format!("`{version}` is no version"))?;
    let mut fits = true;
    for comparison in wanted.split(',') {
        let comparison = comparison.trim();
        let sign: String = comparison.chars().take_while(|c| "<>=".contains(*c)).collect();
        let text = comparison[sign.len()..].trim();
        let want = numbers(text).ok_or_else(|| format!("`{comparison}` is no comparison such as `>=0.3`"))?;
        fits &= match &*sign {
            ">=" => padded(&have) >= padded(&want),
            ">" => padded(&have) > padded(&want),
            "<=" => padded(&have) <= padded(&want),
            "<" => padded(&have) < padded(&want),
            "" | "=" => have.starts_with(&want),
            _ => return Err(format!("`{sign}` is no comparison: use >=, >, <=, < or =")),
        };
    }
    Ok(fits)
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    numbers.filter(|numbers| numbers.len() <= 3)
}

fn padded(numbers: &[u32]) -> [u32; 3] {
    std::array::from_fn(|at| numbers.get(at).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons() {
        let cases = [
            (">=0.3", true),
            (">0.3.1", false),
            ("<1", true),
            (">=0.3, <0.3.1", false),
            ("0.3", true),
            ("=0.2", false),
        ];
        for (wanted, fit) in cases {
            assert_eq!(fits("0.3.1", wanted), Ok(fit), "{wanted}");
        }
        assert!(fits("0.3.1", "~0.3").is_err());
        assert!(fits("0.3.1", "=>0.3").is_err());
        assert!(fits("0.3.1", "").is_err());
    }
}
