//! What is wrong with a file is said with its place in it, all at once.

use serde_json::{Value, json};

use super::harness::example;
use crate::apply::World;

fn problems(file: Value) -> Vec<String> {
    let error = World::read(file).unwrap_err();
    assert_eq!(error.kind, domain::Kind::Invalid);
    error.public.lines().map(str::to_owned).collect()
}

#[test]
fn everything_without_a_place_is_named_in_one_answer() {
    let mut file = example();
    file["organisations"][0]["logo"] = json!("AAAA");
    file["collaborations"][1]["logo"] = json!("AAAA");
    assert_eq!(
        problems(file),
        [
            "organisations[0].logo: logos are not supported by this version",
            "collaborations[1].logo: logos are not supported by this version",
        ]
    );
    World::read(example()).unwrap();
}

#[test]
fn services_and_labels_are_checked() {
    let mut file = example();
    file["services"][0]["allowed_organisations"] = json!(["nowhere"]);
    file["services"][1]["entity_id"] = file["services"][0]["entity_id"].clone();
    file["organisations"][0]["labels"][0]["value"] = json!("Not one");
    file["collaborations"][0]["services"] = json!(["none"]);
    file["collaborations"][0]["website_url"] = json!("x.example");
    assert_eq!(
        problems(file),
        [
            "organisations[0].labels[0].value: must have 1 to 32 characters out of a-z, 0-9, _ and -, and start with a \
             letter",
            "services[0].allowed_organisations[0]: there is no organisation with the key \"nowhere\" in this file",
            "services[1].entity_id: the same as services[0].entity_id",
            "collaborations[0].services[0]: there is no service with the key \"none\" in this file",
            "collaborations[0].website_url: is not a valid uri",
        ]
    );
}

#[test]
fn saying_that_there_is_none_is_true_without_a_place() {
    World::read(json!({
        "services": [],
        "organisations": [{"key": "o", "name": "O", "short_name": "o", "labels": [], "services_restricted": false,
            "logo": null}],
        "collaborations": [{"key": "c", "organisation": "o", "name": "C", "short_name": "c", "services": [],
            "website_url": "", "disable_join_requests": false}],
    }))
    .unwrap();
}

#[test]
fn comments_are_left_out_and_other_unknown_names_are_not() {
    World::read(json!({ "_about": "x", "users": [{"_why": 1, "key": "a", "name": "A", "email": "a@b"}] })).unwrap();
    let [line] = problems(json!({ "users": [{"key": "a", "name": "A", "email": "a@b", "colour": "red"}] }))
        .try_into()
        .unwrap();
    assert!(line.starts_with("users[0].colour: unknown field `colour`"), "{line}");
    let [line] = problems(json!({ "organizations": [] })).try_into().unwrap();
    assert!(line.starts_with("organizations: unknown field"), "{line}");
}

#[test]
fn shapes_are_checked() {
    let organisation = |members: Value| {
        json!({
            "users": [{"key": "a", "name": "A", "email": "a@b"}],
            "organisations": [{"key": "o", "name": "O", "short_name": "o", "members": members}],
        })
    };
    for (file, start) in [
        (json!([]), "the file must name its sections"),
        (json!({ "users": [{"key": "a"}] }), "users[0]: missing field `name`"),
        (
            organisation(json!([{"user": "a", "role": "owner"}])),
            "organisations[0].members[0].role: unknown variant `owner`",
        ),
        // Leaving the units away never means the whole organisation.
        (
            json!({ "api_keys": [{"key": "k", "organisation": "o"}] }),
            "api_keys[0]: missing field `units`",
        ),
        (
            organisation(json!([{"user": "a", "role": "manager"}])),
            "organisations[0].members[0]: a manager needs \"units\"",
        ),
        (
            organisation(json!([{"user": "a", "role": "admin", "units": ["X"]}])),
            "organisations[0].members[0].units: only managers are bound to units",
        ),
    ] {
        let lines = problems(file);
        assert!(lines.len() == 1 && lines[0].starts_with(start), "{start}: {lines:?}");
    }
}

#[test]
fn references_and_duplicates_are_named_together() {
    let lines = problems(json!({
        "users": [
            {"key": "a", "uid": "u", "name": "A", "email": "a@example.org"},
            {"key": "a", "uid": "u", "name": " ", "email": "A@example.org"},
            {"key": "b", "name": "B", "email": "nowhere", "password": "short"},
        ],
        "organisations": [
            {"key": "o", "name": "One", "short_name": "one", "units": ["Physics", "physics"],
             "members": [{"user": "a", "role": "admin"}, {"user": "a", "role": "member"}]},
            {"key": "p", "name": "ONE", "short_name": "One", "members": [{"user": "zoe", "role": "admin"}]},
        ],
        "api_keys": [
            {"key": "k", "organisation": "nil", "units": []},
            {"key": "l", "organisation": "o", "units": [], "description": "same"},
            {"key": "m", "organisation": "o", "units": [], "description": "same"},
        ],
        "collaborations": [
            {"key": "c", "organisation": "o", "name": "C", "short_name": "1c",
             "members": [{"user": "yan", "role": "admin"}],
             "groups": [{"key": "g", "name": "G", "short_name": "g", "members": ["xi"]}],
             "invitations": [{"key": "i", "email": "i@example.org", "role": "member", "groups": ["h"],
                 "accepted_by": "b"}]},
            {"key": "d", "organisation": "o", "name": "c", "short_name": "d",
             "groups": [{"key": "g", "name": "G", "short_name": "g"}]},
        ],
    }));
    assert_eq!(
        lines,
        [
            "users[1].key: the same as users[0].key",
            "users[1].uid: the same as users[0].uid",
            "users[1].name: must not be empty",
            "users[1].email: the same as users[0].email",
            "users[2].email: is not an e-mail address",
            "users[2].password: the password must have at least 8 characters",
            "organisations[0].units[1]: the same as organisations[0].units[0]",
            "organisations[0].members[1].user: the same as organisations[0].members[0].user",
            "organisations[1].name: the same as organisations[0].name",
            "organisations[1].short_name: must have 1 to 16 characters out of a-z, 0-9 and _, and not start with a digit",
            "organisations[1].members[0].user: there is no user with the key \"zoe\" in this file",
            "api_keys[0].organisation: there is no organisation with the key \"nil\" in this file",
            "api_keys[2].description: the same as api_keys[1].description",
            "collaborations[0].short_name: must have 1 to 16 characters out of a-z, 0-9 and _, and not start with a digit",
            "collaborations[0].members[0].user: there is no user with the key \"yan\" in this file",
            "collaborations[0].groups[0].members[0]: there is no user with the key \"xi\" in this file",
            "collaborations[0].invitations[0].groups[0]: there is no group with the key \"h\" in this collaboration",
            "collaborations[0].invitations[0].accepted_by: the invitation is not accepted",
            "collaborations[1].name: the same as collaborations[0].name",
            "collaborations[1].groups[0].key: the same as collaborations[0].groups[0].key",
        ]
    );
}
