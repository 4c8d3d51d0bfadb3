//! People, identity providers, accounts and one-time links.

use domain::{IdentityProviderId, PersonId, Timestamp};
use store::{
    Constraint, StoreError,
    people::{self, Identity, Known, NewAccount, PersonFilter, Profile},
    stamps::{SYSTEM, Stamps},
};
use uuid::Uuid;

use crate::{
    awkward,
    harness::{Db, NOW, both, op, uuid},
};

const LATER: Timestamp = NOW.plus_seconds(60);

fn profile(username: &str) -> Profile {
    Profile {
        username: username.to_owned(),
        email: Some(format!("{username}@Example.ORG")),
        email_verified: true,
        full_name: Some(format!("{username} Example")),
        first_name: Some(username.to_owned()),
        last_name: Some("Example".to_owned()),
    }
}

fn nothing(username: &str) -> Profile {
    Profile {
        username: username.to_owned(),
        email: None,
        email_verified: false,
        full_name: None,
        first_name: None,
        last_name: None,
    }
}

fn identity(subject: &str, provider: Option<&str>) -> Identity {
    Identity {
        issuer: "https://issuer.example".to_owned(),
        subject: subject.to_owned(),
        identity_provider: provider.map(str::to_owned),
    }
}

/// Signs somebody in who has the UUID `id` if they are new.
pub(crate) async fn sign_in(db: &Db, id: Uuid, identity: Identity, profile: Profile, now: Timestamp) -> Known {
    let op = op!(Write |s, id: Uuid, identity: Identity, profile: Profile, now: Timestamp| -> Known {
        let provider = match &identity.identity_provider {
            Some(name) => Some(people::identity_provider(s, name, now).await?),
            None => None,
        };
        people::sign_in(s, id, &identity, provider, &profile, now).await
    });
    db.run(op).await.unwrap()
}

/// Somebody new.
pub(crate) async fn somebody(db: &Db, id: u128) -> Known {
    let name = format!("person{id}");
    sign_in(db, uuid(id), identity(&name, Some("idir")), profile(&name), NOW).await
}

async fn search(db: &Db, filter: PersonFilter) -> Vec<Uuid> {
    let op = op!(Read |s, filter: PersonFilter| -> Vec<Uuid> {
        Ok(people::search(s, &filter).await?.into_iter().map(|row| row.uuid).collect())
    });
    db.run(op).await.unwrap()
}

