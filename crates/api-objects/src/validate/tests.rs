//! Golden shapes of section 1.10.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{Faults, Fields, Reader, query, rules};

/// Reads a query with `fields` and gives the `errors` member and the detail.
fn read_query<T>(text: &str, fields: impl FnOnce(&mut Fields<'_>) -> T) -> (T, Faults) {
    let map = query::parse(text).unwrap();
    let mut reader = Reader::default();
    let read = reader.object(super::Section::Query, Vec::new(), &map, fields);
    (read, reader.faults)
}

fn places(faults: &Faults, section: &str) -> Vec<(String, String)> {
    let errors = faults.errors();
    let list = errors[section].as_array().cloned().unwrap_or_default();
    let join = |path: &Value| -> String {
        let steps = path.as_array().unwrap().iter();
        steps
            .map(|step| step.as_str().map_or(step.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(".")
    };
    list.iter()
        .map(|item| (join(&item["path"]), item["type"].as_str().unwrap().to_owned()))
        .collect()
}

fn place(path: &str, rule: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), rule.to_owned())]
}

#[test]
fn no_text_holds_a_null_character() {
    for text in ["name=a%00b", "name[]=%00", "tagset[a]=%00", "tagset[%00]=a"] {
        let ((), faults) = read_query(text, |query| {
            let listed = query.raw("name").is_some_and(Value::is_array);
            if listed {
                query.many("name", rules::text(9));
            } else {
                query.one("name", rules::text(9));
            }
            super::pairs::tags(query);
        });
        let told = faults.errors().to_string();
        assert!(told.contains("null character"), "{text}: {told}");
    }
}

#[test]
fn a_bad_id_is_the_example_of_the_contract() {
    let (read, faults) = read_query("objectId=abc", |query| query.one("objectId", rules::uuid4));
    assert_eq!(read, None);
    assert_eq!(faults.detail(), "\"objectId\" must be a valid GUID");
    assert_eq!(
        faults.errors(),
        json!({ "query": [ { "message": "\"objectId\" must be a valid GUID", "path": ["objectId"], "type": "string.guid",
            "context": { "label": "objectId", "value": "abc", "key": "objectId" } } ] })
    );
}

#[test]
fn every_section_is_read_before_anything_is_refused() {
    let mut reader = Reader::default();
    reader.body(&json!({"bucketName": "", "junk": 1}), |body| {
        body.required("bucketName", rules::text(255));
        body.required("subKey", rules::trimmed(255));
    });
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-meta-color", "".parse().unwrap());
    reader.metadata(&headers);
    let faults = reader.faults;
    assert_eq!(
        faults.errors(),
        json!({
            "headers": [
                { "message": "\"x-amz-meta-color\" is not allowed to be empty", "path": ["x-amz-meta-color"], "type": "string.empty",
                  "context": { "label": "x-amz-meta-color", "value": "", "key": "x-amz-meta-color" } }
            ],
            "body": [
                { "message": "\"bucketName\" is not allowed to be empty", "path": ["bucketName"], "type": "string.empty",
                  "context": { "label": "bucketName", "value": "", "key": "bucketName" } },
                { "message": "\"subKey\" is required", "path": ["subKey"], "type": "any.required",
                  "context": { "label": "subKey", "key": "subKey" } },
                { "message": "\"junk\" is not allowed", "path": ["junk"], "type": "object.unknown",
                  "context": { "child": "junk", "label": "junk", "value": 1, "key": "junk" } }
            ]
        })
    );
    assert_eq!(
        faults.detail(),
        "\"x-amz-meta-color\" is not allowed to be empty; \"bucketName\" is not allowed to be empty; \
         \"subKey\" is required; \"junk\" is not allowed"
    );
}

const WORDS: &[(&str, u8)] = &[("A", 1), ("B", 2)];

