//! `Content-Disposition` (RFC 6266): the file name a client sends with an upload, and the one a download carries.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything outside `attr-char` of RFC 8187, section 3.2.1.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Why a header is refused. The text is fit for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DispositionError {
    /// It does not follow the grammar of RFC 6266.
    #[error("the Content-Disposition header cannot be read")]
    Malformed,
    /// An extended value in a character set other than UTF-8 and ISO-8859-1, or bytes that are not of that set.
    #[error("the character set of filename* is not supported")]
    CharacterSet,
    /// Neither `filename` nor `filename*`, or an empty one.
    #[error("the Content-Disposition header carries no file name")]
    NoFileName,
}

/// The file name of a header: `filename*` if present, else `filename`. The type (`attachment`, `inline`, …) does not
/// matter. A plain name with bytes outside ASCII is UTF-8 if it is valid UTF-8, else ISO-8859-1.
pub fn file_name(header: &[u8]) -> Result<String, DispositionError> {
    let text = match std::str::from_utf8(header) {
        Ok(text) => text.to_owned(),
        Err(_) => latin1(header),
    };
    let mut rest = text.trim_matches([' ', '\t']);
    let kind = token(rest);
    if kind.is_empty() {
        return Err(DispositionError::Malformed);
    }
    rest = skip(rest, kind.len());
    let (mut plain, mut extended) = (None, None);
    while !rest.is_empty() {
        let (name, value, after) = parameter(rest)?;
        rest = after;
        let slot = if name.eq_ignore_ascii_case("filename") {
            &mut plain
        } else if name.eq_ignore_ascii_case("filename*") {
            &mut extended
        } else {
            continue;
        };
        if slot.replace(value).is_some() {
            return Err(DispositionError::Malformed);
        }
    }
    let name = match (extended, plain) {
        (Some(extended), _) => decode_extended(&extended)?,
        (None, Some(plain)) => plain,
        (None, None) => return Err(DispositionError::NoFileName),
    };
    if name.is_empty() {
        return Err(DispositionError::NoFileName);
    }
    Ok(name)
}

/// A header that gives this name to a download: quoted ASCII, and `filename*` when the name needs it.
pub fn attachment(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' })
        .collect();
    let mut header = String::from("attachment; filename=\"");
    for c in plain.chars() {
        if matches!(c, '"' | '\\') {
            header.push('\\');
        }
        header.push(c);
    }
    header.push('"');
    // A percent sign followed by hex digits in a quoted name is decoded by some browsers, so it is sent both ways.
    if plain != file_name || file_name.contains('%') {
        header.push_str("; filename*=UTF-8''");
        header.extend(utf8_percent_encode(file_name, EXTENDED));
    }
    header
}

/// One `; name=value` and what follows it.
fn parameter(text: &str) -> Result<(&str, String, &str), DispositionError> {
    let text = text.strip_prefix(';').ok_or(DispositionError::Malformed)?;
    let text = text.trim_start_matches([' ', '\t']);
    let name = token(text);
    let after = skip(text, name.len());
    let after = after.strip_prefix('=').ok_or(DispositionError::Malformed)?;
    let after = after.trim_start_matches([' ', '\t']);
    if name.is_empty() {
        return Err(DispositionError::Malformed);
    }
    if let Some(quoted) = after.strip_prefix('"') {
        let (value, rest) = unquote(quoted)?;
        return Ok((name, value, rest));
    }
    // Plain values beyond the token grammar (spaces, umlauts) are common and harmless up to the next semicolon.
    let value = after.split(';').next().unwrap_or_default();
    let rest = skip(after, value.len());
    let value = value.trim_end_matches([' ', '\t']);
    if value.is_empty() || value.contains(['"', '\\']) {
        return Err(DispositionError::Malformed);
    }
    Ok((name, value.to_owned(), rest))
}

/// The text of a quoted string whose opening quote is gone, and what follows its closing quote.
fn unquote(text: &str) -> Result<(String, &str), DispositionError> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((value, skip(text, at + 1))),
            '\\' => value.push(characters.next().ok_or(DispositionError::Malformed)?.1),
            c if c.is_control() && c != '\t' => return Err(DispositionError::Malformed),
            c => value.push(c),
        }
    }
    Err(DispositionError::Malformed)
}

