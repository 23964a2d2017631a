//! What a quoted text in Go stands for. Knows the escapes of the language, not
//! where literals may stand.

/// The text that a Go string literal, quotes included, stands for.
///
/// `None` when it is not one literal, or when its escapes do not make UTF-8.
/// Rules: "String literals" and "Rune literals" of the Go specification.
pub fn unquote(literal: &str) -> Option<String> {
    let (quote, rest) = literal.split_at_checked(1)?;
    let inner = rest.strip_suffix(quote)?;
    match quote {
        "`" => (!inner.contains('`')).then(|| inner.replace('\r', "")),
        "\"" => interpreted(inner),
        _ => None,
    }
}

fn interpreted(inner: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\n' => return None,
            '\\' => escape(&mut chars, &mut bytes)?,
            c => push_char(&mut bytes, c),
        }
    }
    String::from_utf8(bytes).ok()
}

fn escape(chars: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let simple = match chars.next()? {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '"' => b'"',
        'x' => u8::try_from(number(chars, 0, 2, 16)?).ok()?,
        first @ '0'..='7' => u8::try_from(number(chars, first.to_digit(8)?, 2, 8)?).ok()?,
        'u' => return push_code_point(bytes, number(chars, 0, 4, 16)?),
        'U' => return push_code_point(bytes, number(chars, 0, 8, 16)?),
        _ => return None,
    };
    bytes.push(simple);
    Some(())
}

fn number(chars: &mut std::str::Chars<'_>, start: u32, digits: usize, radix: u32) -> Option<u32> {
    (0..digits).try_fold(start, |value, _| {
        value
            .checked_mul(radix)?
            .checked_add(chars.next()?.to_digit(radix)?)
    })
}

fn push_code_point(bytes: &mut Vec<u8>, code: u32) -> Option<()> {
    push_char(bytes, char::from_u32(code)?);
    Some(())
}

fn push_char(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::unquote;

    #[test]
    fn all_forms_of_a_literal() {
        for (literal, text) in [
            (r#""fmt""#, "fmt"),
            ("`a\\b\r`", "a\\b"),
            (r#""\x66\155\u0074""#, "fmt"),
            (r#""\U0001F40D \"\\\n""#, "\u{1F40D} \"\\\n"),
            (r#""\xc3\xa9""#, "é"),
        ] {
            assert_eq!(unquote(literal).as_deref(), Some(text), "{literal}");
        }
    }

    #[test]
    fn what_is_no_literal() {
        for bad in [
            "",
            "\"",
            "fmt",
            "\"a",
            "\"a\"b\"",
            "`a`b`",
            r#""\q""#,
            r#""\xff""#,
            r#""\400""#,
            r#""\x6""#,
        ] {
            assert_eq!(unquote(bad), None, "{bad}");
        }
    }
}