#[test]
fn lists_have_many_spellings() {
    for text in [
        "k=A,B",
        "k=A&k=B",
        "k[]=A&k[]=B",
        "k[0]=A&k[1]=B",
        "k= A , B,A",
        "k=A&k[]=B&k=A,B",
    ] {
        let (read, faults) = read_query(text, |query| query.many("k", rules::one_of(WORDS)));
        assert_eq!((read, faults.is_empty()), (vec![1, 2], true), "{text}");
    }
    let (read, faults) = read_query("", |query| query.many("k", rules::one_of(WORDS)));
    assert_eq!((read, faults.is_empty()), (vec![], true));
}

#[test]
fn a_comma_list_is_blamed_item_by_item_and_a_list_as_a_whole() {
    let (_, faults) = read_query("k=A,X", |query| query.many("k", rules::one_of(WORDS)));
    let item = json!({ "message": "\"k[1]\" must be one of [A, B]", "path": ["k", 1], "type": "any.only",
        "context": { "valids": ["A", "B"], "label": "k[1]", "value": "X", "key": 1 } });
    assert_eq!(faults.errors(), json!({ "query": [item.clone()] }));
    let (_, faults) = read_query("k=A&k=X", |query| query.many("k", rules::one_of(WORDS)));
    assert_eq!(
        faults.errors(),
        json!({ "query": [ { "message": "\"k\" does not match any of the allowed types", "path": ["k"], "type": "alternatives.match",
            "context": { "label": "k", "key": "k", "value": ["A", "X"], "message": "\"k[1]\" must be one of [A, B]",
                "details": [item] } } ] })
    );
    let (_, faults) = read_query("k[a]=A", |query| query.many("k", rules::one_of(WORDS)));
    assert_eq!(places(&faults, "query"), place("k.0", "string.base"));
}

#[test]
fn rules_between_keys_blame_the_whole_section() {
    let (_, faults) = read_query("a=1&b=2", |query| {
        query.not_both("a", "b");
        (query.raw("a"), query.raw("b")) == (None, None)
    });
    assert_eq!(places(&faults, "query"), place("", "object.nand"));
    assert_eq!(faults.errors()["query"][0]["context"]["label"], "value");
    for (text, wanted) in [
        ("a=1", Some("object.and")),
        ("b=1", Some("object.and")),
        ("a=1&b=1", None),
        ("", None),
    ] {
        let (_, faults) = read_query(text, |query| {
            query.together("a", "b");
            (query.raw("a").is_some(), query.raw("b").is_some())
        });
        assert_eq!(
            places(&faults, "query"),
            wanted.map_or(vec![], |rule| place("", rule)),
            "{text}"
        );
    }
    let (_, faults) = read_query("", |query| {
        query.not_empty();
        query.has("a")
    });
    assert_eq!(places(&faults, "query"), place("", "object.min"));
}