/// `charset'language'percent-encoded` of RFC 8187.
fn decode_extended(value: &str) -> Result<String, DispositionError> {
    let mut parts = value.splitn(3, '\'');
    let (Some(charset), Some(_language), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(DispositionError::Malformed);
    };
    let broken_escape = encoded.split('%').skip(1).any(|after| {
        let digits = after.as_bytes().iter().take(2).filter(|b| b.is_ascii_hexdigit());
        digits.count() < 2
    });
    if broken_escape || !encoded.is_ascii() {
        return Err(DispositionError::Malformed);
    }
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    if charset.eq_ignore_ascii_case("UTF-8") {
        String::from_utf8(bytes).map_err(|_| DispositionError::CharacterSet)
    } else if charset.eq_ignore_ascii_case("ISO-8859-1") {
        Ok(latin1(&bytes))
    } else {
        Err(DispositionError::CharacterSet)
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The token (RFC 9110, section 5.6.2) that the text starts with; may be empty.
fn token(text: &str) -> &str {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)))
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The text from a byte position on, without leading white space.
fn skip(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default().trim_start_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> Result<String, DispositionError> {
        file_name(header.as_bytes())
    }

    #[test]
    fn reads_names() {
        for (header, name) in [
            ("attachment; filename=a.txt", "a.txt"),
            ("inline;filename=\"a b.txt\"", "a b.txt"),
            (
                "attachment; filename=\"quo\\\"te \\\\ back.txt\"",
                "quo\"te \\ back.txt",
            ),
            ("ATTACHMENT ; FileName = \"a\" ; size=3", "a"),
            (
                "attachment; filename=fallback.txt; filename*=UTF-8''r%C3%A9al.txt",
                "réal.txt",
            ),
            ("attachment; filename*=utf-8'en'%e2%82%ac; filename=euro", "€"),
            ("attachment; filename*=ISO-8859-1''%A3", "£"),
            ("attachment; filename=\"semi;colon.txt\"; x=y", "semi;colon.txt"),
            ("attachment; filename=with space.txt", "with space.txt"),
            ("attachment; filename=\"ü.txt\"", "ü.txt"),
            ("attachment; filename=\"../up.txt\"", "../up.txt"),
        ] {
            assert_eq!(read(header).as_deref(), Ok(name), "{header}");
        }
        assert_eq!(file_name(b"attachment; filename=\"\xfc.txt\"").as_deref(), Ok("ü.txt"));
    }

    #[test]
    fn refuses_what_carries_no_usable_name() {
        use DispositionError::{CharacterSet, Malformed, NoFileName};
        for (header, why) in [
            ("attachment", NoFileName),
            ("attachment; name=x", NoFileName),
            ("attachment; filename=\"\"", NoFileName),
            ("attachment; filename*=UTF-8''", NoFileName),
            (";;;", Malformed),
            ("", Malformed),
            ("filename=x", Malformed),
            ("attachment; filename", Malformed),
            ("attachment; filename=", Malformed),
            ("attachment; filename=\"open", Malformed),
            ("attachment; filename=\"a\" b", Malformed),
            ("attachment; filename=a; filename=b", Malformed),
            ("attachment; filename*=UTF-8''a; FILENAME*=UTF-8''b", Malformed),
            ("attachment; filename*=UTF-8''%C3%", Malformed),
            ("attachment; filename*=plain", Malformed),
            ("attachment; filename*=UTF-8''%C3", CharacterSet),
            ("attachment; filename*=UTF-16''x", CharacterSet),
        ] {
            assert_eq!(read(header), Err(why), "{header}");
        }
    }

    #[test]
    fn writes_names() {
        assert_eq!(attachment("a.txt"), "attachment; filename=\"a.txt\"");
        assert_eq!(attachment("a\"\\.txt"), "attachment; filename=\"a\\\"\\\\.txt\"");
        assert_eq!(
            attachment("é.txt"),
            "attachment; filename=\"?.txt\"; filename*=UTF-8''%C3%A9.txt"
        );
        assert_eq!(
            attachment("50%25"),
            "attachment; filename=\"50%25\"; filename*=UTF-8''50%2525"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "\\PC{1,40}") {
            let header = attachment(&name);
            prop_assert!(axum::http::HeaderValue::from_str(&header).is_ok());
            prop_assert_eq!(read(&header), Ok(name));
        }

        #[test]
        fn any_bytes_are_refused_or_read(header in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(name) = file_name(&header) {
                prop_assert!(!name.is_empty());
            }
        }
    }
}
