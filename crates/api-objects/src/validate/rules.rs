//! Rules for single texts, with the codes and messages of section 1.10 of the objects contract.

use axum::http::Uri;
use serde_json::json;
use uuid::{Uuid, Variant, Version};

use super::fault::Complaint;

/// What a rule gives.
pub(crate) type Checked<T> = Result<T, Complaint>;

/// A UUID of version 4 with dashes or as 32 hex digits, in any letter case.
pub(crate) fn uuid4(text: &str) -> Checked<Uuid> {
    not_empty(text)?;
    let spelled = matches!(text.len(), 32 | 36);
    match Uuid::try_parse(text) {
        Ok(uuid)
            if spelled && uuid.get_version() == Some(Version::Random) && uuid.get_variant() == Variant::RFC4122 =>
        {
            Ok(uuid)
        }
        _ => Err(Complaint::new("string.guid", "must be a valid GUID")),
    }
}

/// A text of 1 to `limit` characters.
pub(crate) fn text(limit: usize) -> impl Fn(&str) -> Checked<String> {
    move |text| {
        not_empty(text)?;
        at_most(text, limit)?;
        Ok(text.to_owned())
    }
}

/// A text of 1 to `limit` characters without white space around it.
pub(crate) fn trimmed(limit: usize) -> impl Fn(&str) -> Checked<String> {
    move |text| {
        not_empty(text)?;
        if text.trim() != text {
            return Err(Complaint::new(
                "string.trim",
                "must not have leading or trailing whitespace",
            ));
        }
        at_most(text, limit)?;
        Ok(text.to_owned())
    }
}

/// An address: a local part, `@`, and at least two labels of which all but the first have two characters or more.
pub(crate) fn email(limit: usize) -> impl Fn(&str) -> Checked<String> {
    move |text| {
        not_empty(text)?;
        let labels_fit = |host: &str| {
            let mut labels = host.split('.');
            labels.next().is_some_and(|first| !first.is_empty())
                && host.contains('.')
                && labels.all(|label| label.chars().count() > 1)
        };
        let good = text
            .split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.contains('@') && labels_fit(host));
        if !good || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let says = format!("with value \"{text}\" fails to match the required pattern: an e-mail address");
            return Err(Complaint::new("string.pattern.base", says));
        }
        at_most(text, limit)?;
        Ok(text.to_owned())
    }
}

/// An `http` or `https` address of at most `limit` characters.
pub(crate) fn web_address(limit: usize) -> impl Fn(&str) -> Checked<String> {
    move |text| {
        not_empty(text)?;
        let good = text.parse::<Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !good {
            let says = "must be a valid uri with a scheme matching the https? pattern";
            return Err(Complaint::new("string.uriCustomScheme", says).with("scheme", "https?"));
        }
        at_most(text, limit)?;
        Ok(text.to_owned())
    }
}

/// Letters and digits of any script. (The original knew only ASCII, so people with accents could not be found.)
pub(crate) fn letters_and_digits(limit: usize) -> impl Fn(&str) -> Checked<String> {
    move |text| {
        not_empty(text)?;
        if !text.chars().all(char::is_alphanumeric) {
            return Err(Complaint::new(
                "string.alphanum",
                "must only contain alpha-numeric characters",
            ));
        }
        at_most(text, limit)?;
        Ok(text.to_owned())
    }
}

/// Letters and digits of any script, `_`, `-` and spaces.
pub(crate) fn full_name(limit: usize) -> impl Fn(&str) -> Checked<String> {
    move |text| {
        not_empty(text)?;
        if !text
            .chars()
            .all(|c| c.is_alphanumeric() || c.is_whitespace() || matches!(c, '_' | '-'))
        {
            let says = format!("with value \"{text}\" fails to match the required pattern: /^[\\w\\-\\s]+$/");
            return Err(Complaint::new("string.pattern.base", says));
        }
        at_most(text, limit)?;
        Ok(text.to_owned())
    }
}

/// One of a few words.
pub(crate) fn one_of<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&str) -> Checked<T> {
    move |text| match words.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(*value),
        None => Err(only(words)),
    }
}

/// The complaint of [`one_of`].
pub(crate) fn only<T>(words: &[(&'static str, T)]) -> Complaint {
    let valids: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    Complaint::new("any.only", format!("must be one of [{}]", valids.join(", "))).with("valids", json!(valids))
}

/// `true t yes y 1 false f no n 0` in any letter case.
pub(crate) fn boolean(text: &str) -> Checked<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "0" => Ok(false),
        _ => Err(Complaint::new("boolean.base", "must be a boolean")),
    }
}

/// A whole number within bounds.
pub(crate) fn integer(text: &str, least: i64, most: i64) -> Checked<i64> {
    let number: f64 = match text.trim().parse() {
        Ok(number) if f64::is_finite(number) => number,
        _ => return Err(Complaint::new("number.base", "must be a number")),
    };
    // A number beyond 64 bits is beyond every bound as well.
    let whole: i64 = match text.trim().parse() {
        Ok(whole) => whole,
        Err(_) if number.fract() != 0.0 => return Err(Complaint::new("number.integer", "must be an integer")),
        Err(_) if number < 0.0 => i64::MIN,
        Err(_) => i64::MAX,
    };
    if whole < least {
        let says = format!("must be greater than or equal to {least}");
        Err(Complaint::new("number.min", says).with("limit", least))
    } else if whole > most {
        let says = format!("must be less than or equal to {most}");
        Err(Complaint::new("number.max", says).with("limit", most))
    } else {
        Ok(whole)
    }
}

