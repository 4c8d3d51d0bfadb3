//! The query string: nested brackets, repeated keys, at most 1,000 parameters (objects contract, sections 1.2 and 4.0).

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// The most parameters a query may have. More are refused: to leave some out could widen what a request acts on.
pub(crate) const MOST_PARAMETERS: usize = 1000;

/// How deep brackets nest; what is nested deeper stays part of the last key.
const DEEPEST: usize = 5;

/// Why a query is refused. The text is fit for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("the query has more than 1000 parameters")]
    TooMany,
    #[error("the query is not valid percent-encoded UTF-8")]
    Encoding,
}

/// Reads a query: `k=v` gives a text, a repeated key, `k[]=v` and `k[0]=v` give lists, `k[a]=v` gives an object.
pub(crate) fn parse(query: &str) -> Result<Map<String, Value>, QueryError> {
    let mut map = Map::new();
    for (count, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count == MOST_PARAMETERS {
            return Err(QueryError::TooMany);
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key)?, decode(value)?);
        let (root, keys) = split(&key);
        let slot = map.entry(root).or_insert(Value::Null);
        place(slot, &keys, value);
    }
    Ok(map)
}

fn decode(text: &str) -> Result<String, QueryError> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(QueryError::Encoding),
    }
}

/// `a[b][]` into `a` and `["b", ""]`.
fn split(key: &str) -> (String, Vec<&str>) {
    let Some((root, rest)) = key.split_once('[').filter(|(root, _)| !root.is_empty()) else {
        return (key.to_owned(), Vec::new());
    };
    let mut keys = Vec::new();
    let mut rest = rest;
    loop {
        let Some((inner, after)) = rest.split_once(']') else {
            // An unclosed bracket is not a bracket.
            return (key.to_owned(), Vec::new());
        };
        keys.push(inner);
        match after.strip_prefix('[') {
            Some(next) if keys.len() < DEEPEST => rest = next,
            _ => return (root.to_owned(), keys),
        }
    }
}

/// Puts a value where the keys lead. What is there already becomes a list with it.
fn place(slot: &mut Value, keys: &[&str], value: String) {
    let Some((key, deeper)) = keys.split_first() else {
        return add(slot, Value::String(value));
    };
    let is_list = key.is_empty() || key.bytes().all(|byte| byte.is_ascii_digit());
    if is_list {
        let mut item = Value::Null;
        place(&mut item, deeper, value);
        if slot.is_null() {
            *slot = Value::Array(vec![item]);
        } else {
            add(slot, item);
        }
        return;
    }
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(map) = slot {
        place(map.entry(*key).or_insert(Value::Null), deeper, value);
    } else {
        let mut other = Value::Null;
        place(&mut other, keys, value);
        add(slot, other);
    }
}

fn add(slot: &mut Value, item: Value) {
    match slot {
        Value::Null => *slot = item,
        Value::Array(list) => list.push(item),
        single => {
            let first = single.take();
            *single = Value::Array(vec![first, item]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_spelling_of_lists_and_objects() {
        for (query, wanted) in [
            ("", json!({})),
            ("a=1", json!({"a": "1"})),
            ("a", json!({"a": ""})),
            ("a=1&a=2", json!({"a": ["1", "2"]})),
            ("a[]=1", json!({"a": ["1"]})),
            ("a%5B%5D=1&a%5B%5D=2", json!({"a": ["1", "2"]})),
            ("a[0]=1&a[7]=2", json!({"a": ["1", "2"]})),
            ("a=1&a[]=2&a[0]=3", json!({"a": ["1", "2", "3"]})),
            ("t[x]=a&t[y]=", json!({"t": {"x": "a", "y": ""}})),
            ("t[x]=a&t[x]=b", json!({"t": {"x": ["a", "b"]}})),
            ("t[x][y]=a", json!({"t": {"x": {"y": "a"}}})),
            ("t[x]=a&t=b", json!({"t": [{"x": "a"}, "b"]})),
            ("a=x%20y+z%2Bw", json!({"a": "x y z+w"})),
            ("a=50%", json!({"a": "50%"})),
            ("a=b=c&&", json!({"a": "b=c"})),
            ("[a]=1", json!({"[a]": "1"})),
            ("a[b=1", json!({"a[b": "1"})),
            ("a[1][2][3][4][5][6]=x", json!({"a": [[[[["x"]]]]]})),
        ] {
            assert_eq!(Value::Object(parse(query).unwrap()), wanted, "{query}");
        }
    }

    #[test]
    fn is_bounded_and_strict_about_characters() {
        let many = "a=1&".repeat(MOST_PARAMETERS);
        assert_eq!(parse(&many).unwrap()["a"].as_array().unwrap().len(), MOST_PARAMETERS);
        assert_eq!(parse(&format!("{many}b=1")), Err(QueryError::TooMany));
        assert_eq!(parse("a=%ff"), Err(QueryError::Encoding));
    }

    proptest! {
        #[test]
        fn plain_pairs_survive(pairs in proptest::collection::btree_map("[a-z]{1,5}", "\\PC{0,12}", 0..6)) {
            let query: Vec<String> = pairs
                .iter()
                .map(|(k, v)| format!("{k}={}", percent_encoding::utf8_percent_encode(v, percent_encoding::NON_ALPHANUMERIC)))
                .collect();
            let wanted: Map<String, Value> = pairs.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
            prop_assert_eq!(parse(&query.join("&")), Ok(wanted));
        }

        #[test]
        fn any_text_is_read_or_refused(query in "[a-c\\[\\]=&%0-9+]{0,30}") {
            let _ = parse(&query);
        }
    }
}