both! {
    async fn signing_in_creates_and_then_updates(db: &Db) {
        let ada = identity("ada", Some("idir"));
        let first = sign_in(db, uuid(1), ada.clone(), profile("ada"), NOW).await;
        assert_eq!((first.uuid, first.active), (uuid(1), true));
        // The UUID on offer is only for somebody new.
        let again = sign_in(db, uuid(2), ada.clone(), profile("ada"), LATER).await;
        assert_eq!(again, first);
        let op = op!(Read |s| -> Vec<people::PersonRow> { people::search(s, &PersonFilter::default()).await });
        let rows = db.run(op.clone()).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].stamps, Stamps::created(SYSTEM, NOW), "nothing changed");
        assert_eq!((rows[0].identity_id.as_deref(), rows[0].idp.as_deref()), (Some("ada"), Some("idir")));
        assert_eq!(rows[0].profile, profile("ada"));

        sign_in(db, uuid(2), ada.clone(), nothing("lovelace"), LATER).await;
        let rows = db.run(op).await.unwrap();
        assert_eq!(rows[0].profile, nothing("lovelace"));
        assert_eq!((rows[0].stamps.updated_by, rows[0].stamps.updated_at), (Some(uuid(1)), Some(LATER)));
        let op = op!(Read |s, ada: Identity| -> Option<(Known, Profile)> { people::find_by_identity(s, &ada).await });
        assert_eq!(db.run(op).await.unwrap(), Some((first, nothing("lovelace"))));
    }

    async fn an_identity_is_issuer_subject_and_provider(db: &Db) {
        let idir = sign_in(db, uuid(1), identity("same", Some("idir")), profile("a"), NOW).await;
        let bceid = sign_in(db, uuid(2), identity("same", Some("bceid")), profile("b"), NOW).await;
        let none = sign_in(db, uuid(3), identity("same", None), profile("c"), NOW).await;
        let elsewhere = Identity { issuer: "https://other.example".to_owned(), ..identity("same", Some("idir")) };
        let other = sign_in(db, uuid(4), elsewhere.clone(), profile("d"), NOW).await;
        for (identity, person) in [
            (identity("same", Some("idir")), Some(idir)),
            (identity("same", Some("bceid")), Some(bceid)),
            (identity("same", None), Some(none)),
            (elsewhere, Some(other)),
            (identity("Same", None), None),
            (identity("same", Some("unknown")), None),
        ] {
            let op = op!(Point |s, identity: Identity| -> Option<Known> {
                Ok(people::find_by_identity(s, &identity).await?.map(|found| found.0))
            });
            assert_eq!(db.run(op).await.unwrap(), person);
        }
    }

    async fn awkward_names_come_back(db: &Db) {
        let op = op!(Write |s| -> () {
            for (number, text) in awkward::texts().into_iter().enumerate() {
                // An index entry has a limit on PostgreSQL; subjects are not texts of any length.
                let subject: String = text.chars().take(200).collect();
                let identity = Identity {
                    issuer: subject.clone(),
                    subject: format!("{number}{subject}"),
                    identity_provider: Some(subject.clone()),
                };
                let full = Some(text.clone());
                let profile = Profile {
                    username: text,
                    email: full.clone().filter(|text| text.len() < 500),
                    email_verified: false,
                    full_name: full.clone(),
                    first_name: full.clone(),
                    last_name: full,
                };
                let provider = people::identity_provider(s, &subject, NOW).await?;
                assert_eq!(people::identity_provider(s, &subject, LATER).await?, provider);
                let known =
                    people::sign_in(s, uuid(number as u128), &identity, Some(provider), &profile, NOW).await?;
                assert_eq!(people::find_by_identity(s, &identity).await?, Some((known, profile)));
                let found = people::identity_provider_ids(s, &[subject.clone(), "nobody".to_owned()]).await?;
                assert_eq!(found, [(subject, provider)]);
            }
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn people_are_found_by_key_and_by_address(db: &Db) {
        let (ada, bob) = (somebody(db, 1).await, somebody(db, 2).await);
        let op = op!(Write |s, ada: Known, bob: Known| -> () {
            let mut ids = people::ids(s, &[uuid(2), uuid(1), uuid(9), uuid(1)]).await?;
            ids.sort_unstable();
            assert_eq!(ids, [(uuid(1), ada.id), (uuid(2), bob.id)]);
            assert_eq!(people::ids(s, &[]).await?, []);
            assert_eq!(people::uuid(s, bob.id).await?, Some(uuid(2)));
            assert_eq!(people::uuid(s, PersonId(i64::MAX)).await?, None);

            assert_eq!(people::find_by_email(s, "PERSON1@example.org").await?, Some(ada));
            assert_eq!(people::find_by_email(s, "nobody@example.org").await?, None);

            assert!(people::is_active(s, ada.id).await?);
            assert!(!people::is_active(s, PersonId(i64::MIN)).await?);
            assert!(people::set_active(s, ada.id, false, uuid(2), LATER).await?);
            assert!(!people::set_active(s, ada.id, false, uuid(2), LATER).await?, "it was off already");
            assert!(!people::is_active(s, ada.id).await?);

            // Of two with one address the active one is meant.
            let twin = Profile { email: Some("Person1@Example.org".to_owned()), ..profile("twin") };
            let twin = people::sign_in(s, uuid(3), &identity("twin", None), None, &twin, NOW).await?;
            assert_eq!(people::find_by_email(s, "person1@example.org").await?, Some(twin));
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn identity_providers_are_listed_by_name(db: &Db) {
        let op = op!(Write |s| -> () {
            let mut ids = Vec::new();
            for name in ["beta", "Alpha", "alpha"] {
                ids.push(people::identity_provider(s, name, NOW).await?);
            }
            let names = |rows: Vec<people::IdentityProviderRow>| -> Vec<String> {
                rows.into_iter().map(|row| row.name).collect()
            };
            assert_eq!(names(people::identity_providers(s, None).await?), ["Alpha", "alpha", "beta"]);
            assert_eq!(names(people::identity_providers(s, Some(true)).await?), ["Alpha", "alpha", "beta"]);
            assert_eq!(names(people::identity_providers(s, Some(false)).await?), Vec::<String>::new());
            let row = people::identity_providers(s, None).await?.remove(0);
            assert_eq!((row.active, row.stamps), (true, Stamps::created(SYSTEM, NOW)));
            let mut found = people::identity_provider_ids(s, &["beta".to_owned(), "gamma".to_owned()]).await?;
            assert_eq!(found.pop(), Some(("beta".to_owned(), ids[0])));
            assert_eq!(found, []);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn searching_people(db: &Db) {
        for (number, (first, last)) in
            [(Some("Zoë"), Some("adams")), (Some("bob"), Some("Brown")), (Some("Al"), Some("Brown")), (Some("Cy"), None)]
                .into_iter()
                .enumerate()
        {
            let number = number as u128 + 1;
            let person = Profile {
                first_name: first.map(str::to_owned),
                last_name: last.map(str::to_owned),
                full_name: Some(format!("{} {}", first.unwrap_or_default(), last.unwrap_or_default())),
                ..profile(&format!("user_{number}"))
            };
            let provider = if number == 4 { "bceid" } else { "idir" };
            sign_in(db, uuid(number), identity(&format!("subject{number}"), Some(provider)), person, NOW).await;
        }
        let everybody = PersonFilter::default();
        let text = |text: &str| Some(text.to_owned());
        let one = [uuid(1)];
        for (filter, expected) in [
            // By family name, then given name, without regard to case; without one last, as PostgreSQL does.
            (PersonFilter::default(), &[1, 3, 2, 4][..]),
            (PersonFilter { uuids: one.into(), ..everybody.clone() }, &[1]),
            (PersonFilter { identity_ids: vec!["subject2".to_owned(), "subject3".to_owned()], ..everybody.clone() }, &[3, 2]),
            (PersonFilter { idps: vec!["bceid".to_owned()], ..everybody.clone() }, &[4]),
            (PersonFilter { username: text("ER_1"), ..everybody.clone() }, &[1]),
            (PersonFilter { username: text("r%3"), ..everybody.clone() }, &[3]),
            (PersonFilter { username: text("r\\_3"), ..everybody.clone() }, &[]),
            (PersonFilter { username: text("\\"), ..everybody.clone() }, &[]),
            (PersonFilter { email: text("user_2@Example.ORG"), ..everybody.clone() }, &[2]),
            (PersonFilter { email: text("user_2@example.org"), ..everybody.clone() }, &[]),
            (PersonFilter { first_name: text("zo"), ..everybody.clone() }, &[1]),
            (PersonFilter { first_name: text("ë"), ..everybody.clone() }, &[1]),
            // Case is folded in ASCII only, on both.
            (PersonFilter { first_name: text("Ë"), ..everybody.clone() }, &[]),
            (PersonFilter { last_name: text("BROWN"), ..everybody.clone() }, &[3, 2]),
            (PersonFilter { full_name: text("l b"), ..everybody.clone() }, &[3]),
            (PersonFilter { search: text("user_4@"), ..everybody.clone() }, &[4]),
            (PersonFilter { search: text("bob brown"), ..everybody.clone() }, &[2]),
            (PersonFilter { active: Some(true), ..everybody.clone() }, &[1, 3, 2, 4]),
            (PersonFilter { active: Some(false), ..everybody.clone() }, &[]),
            (
                PersonFilter {
                    uuids: vec![uuid(1), uuid(2)],
                    identity_ids: vec!["subject1".to_owned(), "subject2".to_owned()],
                    idps: vec!["idir".to_owned()],
                    username: text("user"),
                    email: text("user_1@Example.ORG"),
                    first_name: text("z"),
                    last_name: text("a"),
                    full_name: text("z"),
                    search: text("z"),
                    active: Some(true),
                },
                &[1],
            ),
        ] {
            let expected: Vec<Uuid> = expected.iter().map(|number| uuid(*number)).collect();
            assert_eq!(search(db, filter.clone()).await, expected, "{filter:?}");
        }
    }

    async fn accounts(db: &Db) {
        let account = |number: u128, email: &str| NewAccount {
            uuid: uuid(number),
            identity: identity(&uuid(number).to_string(), Some("local")),
            profile: Profile { email: Some(email.to_owned()), ..profile("account") },
            platform_administrator: number == 1,
        };
        let create = |number: u128, email: &str, hash: Option<&str>| {
            let (account, hash) = (account(number, email), hash.map(str::to_owned));
            op!(Write |s, account: NewAccount, hash: Option<String>| -> PersonId {
                let provider = people::identity_provider(s, "local", NOW).await?;
                people::create_account(s, &account, provider, hash.as_deref(), NOW).await
            })
        };
        let first = db.run(create(1, "Ada@Example.org", Some("hash"))).await.unwrap();
        let second = db.run(create(2, "bob@example.org", None)).await.unwrap();
        let clash = db.run(create(3, "ADA@example.org", Some("hash"))).await;
        assert!(matches!(clash, Err(StoreError::Constraint(Constraint::Unique(_)))), "{clash:?}");
        let op = op!(Write |s, first: PersonId, second: PersonId| -> () {
            assert_eq!(people::ids(s, &[uuid(3)]).await?, [], "the clash left no person");
            assert_eq!(people::count_accounts(s).await?, 1);
            let known = Known { id: first, uuid: uuid(1), active: true };
            assert_eq!(people::account(s, "aDA@example.org").await?, Some((known, "hash".to_owned())));
            assert_eq!(people::account(s, "bob@example.org").await?, None, "no password was set");

            people::set_password(s, second, "bob@example.org", "one", NOW).await?;
            people::set_password(s, second, "bob@example.org", "two", LATER).await?;
            assert_eq!(people::account(s, "bob@example.org").await?.map(|found| found.1).as_deref(), Some("two"));
            assert_eq!(people::count_accounts(s).await?, 2);
            Ok(())
        });
        db.run(op).await.unwrap();
        let nobody = op!(Write |s| -> () { people::set_password(s, PersonId(99), "x", "hash", NOW).await });
        let outcome = db.run(nobody).await;
        assert!(matches!(outcome, Err(StoreError::Constraint(Constraint::ForeignKey))), "{outcome:?}");
    }

    async fn a_person_needs_a_provider_that_exists(db: &Db) {
        let op = op!(Write |s| -> Known {
            let provider = Some(IdentityProviderId(99));
            people::sign_in(s, uuid(1), &identity("a", None), provider, &profile("a"), NOW).await
        });
        let outcome = db.run(op).await;
        assert!(matches!(outcome, Err(StoreError::Constraint(Constraint::ForeignKey))), "{outcome:?}");
    }

    async fn two_people_cannot_share_a_uuid(db: &Db) {
        somebody(db, 1).await;
        let op = op!(Write |s| -> Known {
            people::sign_in(s, uuid(1), &identity("b", None), None, &profile("b"), NOW).await
        });
        let error = db.run(op).await.unwrap_err();
        assert!(error.is_unique(), "{error:?}");
        assert_eq!(domain::Error::from(error).kind, domain::Kind::Conflict);
    }

    async fn a_one_time_link_works_once_and_in_time(db: &Db) {
        let op = op!(Write |s| -> () {
            people::replace_one_time_link(s, "setup", b"old", NOW, LATER).await?;
            people::replace_one_time_link(s, "setup", b"new", NOW, LATER).await?;
            people::replace_one_time_link(s, "reset", b"reset", NOW, LATER).await?;
            for (purpose, secret, now, works) in [
                ("setup", &b"old"[..], NOW, false),
                ("setup", b"new", NOW, true),
                ("setup", b"new", Timestamp(LATER.0 - 1), true),
                ("setup", b"new", LATER, false),
                ("reset", b"new", NOW, false),
                ("reset", b"reset", NOW, true),
                ("setup", b"", NOW, false),
            ] {
                assert_eq!(people::one_time_link_works(s, purpose, secret, now).await?, works, "{purpose} {secret:?}");
            }
            assert!(!people::use_one_time_link(s, "setup", b"new", LATER).await?);
            assert!(!people::use_one_time_link(s, "reset", b"new", NOW).await?);
            assert!(people::use_one_time_link(s, "setup", b"new", NOW).await?);
            assert!(!people::use_one_time_link(s, "setup", b"new", NOW).await?);
            assert!(!people::one_time_link_works(s, "setup", b"new", NOW).await?);
            // A used one is kept: its hash can never be issued again.
            people::replace_one_time_link(s, "setup", b"newer", NOW, LATER).await?;
            assert!(people::one_time_link_works(s, "setup", b"newer", NOW).await?);
            Ok(())
        });
        db.run(op).await.unwrap();
        let again = op!(Write |s| -> () { people::replace_one_time_link(s, "setup", b"new", NOW, LATER).await });
        assert!(db.run(again).await.unwrap_err().is_unique());
    }
}