/// At most `limit` characters.
pub(crate) fn at_most(text: &str, limit: usize) -> Checked<()> {
    if text.chars().count() <= limit {
        return Ok(());
    }
    let says = format!("length must be less than or equal to {limit} characters long");
    Err(Complaint::new("string.max", says).with("limit", limit))
}

fn not_empty(text: &str) -> Checked<()> {
    if text.is_empty() {
        return Err(Complaint::new("string.empty", "is not allowed to be empty"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule<T>(checked: Checked<T>) -> &'static str {
        checked.err().map_or("", |complaint| complaint.rule)
    }

    #[test]
    fn uuids_are_version_4_in_two_spellings() {
        let id: Uuid = "ac246e31-c807-496c-bc93-cd8bc2f1b2b4".parse().unwrap();
        for good in [
            "ac246e31-c807-496c-bc93-cd8bc2f1b2b4",
            "AC246E31-C807-496C-BC93-CD8BC2F1B2B4",
            "ac246e31c807496cbc93cd8bc2f1b2b4",
            "AC246E31C807496CBC93CD8BC2F1B2B4",
        ] {
            assert_eq!(uuid4(good).unwrap(), id);
        }
        for bad in [
            "00000000-0000-0000-0000-000000000000",
            "ac246e31-c807-196c-bc93-cd8bc2f1b2b4",
            "ac246e31-c807-496c-cc93-cd8bc2f1b2b4",
            "{ac246e31-c807-496c-bc93-cd8bc2f1b2b4}",
            "urn:uuid:ac246e31-c807-496c-bc93-cd8bc2f1b2b4",
            "ac246e31-c807-496c-bc93-cd8bc2f1b2b",
            "junk",
        ] {
            assert_eq!(rule(uuid4(bad)), "string.guid", "{bad}");
        }
        assert_eq!(rule(uuid4("")), "string.empty");
    }

    #[test]
    fn texts_are_bounded_in_characters() {
        assert_eq!(text(3)("äöü").unwrap(), "äöü");
        assert_eq!(rule(text(3)("abcd")), "string.max");
        assert_eq!(rule(text(3)("")), "string.empty");
        assert_eq!(rule(trimmed(3)(" a")), "string.trim");
        assert_eq!(rule(letters_and_digits(9)("a b")), "string.alphanum");
        assert_eq!(rule(letters_and_digits(9)("O'Neil")), "string.alphanum");
        assert_eq!(letters_and_digits(9)("Müller7").unwrap(), "Müller7");
        assert_eq!(full_name(99)("Jean-Luc le_B").unwrap(), "Jean-Luc le_B");
        assert_eq!(rule(full_name(99)("O'Neil")), "string.pattern.base");
    }

    #[test]
    fn addresses_are_http() {
        for good in ["http://127.0.0.1:9000", "https://objects.example/", "https://a.b/c//"] {
            assert_eq!(web_address(255)(good).unwrap(), good);
        }
        for bad in ["ftp://a", "objects.example", "/x", "http://", "https://a b"] {
            assert_eq!(rule(web_address(255)(bad)), "string.uriCustomScheme", "{bad}");
        }
        assert_eq!(rule(web_address(20)("https://objects.example")), "string.max");
    }

    #[test]
    fn email_addresses_name_a_host_of_several_labels() {
        for good in ["a@b.cd", "Kim.Lee+x@mail.example.org", "ä@x.example"] {
            assert_eq!(email(255)(good).unwrap(), good);
        }
        for bad in ["a", "a@b", "@b.cd", "a@b.c", "a@.cd", "a@b@c.de", "a b@c.de", "a@b..cd"] {
            assert_eq!(rule(email(255)(bad)), "string.pattern.base", "{bad}");
        }
        assert_eq!(rule(email(5)("a@b.cd")), "string.max");
    }

    #[test]
    fn booleans_and_numbers_have_several_spellings() {
        for yes in ["true", "T", "YES", "y", "1"] {
            assert!(boolean(yes).unwrap());
        }
        for no in ["false", "F", "No", "n", "0"] {
            assert!(!boolean(no).unwrap());
        }
        assert_eq!(rule(boolean("maybe")), "boolean.base");
        assert_eq!(integer("60", 1, 604_800).unwrap(), 60);
        for (text, code) in [
            ("soon", "number.base"),
            ("", "number.base"),
            ("1.5", "number.integer"),
            ("0", "number.min"),
            ("-5", "number.min"),
            ("604801", "number.max"),
            ("1e300", "number.max"),
            ("inf", "number.base"),
        ] {
            assert_eq!(rule(integer(text, 1, 604_800)), code, "{text}");
        }
    }
}
