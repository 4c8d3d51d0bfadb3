//! Grants of permission codes as rows.

use access::{PermissionCode, Principal};
use domain::{ItemId, PersonId};
use store::{
    Constraint, Restriction, StoreError,
    grants::{self, GrantFilter, GrantSearch, Listed, NewGrant, PrincipalRef, Principals},
    people,
    stamps::Stamps,
};
use uuid::Uuid;

use crate::{
    buckets::{bucket, create as create_bucket},
    files,
    harness::{Db, NOW, both, op, statement, uuid},
    people::somebody,
};

const BY: Uuid = uuid(0xb7);

use Listed::{Buckets, Objects};
use PermissionCode::{Create, Delete, Manage, Read, Update};

const fn new(number: u128, principal: Principal, code: PermissionCode) -> NewGrant {
    NewGrant {
        uuid: uuid(number),
        principal,
        code,
    }
}

async fn grant(db: &Db, item: ItemId, grants: Vec<NewGrant>) -> Vec<Uuid> {
    let op = op!(Write |s, item: ItemId, grants: Vec<NewGrant>| -> Vec<Uuid> {
        grants::insert(s, item, &grants, BY, NOW).await
    });
    db.run(op).await.unwrap()
}

const fn people(uuids: Vec<Uuid>) -> Principals {
    Principals::People(uuids)
}

fn idps(names: &[&str]) -> Principals {
    Principals::IdentityProviders(names.iter().map(|name| (*name).to_owned()).collect())
}

fn uuids(numbers: &[u128]) -> Vec<Uuid> {
    numbers.iter().map(|number| uuid(*number)).collect()
}

/// Two people, two buckets with two objects each, and grants on all of them.
struct Scene {
    ada: PersonId,
    buckets: [ItemId; 2],
    objects: [ItemId; 4],
}

async fn scene(db: &Db) -> Scene {
    let (ada, bob) = (somebody(db, 1).await.id, somebody(db, 2).await.id);
    let idir = db
        .run(op!(Write |s| -> domain::IdentityProviderId { people::identity_provider(s, "idir", NOW).await }))
        .await
        .unwrap();
    let buckets = [
        create_bucket(db, bucket(100, "a")).await.unwrap(),
        create_bucket(db, bucket(101, "b")).await.unwrap(),
    ];
    let mut objects = Vec::new();
    for (number, bucket) in [(110, 0), (111, 0), (112, 1), (113, 1)] {
        objects.push(files::create(db, number, buckets[bucket], &number.to_string()).await);
    }
    let (ada_, bob_) = (Principal::Person(ada), Principal::Person(bob));
    grant(
        db,
        buckets[0],
        vec![new(1, ada_, Read), new(2, ada_, Manage), new(3, bob_, Read)],
    )
    .await;
    grant(
        db,
        buckets[1],
        vec![new(4, bob_, Create), new(5, Principal::IdentityProvider(idir), Read)],
    )
    .await;
    grant(
        db,
        objects[0],
        vec![new(6, ada_, Update), new(7, Principal::IdentityProvider(idir), Read)],
    )
    .await;
    grant(db, objects[2], vec![new(8, bob_, Delete), new(9, ada_, Read)]).await;
    Scene {
        ada,
        buckets,
        objects: objects.try_into().expect("four"),
    }
}

