//! What differs is changed, what is listed becomes exactly the list, and what is not described stays.

use serde_json::{Value, json};

use super::harness::{House, example};

/// A small world; `organisation` and `collaboration` replace members of theirs.
fn small(organisation: Value, collaboration: Value) -> Value {
    let merge = |mut into: Value, from: Value| {
        into.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
        into
    };
    let o = json!({"key": "o", "name": "Org", "short_name": "org", "category": "Research", "units": ["A", "B"],
        "members": [{"user": "ann", "role": "admin"}, {"user": "bea", "role": "manager", "units": ["A"]}]});
    let c = json!({"key": "c", "organisation": "o", "name": "Lab", "short_name": "lab", "units": ["A", "B"],
        "members": [{"user": "ann", "role": "admin"}, {"user": "bea", "role": "member"}],
        "groups": [{"key": "g", "name": "Group", "short_name": "group", "members": ["ann", "bea"]}],
        "invitations": [{"key": "i", "email": "new@example.org", "role": "member"}]});
    json!({
        "users": [{"key": "ann", "name": "Ann", "email": "ann@example.org"},
            {"key": "bea", "name": "Bea", "email": "bea@example.org"}],
        "organisations": [merge(o, organisation)],
        "collaborations": [merge(c, collaboration)],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_difference_is_one_change() {
    let house = House::new().await;
    house.apply(small(json!({}), json!({}))).await;
    for (organisation, collaboration, changes) in [
        (
            json!({"name": "Organisation"}),
            json!({}),
            json!(["organisation o: changed"]),
        ),
        (
            json!({"name": "Organisation", "units": ["B", "A", "C"]}),
            json!({}),
            json!(["organisation o: unit C added"]),
        ),
        (
            json!({"name": "Organisation", "units": ["A", "B", "C"],
                "members": [{"user": "bea", "role": "manager", "units": ["C", "A"]}]}),
            json!({}),
            json!([
                "organisation o: member bea is now manager of C, A",
                "organisation o: member ann removed"
            ]),
        ),
    ] {
        let answer = house.apply(small(organisation.clone(), collaboration)).await;
        assert_eq!(answer["changes"], changes);
    }
    let organisation = json!({"name": "Organisation", "units": ["A", "B", "C"], "members": []});
    let change = |collaboration: Value| house.apply(small(organisation.clone(), collaboration));
    assert_eq!(
        change(json!({})).await["changes"],
        json!(["organisation o: member bea removed"])
    );
    assert_eq!(
        change(json!({"name": "Laboratory"})).await["changes"],
        json!(["collaboration c: changed"])
    );
    let mut collaboration = json!({"name": "Laboratory", "units": ["C", "B"]});
    assert_eq!(
        change(collaboration.clone()).await["changes"],
        json!(["collaboration c: units are now B, C"])
    );
    // Who leaves the collaboration leaves its groups.
    collaboration["members"] = json!([{"user": "ann", "role": "member"}]);
    collaboration["groups"] = json!([{"key": "g", "name": "Group", "short_name": "group", "members": ["ann"]}]);
    assert_eq!(
        change(collaboration.clone()).await["changes"],
        json!([
            "collaboration c: member ann is now member",
            "collaboration c: member bea removed"
        ])
    );
    assert_eq!(
        house
            .column("SELECT CAST(count(*) AS TEXT) FROM group_membership")
            .await,
        ["1"]
    );
    collaboration["groups"] = json!([{"key": "g", "name": "Group", "short_name": "group", "members": []}]);
    assert_eq!(
        change(collaboration.clone()).await["changes"],
        json!(["group g: member ann removed"])
    );
    collaboration["groups"] = json!([
        {"key": "g", "name": "Group", "short_name": "group", "auto_provision_members": true, "members": []}]);
    assert_eq!(
        change(collaboration.clone()).await["changes"],
        json!(["group g: changed", "group g: member ann added"])
    );
    assert_eq!(change(collaboration).await["changes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_does_not_speak_of_stays() {
    let (house, _) = House::furnished().await;
    let before = house.dump().await;
    for (file, changes) in [
        (json!({}), json!([])),
        (
            json!({"organisations": [{"key": "h", "name": "Harbour University", "short_name": "harbour"}],
                "collaborations": [{"key": "c", "organisation": "h", "name": "Physics Lab", "short_name": "physlab",
                    "groups": [{"key": "g", "name": "Laser team", "short_name": "laser"}]}]}),
            json!([]),
        ),
    ] {
        assert_eq!(house.apply(file).await["changes"], changes);
        assert_eq!(house.dump().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_the_file_leaves_out_is_not_ended() {
    let (house, _) = House::furnished().await;
    let mut file = example();
    file["organisations"][0]["units"] = json!(["Physics", "Chemistry", "Biology"]);
    file["organisations"][0]["name"] = json!("Renamed before the refusal");
    let text = house.refusal(file).await;
    assert!(
        text.starts_with("organisations[0].units: the unit \"Geology\" exists"),
        "{text}"
    );
    assert!(
        text.contains("`commonhold unit end --organisation harbour \"Geology\"`"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_does_not_know_is_named_with_its_place() {
    let (house, _) = House::furnished().await;
    let physics = "has no unit \"Alchemy\"";
    for (pointer, value, start, part) in [
        (
            "/organisations/0/members/1/units/0",
            "Alchemy",
            "organisations[0].members[1].units[0]: ",
            physics,
        ),
        ("/api_keys/1/units/0", "Alchemy", "api_keys[1].units[0]: ", physics),
        (
            "/collaborations/0/units/0",
            "Alchemy",
            "collaborations[0].units[0]: ",
            physics,
        ),
        // A unit of another organisation.
        (
            "/collaborations/0/units/0",
            "Marine",
            "collaborations[0].units[0]: ",
            "has no unit \"Marine\"",
        ),
        (
            "/collaborations/0/groups/0/members/0",
            "dave",
            "collaborations[0].groups[0].members[0]: ",
            "not a member",
        ),
    ] {
        let mut file = example();
        *file.pointer_mut(pointer).unwrap() = json!(value);
        let text = house.refusal(file).await;
        assert!(text.starts_with(start) && text.contains(part), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_token_nor_a_manager_is_widened() {
    let (house, _) = House::furnished().await;
    let mut file = example();
    file["api_keys"][1]["units"] = json!([]);
    let text = house.refusal(file).await;
    assert!(
        text.starts_with("api_keys[1].units: the token \"one unit\" exists with another scope"),
        "{text}"
    );
    let mut file = example();
    file["organisations"][0]["members"][1]["units"] = json!([]);
    let text = house.refusal(file.clone()).await;
    assert!(
        text.starts_with("organisations[0].members[1].units: this manager is bound to units"),
        "{text}"
    );
    // Two steps say that it is meant.
    file["organisations"][0]["members"][1]["role"] = json!("member");
    house.apply(file.clone()).await;
    file["organisations"][0]["members"][1]["role"] = json!("manager");
    let answer = house.apply(file).await;
    assert_eq!(
        answer["changes"],
        json!(["organisation harbour: member marcus is now manager"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_left_to_whom_it_was_sent() {
    let house = House::new().await;
    let invitations = |list: Value| small(json!({}), json!({ "invitations": list }));
    let one = json!({"key": "i", "email": "new@example.org", "role": "member", "expires_in_days": 3});
    let first = house.apply(invitations(json!([one]))).await;
    house.pass(24 * 3600);
    let mut later = one.clone();
    later["role"] = json!("admin");
    let again = house.apply(invitations(json!([later]))).await;
    assert_eq!(
        (&again["invitations"], &again["changes"]),
        (&first["invitations"], &json!([]))
    );
    // The same address twice is two invitations.
    let two = json!({"key": "j", "email": "New@example.org", "role": "member"});
    let both = house.apply(invitations(json!([one, two]))).await;
    assert_eq!(both["changes"], json!(["invitation j: open for New@example.org"]));
    assert_eq!(both["invitations"]["i"], first["invitations"]["i"]);
    let again = house.apply(invitations(json!([one, two]))).await;
    assert_eq!(
        (&again["invitations"], &again["changes"]),
        (&both["invitations"], &json!([]))
    );
}