#[test]
fn tags_follow_their_rules() {
    let tags = |text: &str| read_query(text, super::pairs::tags);
    let (read, faults) = tags("tagset[a]=1&tagset%5Bb%5D=");
    assert!(faults.is_empty());
    assert_eq!(
        read,
        [("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]
    );
    let nine = ["0", "1", "2", "3", "4", "5", "6", "7", "8"]
        .map(|n| format!("tagset[k{n}]=v&"))
        .concat();
    assert!(tags(&nine).1.is_empty());
    let long = "x".repeat(256);
    for (text, path, rule) in [
        (format!("{nine}tagset[k9]=v"), "tagset", "object.pattern.match"),
        ("tagset[coms-id]=x".to_owned(), "tagset.coms-id", "object.unknown"),
        ("tagset[a]=1&tagset[a]=2".to_owned(), "tagset.a", "string.base"),
        ("tagset=".to_owned(), "tagset", "object.base"),
        ("tagset=1".to_owned(), "tagset", "object.base"),
        ("tagset[]=1".to_owned(), "tagset", "object.base"),
        (format!("tagset[a]={long}"), "tagset.a", "string.max"),
    ] {
        assert_eq!(places(&tags(&text).1, "query"), place(path, rule), "{text}");
    }
}

#[test]
fn metadata_keys_are_lower_case_and_repeated_headers_are_joined() {
    let mut headers = HeaderMap::new();
    headers.append("x-amz-meta-color", "red".parse().unwrap());
    headers.append("X-AMZ-META-Color", "green".parse().unwrap());
    headers.append("x-amz-meta-", "ignored".parse().unwrap());
    headers.append("x-amz-tagging", "ignored".parse().unwrap());
    headers.append("x-amz-meta-n", axum::http::HeaderValue::from_bytes(b"\xe9").unwrap());
    let mut reader = Reader::default();
    let mut pairs = reader.metadata(&headers);
    pairs.sort();
    assert_eq!(
        pairs,
        [
            ("color".to_owned(), "red, green".to_owned()),
            ("n".to_owned(), "é".to_owned())
        ]
    );
    assert!(reader.faults.is_empty());
}

#[test]
fn bodies_are_objects_or_lists_of_objects() {
    let places_of = |body: Value| {
        let mut reader = Reader::default();
        reader.body_list(&body, |item| item.required("userId", rules::uuid4));
        places(&reader.faults, "body")
    };
    assert_eq!(places_of(json!([])), place("", "array.min"));
    assert_eq!(places_of(json!({})), place("", "array.base"));
    assert_eq!(places_of(json!([1])), place("0", "object.base"));
    assert_eq!(places_of(json!([{}])), place("0.userId", "any.required"));
    assert_eq!(places_of(json!([{"userId": "x"}])), place("0.userId", "string.guid"));
    let mut reader = Reader::default();
    reader.body(&json!([{"bucketName": "x"}]), |body| {
        body.one("bucketName", rules::text(255))
    });
    assert_eq!(places(&reader.faults, "body"), place("", "object.base"));
}

#[test]
fn labels_inside_lists_name_the_item() {
    let mut reader = Reader::default();
    reader.body_list(&json!([{"userId": null}]), |item| item.required("userId", rules::uuid4));
    assert_eq!(reader.faults.detail(), "\"[0].userId\" must be a string");
    let mut reader = Reader::default();
    let codes = reader.body(&json!({"permCodes": ["A", "B", "A", "C", 4]}), |body| {
        body.list("permCodes", rules::one_of(WORDS))
    });
    assert_eq!(codes, Some(vec![1, 2]));
    assert_eq!(
        reader.faults.detail(),
        "\"permCodes[3]\" must be one of [A, B]; \"permCodes[4]\" must be a string"
    );
}

#[test]
fn booleans_and_numbers_may_be_json_or_text() {
    for (body, wanted) in [
        (json!({"active": true}), Some(true)),
        (json!({"active": "no"}), Some(false)),
        (json!({"active": 1}), Some(true)),
        (json!({"active": 2}), None),
        (json!({"active": null}), None),
        (json!({}), None),
    ] {
        let mut reader = Reader::default();
        assert_eq!(reader.body(&body, |fields| fields.boolean("active")), wanted, "{body}");
        assert_eq!(
            reader.faults.is_empty(),
            wanted.is_some() || body == json!({}),
            "{body}"
        );
    }
    let (read, faults) = read_query("n=7", |query| query.integer("n", 1, 9));
    assert_eq!((read, faults.is_empty()), (Some(7), true));
}

#[test]
fn a_secret_is_not_echoed() {
    let mut reader = Reader::default();
    let long = "s".repeat(256);
    reader.body(&json!({ "secretAccessKey": long }), |body| {
        body.secret("secretAccessKey", rules::text(255))
    });
    assert_eq!(places(&reader.faults, "body"), place("secretAccessKey", "string.max"));
    assert!(!reader.faults.errors().to_string().contains("sss"));
}