both! {
    async fn inserting_leaves_what_exists_alone(db: &Db) {
        let ada = Principal::Person(somebody(db, 1).await.id);
        let item = create_bucket(db, bucket(100, "a")).await.unwrap();
        assert_eq!(grant(db, item, vec![]).await, Vec::<Uuid>::new());
        assert_eq!(grant(db, item, vec![new(1, ada, Read), new(2, ada, Update)]).await, uuids(&[1, 2]));
        let mut added = grant(db, item, vec![new(3, ada, Read), new(4, ada, Delete), new(5, ada, Delete)]).await;
        added.sort_unstable();
        assert_eq!(added, uuids(&[4]), "neither what is there nor the same twice");
        let op = op!(Read |s, item: ItemId| -> () {
            assert_eq!(grants::count(s, item).await?, 3);
            assert_eq!(grants::count(s, ItemId(item.0 + 100)).await?, 0);
            let filter = GrantFilter { principals: people(vec![]), codes: vec![] };
            let rows = grants::list(s, &[item.0], &filter).await?;
            let seen: Vec<_> = rows.iter().map(|row| (row.uuid, row.code)).collect();
            assert_eq!(seen, [(uuid(1), Read), (uuid(2), Update), (uuid(4), Delete)]);
            assert_eq!((rows[0].item, &rows[0].principal), (uuid(100), &PrincipalRef::Person(uuid(1))));
            assert_eq!(rows[0].stamps, Stamps::created(BY, NOW));
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn an_item_that_is_not_there_takes_no_grant(db: &Db) {
        let op = op!(Write |s| -> Vec<Uuid> {
            grants::insert(s, ItemId(99), &[new(1, Principal::Anyone, Read)], BY, NOW).await
        });
        let outcome = db.run(op).await;
        assert!(matches!(outcome, Err(StoreError::Constraint(Constraint::ForeignKey))), "{outcome:?}");
        let item = create_bucket(db, bucket(100, "a")).await.unwrap();
        grant(db, item, vec![new(1, Principal::Anyone, Read)]).await;
        let op = op!(Write |s, item: ItemId| -> Vec<Uuid> {
            grants::insert(s, item, &[new(1, Principal::Anyone, Update)], BY, NOW).await
        });
        assert!(db.run(op).await.unwrap_err().is_unique(), "the same id for another grant");
    }

    async fn every_kind_of_principal_and_code_is_kept(db: &Db) {
        let item = create_bucket(db, bucket(100, "a")).await.unwrap();
        let principals = [
            Principal::Anyone,
            Principal::Person(PersonId(i64::MAX)),
            Principal::Group(domain::GroupId(3)),
            Principal::Collaboration(domain::CollaborationId(4)),
            Principal::CollaborationAdministrators(domain::CollaborationId(4)),
            Principal::IdentityProvider(domain::IdentityProviderId(5)),
        ];
        let grants: Vec<NewGrant> = principals
            .iter()
            .flat_map(|principal| PermissionCode::ALL.map(|code| (*principal, code)))
            .enumerate()
            .map(|(number, (principal, code))| new(number as u128 + 1, principal, code))
            .collect();
        assert_eq!(grant(db, item, grants).await.len(), 30);
        let op = op!(Read |s, item: ItemId, principals: [Principal; 6]| -> () {
            for principal in principals {
                let mut held = grants::holdings(s, principal, &[item.0, 98, 99]).await?;
                held.sort_unstable();
                let mut all: Vec<_> = PermissionCode::ALL.map(|code| (item, code)).into();
                all.sort_unstable();
                assert_eq!(held, all);
            }
            assert_eq!(grants::holdings(s, Principal::Person(PersonId(1)), &[item.0]).await?, []);
            assert_eq!(grants::holdings(s, Principal::Anyone, &[]).await?, []);
            let actions = statement("SELECT code, actions FROM access_grant");
            let rows = s.fetch(&actions, &[], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))).await?;
            for (number, bits) in rows {
                let code = PermissionCode::ALL.into_iter().find(|code| grants::code_number(*code) == number);
                assert_eq!(code.map(|code| i64::from(code.actions().bits())), Some(bits));
            }
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn copying_the_grants_of_an_item(db: &Db) {
        let scene = scene(db).await;
        let (from, to) = (scene.buckets[0], scene.objects[3]);
        let op = op!(Write |s, from: ItemId, to: ItemId| -> () {
            let copies: Vec<Uuid> = (20..30).map(uuid).collect();
            grants::copy(s, from, to, &copies, uuid(0xc0), NOW).await?;
            let all = GrantFilter { principals: people(vec![]), codes: vec![] };
            let rows = grants::list(s, &[to.0], &all).await?;
            let seen: Vec<_> = rows.iter().map(|row| (row.uuid, row.principal.clone(), row.code)).collect();
            let person = |number| PrincipalRef::Person(uuid(number));
            assert_eq!(seen, [(uuid(20), person(1), Read), (uuid(21), person(1), Manage), (uuid(22), person(2), Read)]);
            assert_eq!(rows[0].stamps, Stamps::created(uuid(0xc0), NOW));
            // Of an item without grants nothing is copied.
            grants::copy(s, to, from, &[], BY, NOW).await
        });
        assert!(matches!(db.run(op).await, Err(StoreError::Constraint(_))), "too few ids are a defect, not a loss");
        let op = op!(Write |s, from: ItemId, to: ItemId| -> () {
            grants::copy(s, to, from, &[], BY, NOW).await
        });
        db.run(op).await.unwrap();
    }

    async fn listing_the_grants_of_items(db: &Db) {
        let scene = scene(db).await;
        let items = vec![scene.buckets[0].0, scene.buckets[1].0, scene.objects[0].0];
        for (principals, codes, expected) in [
            (people(vec![]), vec![], &[1, 2, 3, 4, 6][..]),
            (people(uuids(&[1])), vec![], &[1, 2, 6]),
            (people(uuids(&[1, 2, 9])), vec![Read], &[1, 3]),
            (people(vec![]), vec![Create, Manage], &[2, 4]),
            (people(uuids(&[9])), vec![], &[]),
            (idps(&[]), vec![], &[5, 7]),
            (idps(&["idir"]), vec![Read], &[5, 7]),
            (idps(&["idir"]), vec![Update], &[]),
            (idps(&["IDIR", "bceid"]), vec![], &[]),
        ] {
            let (items, filter) = (items.clone(), GrantFilter { principals, codes });
            let shown = format!("{filter:?}");
            let op = op!(Read |s, items: Vec<i64>, filter: GrantFilter| -> Vec<Uuid> {
                Ok(grants::list(s, &items, &filter).await?.into_iter().map(|row| row.uuid).collect())
            });
            assert_eq!(db.run(op).await.unwrap(), uuids(expected), "{shown}");
        }
        let op = op!(Read |s| -> usize {
            Ok(grants::list(s, &[], &GrantFilter { principals: people(vec![]), codes: vec![] }).await?.len())
        });
        assert_eq!(db.run(op).await.unwrap(), 0, "no items, no grants");
    }

    async fn searching_grants(db: &Db) {
        let scene = scene(db).await;
        let all = GrantSearch {
            of: Listed::Buckets,
            buckets: vec![],
            objects: vec![],
            filter: GrantFilter { principals: people(vec![]), codes: vec![] },
            restriction: Restriction::None,
        };
        let second = Restriction::Buckets([scene.buckets[1]].into());
        let objects = GrantSearch { of: Listed::Objects, ..all.clone() };
        let by_idp = GrantFilter { principals: idps(&[]), codes: vec![] };
        for (search, expected) in [
            (all.clone(), &[1, 2, 3, 4][..]),
            (GrantSearch { buckets: uuids(&[101]), ..all.clone() }, &[4]),
            (GrantSearch { buckets: uuids(&[110]), ..all.clone() }, &[]),
            (GrantSearch { filter: GrantFilter { principals: people(uuids(&[1])), codes: vec![Read] }, ..all.clone() }, &[1]),
            (GrantSearch { filter: by_idp.clone(), ..all.clone() }, &[5]),
            (objects.clone(), &[6, 8, 9]),
            (GrantSearch { objects: uuids(&[110, 111]), ..objects.clone() }, &[6]),
            (GrantSearch { buckets: uuids(&[101]), ..objects.clone() }, &[8, 9]),
            (GrantSearch { buckets: uuids(&[101]), objects: uuids(&[110]), ..objects.clone() }, &[]),
            (GrantSearch { filter: GrantFilter { principals: people(vec![]), codes: vec![Delete] }, ..objects.clone() }, &[8]),
            (GrantSearch { filter: by_idp, ..objects.clone() }, &[7]),
            (GrantSearch { restriction: second.clone(), ..all.clone() }, &[4]),
            (GrantSearch { restriction: second.clone(), buckets: uuids(&[100]), ..all.clone() }, &[]),
            (GrantSearch { restriction: second.clone(), ..objects.clone() }, &[8, 9]),
            (GrantSearch { restriction: second, objects: uuids(&[110]), ..objects.clone() }, &[]),
        ] {
            let shown = format!("{search:?}");
            let op = op!(Read |s, search: GrantSearch| -> Vec<Uuid> {
                Ok(grants::search(s, &search).await?.into_iter().map(|row| row.uuid).collect())
            });
            assert_eq!(db.run(op).await.unwrap(), uuids(expected), "{shown}");
        }
    }

    async fn what_is_related_to_grants(db: &Db) {
        let scene = scene(db).await;
        let by = |of, person: u128, codes: &[PermissionCode]| GrantSearch {
            of,
            buckets: vec![],
            objects: vec![],
            filter: GrantFilter { principals: people(uuids(&[person])), codes: codes.to_vec() },
            restriction: Restriction::None,
        };
        let second = Restriction::Buckets([scene.buckets[1]].into());
        for (search, expected) in [
            // Buckets that hold an object on which the person holds anything; the codes do not matter there.
            (by(Buckets, 1, &[]), &[100, 101][..]),
            (by(Buckets, 1, &[Manage]), &[100, 101]),
            (by(Buckets, 2, &[]), &[101]),
            (GrantSearch { buckets: uuids(&[100]), ..by(Buckets, 1, &[]) }, &[100]),
            // Objects in buckets on which the person holds one of the codes.
            (by(Objects, 1, &[]), &[110, 111]),
            (by(Objects, 2, &[]), &[110, 111, 112, 113]),
            (by(Objects, 2, &[Create]), &[112, 113]),
            (by(Objects, 2, &[Delete]), &[]),
            (GrantSearch { restriction: second.clone(), ..by(Buckets, 1, &[]) }, &[101]),
            (GrantSearch { restriction: second, ..by(Objects, 2, &[]) }, &[112, 113]),
            (GrantSearch { objects: uuids(&[113]), ..by(Objects, 2, &[]) }, &[113]),
            (GrantSearch { buckets: uuids(&[100]), objects: uuids(&[113]), ..by(Objects, 2, &[]) }, &[]),
        ] {
            let shown = format!("{search:?}");
            let op = op!(Read |s, search: GrantSearch| -> Vec<Uuid> { grants::related(s, &search).await });
            assert_eq!(db.run(op).await.unwrap(), uuids(expected), "{shown}");
        }
    }

    async fn deleting_grants(db: &Db) {
        let scene = scene(db).await;
        let (ada, items) = (scene.ada, vec![scene.buckets[0].0, scene.objects[0].0]);
        let op = op!(Write |s, ada: PersonId, items: Vec<i64>| -> () {
            grants::delete(s, &[]).await?;
            grants::delete(s, &[uuid(1), uuid(6), uuid(0xdead)]).await?;
            let held = grants::holdings(s, Principal::Person(ada), &items).await?;
            assert_eq!(held, [(ItemId(items[0]), Manage)]);
            let total = s.one(&statement("SELECT count(*) FROM access_grant"), &[], |row| row.get::<i64>(0)).await?;
            assert_eq!(total, 7);
            Ok(())
        });
        db.run(op).await.unwrap();
    }
}
