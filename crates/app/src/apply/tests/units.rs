//! Units end with their consequences in view, and nothing is widened by it (organisations contract 3.8).

use access::TokenScope;
use domain::Kind;
use serde_json::json;

use super::{
    harness::{House, example, operator},
    tokens::bearer,
};
use crate::{tokens, units};

async fn names(house: &House) -> Vec<String> {
    let units = units::list(&house.app, &operator(), "harbour").await.unwrap();
    units.into_iter().map(|unit| unit.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn u6_a_renamed_unit_stays_the_same() {
    let (house, answer) = House::furnished().await;
    let secret = answer["keys"]["phys"].as_str().unwrap();
    let before = bearer(&house, secret).await.unwrap();
    let rename = async |from: &str, to: &str| {
        units::rename(&house.app, &operator(), "harbour", from, to)
            .await
            .map_err(|error| error.kind)
    };
    assert_eq!(rename("Physics", "Natural Philosophy").await, Ok(()));
    assert_eq!(
        names(&house).await,
        ["Biology", "Chemistry", "Geology", "Natural Philosophy"]
    );
    let after = bearer(&house, secret).await.unwrap();
    assert_eq!((after.id, after.scope), (before.id, before.scope));
    assert_eq!(rename("Physics", "X").await, Err(Kind::NotFound));
    assert_eq!(rename("Geology", "CHEMISTRY").await, Err(Kind::Conflict));
    assert_eq!(rename("Geology", "  ").await, Err(Kind::Invalid));
    assert_eq!(rename("Geology", "GEOLOGY").await, Ok(()));
    let record = house
        .column("SELECT after FROM audit WHERE action = 'unit.rename' ORDER BY id")
        .await;
    assert!(
        record.len() == 2 && record[0].contains("Natural Philosophy"),
        "{record:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn u1_to_u5_the_end_of_a_unit_is_shown_done_and_recorded() {
    let (house, answer) = House::furnished().await;
    let before = house.dump().await;
    let shown = units::preview_end(&house.app, &operator(), "harbour", "Physics")
        .await
        .unwrap();
    assert_eq!(house.dump().await, before, "showing changes nothing");
    let views = tokens::list(&house.app, &operator(), "harbour").await.unwrap();
    let id = |text: &str| {
        views
            .iter()
            .find(|view| view.description.as_deref() == Some(text))
            .unwrap()
            .id
    };
    assert_eq!(
        shown.consequences,
        [
            format!("token \"one unit\" ({}) is revoked", id("one unit")),
            format!("token \"two units\" ({}) keeps Chemistry", id("two units")),
            "manager Marcus Manager manages nothing any more".to_owned(),
            "collaboration \"Physics Lab\" is left with no unit".to_owned(),
            "collaboration \"Physical Chemistry\" is left with Chemistry".to_owned(),
            "collaboration \"Biophysics\" is left with Biology".to_owned(),
        ]
    );
    let ended = units::end(&house.app, &operator(), "harbour", "Physics", Some(&shown))
        .await
        .unwrap();
    assert_eq!(ended, shown);
    assert_eq!(names(&house).await, ["Biology", "Chemistry", "Geology"]);
    let key = |name: &str| answer["keys"][name].as_str().unwrap().to_owned();
    assert_eq!(bearer(&house, &key("phys")).await, Err(Kind::Unauthenticated));
    let TokenScope::Units(left) = bearer(&house, &key("phys_chem")).await.unwrap().scope else {
        panic!("widened")
    };
    assert_eq!(left.len(), 1);
    assert_eq!(
        bearer(&house, &key("full")).await.unwrap().scope,
        TokenScope::Organisation
    );
    // The unit of the same name elsewhere goes on.
    bearer(&house, &key("lagoon_phys")).await.unwrap();
    let manager = "SELECT m.role || ' ' || m.scoped || ' ' || (SELECT count(*) FROM organisation_membership_unit u
        WHERE u.person_id = m.person_id) FROM organisation_membership m JOIN person p ON p.id = m.person_id
        WHERE p.username = 'mmanager'";
    assert_eq!(
        house.column(manager).await,
        ["manager 1 0"],
        "bound to units, without any: manages nothing"
    );
    let record = house.column("SELECT action FROM audit ORDER BY id DESC LIMIT 7").await;
    assert_eq!(
        record,
        [
            "unit.end",
            "collaboration.release",
            "collaboration.release",
            "collaboration.release",
            "organisation.manager.end",
            "token.narrow",
            "token.revoke",
        ]
    );
    let again = units::end(&house.app, &operator(), "harbour", "Physics", None)
        .await
        .unwrap_err();
    assert_eq!(again.kind, Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_says_whose_reach_grows() {
    let (house, answer) = House::furnished().await;
    let shown = units::preview_end(&house.app, &operator(), "harbour", "Biology")
        .await
        .unwrap();
    let [station, biophysics] = shown.consequences.as_slice() else {
        panic!("{shown:?}")
    };
    assert!(
        biophysics.contains("\"Field Station\" is left with no unit"),
        "{biophysics}"
    );
    assert!(
        station.starts_with("collaboration \"Biophysics\" is left with Physics; token \"one unit\" ("),
        "{station}"
    );
    assert!(
        station.ends_with("manager Marcus Manager reaches it from now on"),
        "{station}"
    );
    // What was shown is no longer what would happen.
    let id = tokens::list(&house.app, &operator(), "harbour").await.unwrap()[1].id;
    tokens::revoke(&house.app, &operator(), id).await.unwrap();
    let error = units::end(&house.app, &operator(), "harbour", "Biology", Some(&shown))
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(names(&house).await.len(), 4);
    assert_eq!(
        bearer(&house, answer["keys"]["phys"].as_str().unwrap()).await,
        Err(Kind::Unauthenticated)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_from_before_does_not_bring_the_rights_back() {
    let (house, _) = House::furnished().await;
    units::end(&house.app, &operator(), "harbour", "Physics", None)
        .await
        .unwrap();
    let mut file = example();
    file["organisations"][0]["units"] = json!(["Chemistry", "Biology", "Geology"]);
    let text = house.refusal(file.clone()).await;
    assert!(text.starts_with("organisations[0].labels[1].units[0]: "), "{text}");
    file["organisations"][0]["labels"] = json!([]);
    let text = house.refusal(file.clone()).await;
    assert!(text.starts_with("organisations[0].members[1].units[0]: "), "{text}");
    // Taking the unit out of the manager's list must not make them manager of everything.
    file["organisations"][0]["members"][1]["units"] = json!([]);
    let text = house.refusal(file).await;
    assert!(
        text.starts_with("organisations[0].members[1].units: this manager is bound to units"),
        "{text}"
    );
}
