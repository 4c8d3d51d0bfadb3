//! The string literals of a Rust source file, found without a parser: comments, characters and lifetimes are told apart
//! from strings, escapes are left as they are written.

/// Each literal's text with the number of the line that it starts on, in order.
pub(crate) fn of(source: &str) -> Vec<(usize, &str)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = source.get(at..).unwrap_or_default();
        at += match byte {
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => block_comment(rest),
            b'\'' => character(rest),
            b'"' => {
                let length = plain(rest);
                push(&mut found, source, at, rest, 1, length);
                length
            }
            b'r' if !continues_a_word(bytes, at) => match raw(rest) {
                Some((hashes, length)) => {
                    push(&mut found, source, at, rest, hashes + 2, length);
                    length
                }
                None => 1,
            },
            _ => 1,
        };
    }
    found
}

/// Note the literal at `at`: `rest` starts with it, `length` bytes in all, its text begins after `opening` bytes.
fn push<'a>(found: &mut Vec<(usize, &'a str)>, source: &str, at: usize, rest: &'a str, opening: usize, length: usize) {
    let line = source.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let closing = if opening == 1 { 1 } else { opening - 1 };
    found.push((
        line,
        rest.get(opening..length.saturating_sub(closing)).unwrap_or_default(),
    ));
}

fn continues_a_word(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| bytes.get(before))
        .is_some_and(|byte| (byte.is_ascii_alphanumeric() && *byte != b'b' && *byte != b'c') || *byte == b'_')
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(text) = rest.get(at..).filter(|text| !text.is_empty()) {
        let step = text.chars().next().map_or(1, char::len_utf8);
        if text.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += step;
        }
    }
    at
}

/// The length of a character literal; 1 for the mark of a lifetime.
fn character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => {
            let after_escape = rest.get(3..).unwrap_or_default();
            after_escape.find('\'').map_or(1, |end| end + 4)
        }
        Some(_) => match characters.next() {
            Some((end, '\'')) => end + 1,
            _ => 1,
        },
        None => 1,
    }
}

fn plain(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The number of `#` and the length of a raw string, if one starts here.
fn raw(rest: &str) -> Option<(usize, usize)> {
    let after = rest.get(1..)?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let text = after.get(hashes..)?.strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = text.find(&closing)?;
    Some((hashes, 1 + hashes + 1 + end + closing.len()))
}

#[cfg(test)]
mod tests {
    use super::of;

    fn texts(source: &str) -> Vec<&str> {
        of(source).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn strings_of_every_kind_are_found() {
        assert_eq!(texts(r#"let a = "one"; let b = b"two"; f("");"#), ["one", "two", ""]);
        assert_eq!(texts(r#""a \" b" "c\\" "d""#), [r#"a \" b"#, r"c\\", "d"]);
        assert_eq!(texts("r\"x\" r#\"y \" z\"# br##\"\"#\"##"), ["x", "y \" z", "\"#"]);
        assert_eq!(texts("let r = var\"x\";"), ["x"]);
    }

    #[test]
    fn what_only_looks_like_a_string_is_not() {
        assert_eq!(texts("// \"no\"\n/* \"no\" /* \"no\" */ \"no\" */ \"yes\""), ["yes"]);
        assert_eq!(
            texts(r#"'"' '\'' '\\' '\u{22}' 'ä' fn f<'a>(x: &'a str) { "yes" }"#),
            ["yes"]
        );
    }

    #[test]
    fn lines_are_counted() {
        assert_eq!(of("\n\"a\n b\" \"c\"\n\"d\""), [(2, "a\n b"), (3, "c"), (4, "d")]);
    }
}
