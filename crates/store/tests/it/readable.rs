//! What a search shows somebody is what `access` lets them read, on random worlds; pages make the whole, and totals count it.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, GrantKind, ItemKind, PermissionCode, Principal};
use domain::{ItemId, PersonId, Timestamp};
use model::{Random, Who, World};
use store::{
    Session, StoreError,
    files::{self, NewObject, NewVersion},
    grants::{self, NewGrant},
    labels::PairFilter,
    search::{self, ObjectSearch, Page, Sort},
    viewer::Viewer,
};
use uuid::Uuid;

use crate::{
    buckets::{bucket, create as create_bucket},
    facts::{Stored, uuid_of},
    harness::{Db, NOW, both, op, statement, unique, uuid, variable},
};

const SIZE: usize = 60;

/// A world of buckets with objects: every folder is a root, and every file lies in one.
fn buckets_of(seed: u64) -> World {
    let mut random = Random::new(seed);
    let mut world = World::random(random.next(), SIZE);
    // The oldest are the buckets.
    let folders: Vec<ItemId> = world.items.keys().copied().take(6).collect();
    for (id, item) in &mut world.items {
        item.deleted = false;
        if folders.contains(id) {
            item.kind = ItemKind::Folder;
            item.parent = None;
            item.share_window = access::Window::ALWAYS;
            item.classification = None;
        } else {
            item.kind = ItemKind::File;
            item.parent = random.pick(&folders);
        }
    }
    for person in world.people.values_mut() {
        let one = person.identity_providers.iter().next().copied();
        person.identity_providers = one.into_iter().collect();
    }
    // What is only public is not listed as somebody's.
    world
        .grants
        .retain(|(_, principal, _), _| *principal != Principal::Anyone);
    // Some may read a bucket as a whole.
    let people: Vec<PersonId> = world.people.keys().copied().collect();
    for folder in &folders {
        if let Some(person) = random.pick(&people).filter(|_| random.percent(60)) {
            let actions = PermissionCode::Read.actions().iter().collect();
            let row = model::Row {
                actions,
                window: access::Window::ALWAYS,
            };
            world
                .grants
                .insert((*folder, Principal::Person(person), GrantKind::Add), row);
        }
    }
    world
}

/// The same world as somebody sees it through some of their rights only.
fn through(world: &World, own: bool, identity_provider: bool) -> World {
    let mut world = world.clone();
    world.grants.retain(|(_, principal, _), _| match principal {
        Principal::IdentityProvider(_) => identity_provider,
        _ => own,
    });
    if !own {
        world.items.values_mut().for_each(|item| item.owner = None);
    }
    world
}

async fn save<S: Session>(s: &mut S, world: World, seed: u64) -> Result<(), StoreError> {
    Stored::of(world, seed).save(s).await?;
    for text in [
        "INSERT INTO bucket (item_id, endpoint, s3_bucket, object_key)
         SELECT id, 'e', 'b', 'k' || id FROM item WHERE kind = 2",
        "DELETE FROM object_count",
        "INSERT INTO object_count (bucket_id, state, slot, objects)
         SELECT parent_id, 0, 0, count(*) FROM item WHERE kind = 1 GROUP BY parent_id",
    ] {
        s.execute(&statement(text), &[]).await?;
    }
    Ok(())
}

fn ids(found: &search::Found) -> Vec<ItemId> {
    found.objects.iter().map(|found| found.object.id).collect()
}

/// Searches in pages of three and puts them together.
async fn in_pages<S: Session>(s: &mut S, search: &ObjectSearch, expected: usize) -> Result<Vec<ItemId>, StoreError> {
    let mut all = Vec::new();
    for number in 0.. {
        let page = Page {
            limit: 3,
            offset: number * 3,
        };
        let search = ObjectSearch {
            page: Some(page),
            ..search.clone()
        };
        let found = search::objects(s, &search).await?;
        assert_eq!(found.total, i64::try_from(expected).unwrap(), "{search:?}");
        if found.objects.is_empty() {
            break;
        }
        all.extend(ids(&found));
    }
    Ok(all)
}

/// Compares what everybody finds with what the model lets them read; how many searches.
async fn compare<S: Session>(s: &mut S, world: &World) -> Result<usize, StoreError> {
    let files = || world.items.iter().filter(|(_, item)| item.kind == ItemKind::File);
    let buckets: Vec<ItemId> = world
        .items
        .iter()
        .filter(|(_, item)| item.kind == ItemKind::Folder)
        .map(|(id, _)| *id)
        .collect();
    let mut searches = 0;
    for (own, identity_provider) in [(true, true), (true, false), (false, true)] {
        let seen = through(world, own, identity_provider);
        for person in world.people.keys() {
            let readable: BTreeMap<ItemId, ItemId> = files()
                .filter(|(id, _)| seen.allowed(Who::Person(*person), **id).contains(&Action::Download))
                .map(|(id, item)| (*id, item.parent.expect("it lies in a bucket")))
                .collect();
            let restrict = Some(Viewer {
                person: *person,
                own,
                identity_provider,
                now: world.now,
            });
            let everywhere = ObjectSearch {
                restrict,
                ..ObjectSearch::default()
            };
            let mut asked = vec![(everywhere.clone(), readable.keys().copied().collect::<BTreeSet<_>>())];
            for some in buckets.chunks(2).chain(buckets.chunks(1)) {
                let inside = |(id, parent): (&ItemId, &ItemId)| some.contains(parent).then_some(*id);
                asked.push((
                    ObjectSearch {
                        buckets: some.iter().map(|id| uuid_of(id.0)).collect(),
                        sort: Sort::Id,
                        descending: true,
                        ..everywhere.clone()
                    },
                    readable.iter().filter_map(inside).collect(),
                ));
            }
            let named: Vec<Uuid> = files().map(|(id, _)| uuid_of(id.0)).collect();
            asked.push((
                ObjectSearch {
                    objects: named,
                    ..everywhere.clone()
                },
                readable.keys().copied().collect(),
            ));
            // Not known to the counters.
            asked.push((
                ObjectSearch {
                    active: Some(true),
                    sort: Sort::Bucket,
                    ..everywhere
                },
                readable.keys().copied().collect(),
            ));
            for (search, expected) in asked {
                let whole = ids(&search::objects(s, &search).await?);
                let set: BTreeSet<ItemId> = whole.iter().copied().collect();
                if let Some(id) = set.symmetric_difference(&expected).next() {
                    let line: Vec<_> = seen.line(*id).into_iter().map(|id| seen.node(id)).collect();
                    panic!(
                        "{person:?} {:?} on {id}, found: {}: {line:#?}\n{search:?}",
                        seen.people[person],
                        set.contains(id)
                    );
                }
                assert_eq!(set.len(), whole.len(), "nothing twice");
                assert_eq!(in_pages(s, &search, expected.len()).await?, whole, "{search:?}");
                searches += 1;
            }
        }
    }
    Ok(searches)
}

fn object(number: u128, bucket: ItemId, name: &str) -> NewObject {
    NewObject {
        uuid: uuid(number),
        bucket,
        name: name.to_owned(),
        path: format!("dir/{name}"),
    }
}

fn version(number: u128, mime_type: &str, delete_marker: bool) -> NewVersion {
    NewVersion {
        uuid: uuid(number),
        storage_key: None,
        native_id: None,
        size: 1,
        mime_type: mime_type.to_owned(),
        etag: None,
        sha256: None,
        delete_marker,
        last_modified_at: (!delete_marker).then_some(Timestamp(5)),
    }
}

fn pairs(of: &[(&str, &str)]) -> files::Pairs {
    of.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

/// Two buckets; in the first objects 10 to 15 named a to f, in the second 16.
async fn house(db: &Db) -> (ItemId, ItemId) {
    let one = create_bucket(db, bucket(1, "a")).await.unwrap();
    let two = create_bucket(db, bucket(2, "b")).await.unwrap();
    let op = op!(Write |s, one: ItemId, two: ItemId| -> () {
        for (place, name) in ["b", "A", "c%", "d_", "e", "f"].into_iter().enumerate() {
            let number = 10 + place as u128;
            let id = files::insert(s, &object(number, one, name), uuid(90 + number), NOW).await?;
            let first = files::add_version(s, id, &version(100 + number, "text/plain", false), uuid(9), NOW).await?;
            files::describe(s, first, &pairs(&[("colour", "red")]), &pairs(&[("n", name), ("all", "")])).await?;
            if place == 4 {
                let second = files::add_version(s, id, &version(200 + number, "image/png", false), uuid(9), NOW).await?;
                files::describe(s, second, &pairs(&[("colour", "blue")]), &[]).await?;
            }
            if place == 5 {
                files::add_version(s, id, &version(200 + number, "x", true), uuid(9), NOW).await?;
                files::touch(s, id, uuid(9), Timestamp(7)).await?;
            }
        }
        let id = files::insert(s, &object(16, two, "other"), uuid(9), NOW).await?;
        let publish = statement("UPDATE item SET public = TRUE WHERE kind = 1 AND uuid IN ($1, $2, $3, $4)");
        s.execute(&publish, &[uuid(10).into(), uuid(12).into(), uuid(14).into(), uuid(16).into()]).await?;
        files::add_version(s, id, &version(116, "text/plain", false), uuid(9), NOW).await.map(drop)
    });
    db.run(op).await.unwrap();
    (one, two)
}

async fn numbers<S: Session>(s: &mut S, search: &ObjectSearch) -> Result<Vec<u128>, StoreError> {
    let found = search::objects(s, search).await?;
    let all: Vec<u128> = found.objects.iter().map(|found| found.object.uuid.as_u128()).collect();
    assert_eq!(found.total, i64::try_from(all.len()).unwrap());
    // The same by pages, of which the last is empty.
    let mut paged = Vec::new();
    for number in 0..=all.len() {
        let page = Some(Page {
            limit: 1,
            offset: i64::try_from(number).unwrap(),
        });
        let found = search::objects(s, &ObjectSearch { page, ..search.clone() }).await?;
        assert_eq!(found.total, i64::try_from(all.len()).unwrap(), "{search:?}");
        paged.extend(found.objects.iter().map(|found| found.object.uuid.as_u128()));
    }
    assert_eq!(paged, all, "{search:?}");
    Ok(all)
}

/// A bucket, a state, and how many objects.
type Count = (i64, i64, i64);

both! {
    async fn searches_find_what_access_allows(db: &Db) {
        let seed = variable("COMMONHOLD_SEED").and_then(|seed| seed.parse().ok()).unwrap_or_else(|| unique() >> 16);
        println!("COMMONHOLD_SEED={seed}");
        let (worlds, mut searches) = (if db.store.engine() == "sqlite" { 25 } else { 4 }, 0);
        for number in 0..worlds {
            let world = buckets_of(seed.wrapping_add(number));
            let saved = world.clone();
            db.run(op!(Write |s, saved: World, seed: u64| -> () { save(s, saved, seed).await })).await.unwrap();
            searches += db.run(op!(Read |s, world: World| -> usize { compare(s, &world).await })).await.unwrap();
        }
        println!("{searches} searches agree on {}", db.store.engine());
        assert!(searches > 300);
    }

    async fn every_filter_narrows(db: &Db) {
        house(db).await;
        let op = op!(Read |s| -> () {
            let none = ObjectSearch::default;
            let text = |text: &str| Some(text.to_owned());
            for (search, expected) in [
                (none(), vec![10, 11, 12, 13, 14, 15, 16]),
                (ObjectSearch { objects: vec![uuid(16), uuid(10), uuid(999), uuid(1)], ..none() }, vec![10, 16]),
                (ObjectSearch { buckets: vec![uuid(2)], ..none() }, vec![16]),
                (ObjectSearch { buckets: vec![uuid(2), uuid(1)], ..none() }, vec![10, 11, 12, 13, 14, 15, 16]),
                (ObjectSearch { buckets: vec![uuid(3)], ..none() }, vec![]),
                (ObjectSearch { objects: vec![uuid(10)], buckets: vec![uuid(2)], ..none() }, vec![]),
                (ObjectSearch { within: Some(vec![]), ..none() }, vec![]),
                (ObjectSearch { name: text("a"), ..none() }, vec![11]),
                (ObjectSearch { name: text("O_h%r"), ..none() }, vec![16]),
                (ObjectSearch { path: text("DIR/"), buckets: vec![uuid(1)], ..none() }, vec![10, 11, 12, 13, 14, 15]),
                (ObjectSearch { public: Some(true), ..none() }, vec![10, 12, 14, 16]),
                (ObjectSearch { public: Some(false), buckets: vec![uuid(1)], ..none() }, vec![11, 13, 15]),
                (ObjectSearch { active: Some(false), ..none() }, vec![]),
                (ObjectSearch { mime_type: text("IMAGE"), ..none() }, vec![14]),
                (ObjectSearch { mime_type: text("plain"), latest: Some(true), buckets: vec![uuid(1)], ..none() }, vec![10, 11, 12, 13]),
                (ObjectSearch { latest: Some(true), delete_marker: Some(true), ..none() }, vec![15]),
                (ObjectSearch { latest: Some(true), delete_marker: Some(false), buckets: vec![uuid(1)], ..none() }, vec![10, 11, 12, 13, 14]),
                (ObjectSearch { latest: Some(false), ..none() }, vec![14, 15]),
                (ObjectSearch { delete_marker: Some(false), buckets: vec![uuid(1)], ..none() }, vec![10, 11, 12, 13, 14, 15]),
                (ObjectSearch { tags: PairFilter::new(&pairs(&[("n", "A")])), ..none() }, vec![11]),
                (ObjectSearch { tags: PairFilter::new(&pairs(&[("n", "a")])), ..none() }, vec![]),
                (ObjectSearch { tags: PairFilter::new(&pairs(&[("all", ""), ("n", "e")])), ..none() }, vec![14]),
                (ObjectSearch { tags: PairFilter::new(&pairs(&[("all", "")])), latest: Some(true), ..none() }, vec![10, 11, 12, 13]),
                (ObjectSearch { metadata: PairFilter::new(&pairs(&[("colour", "blue")])), ..none() }, vec![14]),
                (ObjectSearch { metadata: PairFilter::new(&pairs(&[("colour", "blue")])), tags: PairFilter::new(&pairs(&[("all", "")])), ..none() }, vec![]),
                (ObjectSearch { metadata: PairFilter::new(&pairs(&[("colour", "red")])), buckets: vec![uuid(2)], ..none() }, vec![]),
            ] {
                assert_eq!(numbers(s, &search).await?, expected, "{search:?}");
            }
            Ok(())
        });
        Box::pin(db.run(op)).await.unwrap();
    }

    async fn every_order_has_a_tie_break(db: &Db) {
        house(db).await;
        let op = op!(Read |s| -> () {
            for buckets in [vec![], vec![uuid(1)], vec![uuid(1), uuid(2)]] {
                let mut all = vec![10, 11, 12, 13, 14, 15];
                if buckets.len() != 1 {
                    all.push(16);
                }
                let order = |sort, descending| ObjectSearch { sort, descending, buckets: buckets.clone(), ..ObjectSearch::default() };
                for sort in [Sort::Age, Sort::Id, Sort::Active, Sort::UpdatedAt, Sort::UpdatedBy, Sort::Name, Sort::Path, Sort::Public, Sort::CreatedBy, Sort::Bucket] {
                    let mut found = numbers(s, &order(sort, false)).await?;
                    let mut backwards = numbers(s, &order(sort, true)).await?;
                    backwards.reverse();
                    assert_eq!(found, backwards, "{sort:?}");
                    match sort {
                        Sort::Age | Sort::Id | Sort::Active | Sort::Bucket => assert_eq!(found, all, "{sort:?}"),
                        Sort::UpdatedAt | Sort::UpdatedBy => assert_eq!(found[0], 15, "never comes last"),
                        Sort::Name => assert_eq!(found[..3], [11, 10, 12]),
                        _ => {}
                    }
                    found.sort_unstable();
                    assert_eq!(found, all, "{sort:?}");
                }
            }
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn rows_tell_of_the_latest_version(db: &Db) {
        house(db).await;
        let op = op!(Write |s| -> () {
            let found = search::objects(s, &ObjectSearch { objects: vec![uuid(10), uuid(15)], ..ObjectSearch::default() }).await?;
            let seen: Vec<_> = found.objects.iter().map(|one| (one.bucket, one.has_version, one.last_modified_at)).collect();
            assert_eq!(seen, [(uuid(1), true, Some(Timestamp(5))), (uuid(1), true, Some(NOW))]);
            assert_eq!((found.objects[0].object.name.as_str(), found.objects[0].object.path.as_str()), ("b", "dir/b"));
            let rows = files::versions(s, found.objects[0].object.id).await?;
            files::delete_version(s, found.objects[0].object.id, &rows[0]).await?;
            let search = ObjectSearch { objects: vec![uuid(10)], ..ObjectSearch::default() };
            let none = search::objects(s, &search).await?.objects.remove(0);
            assert_eq!((none.has_version, none.last_modified_at), (false, None));
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    /// Counters follow whatever happens to objects and versions.
    async fn counters_are_exact(db: &Db) {
        house(db).await;
        for text in [
            "DELETE FROM outbox",
            "DELETE FROM item WHERE kind = 1 AND name = 'A'",
            "DELETE FROM version WHERE delete_marker",
            "UPDATE version SET is_latest = TRUE WHERE item_id = (SELECT id FROM item WHERE name = 'f')",
            "UPDATE item SET parent_id = (SELECT max(id) FROM item WHERE kind = 2) WHERE name = 'b'",
            "DELETE FROM item WHERE kind = 1 AND name = 'e'",
            "DELETE FROM item WHERE id = (SELECT min(id) FROM item WHERE kind = 2)",
        ] {
            let op = op!(Write |s, text: &'static str| -> () { s.execute(&statement(text), &[]).await.map(drop) });
            db.run(op).await.unwrap();
            let op = op!(Read |s| -> (Vec<Count>, Vec<Count>) {
                let counts = statement("
SELECT bucket_id, state, CAST(sum(objects) AS BIGINT) FROM object_count GROUP BY 1, 2 HAVING sum(objects) <> 0 ORDER BY 1, 2");
                let truth = statement("
SELECT parent_id, CAST(CASE WHEN NOT EXISTS (SELECT 1 FROM version v WHERE v.item_id = item.id AND v.is_latest) THEN 2
    WHEN EXISTS (SELECT 1 FROM version v WHERE v.item_id = item.id AND v.is_latest AND v.delete_marker) THEN 1 ELSE 0 END AS BIGINT), count(*)
FROM item WHERE kind = 1 GROUP BY 1, 2 ORDER BY 1, 2");
                let read: store::Reader<Count> = |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                Ok((s.fetch(&counts, &[], read).await?, s.fetch(&truth, &[], read).await?))
            });
            let (counted, true_ones) = db.run(op).await.unwrap();
            assert_eq!(counted, true_ones, "after {text}");
            assert!(!counted.is_empty());
        }
    }

    /// However much is found, and by however many grants, it is two statements.
    async fn a_search_is_two_statements(db: &Db) {
        let (one, _) = house(db).await;
        let op = op!(Write |s, one: ItemId| -> () {
            let insert = statement("INSERT INTO person (id, uuid, username, created_by, created_at) VALUES (1, $1, '', $1, 0)");
            s.execute(&insert, &[uuid(70).into()]).await?;
            let grant = NewGrant { uuid: uuid(71), principal: Principal::Person(PersonId(1)), code: PermissionCode::Read };
            grants::insert(s, one, &[grant], uuid(9), NOW).await.map(drop)
        });
        db.run(op).await.unwrap();
        let viewer = Viewer { person: PersonId(1), own: true, identity_provider: true, now: NOW };
        let meter = std::sync::Arc::new(store::Meter::default());
        let op = op!(Read |s, viewer: Viewer| -> usize {
            let page = Some(Page { limit: 50, offset: 0 });
            let search = ObjectSearch { restrict: Some(viewer), page, sort: Sort::Name, ..ObjectSearch::default() };
            Ok(search::objects(s, &search).await?.objects.len())
        });
        assert_eq!(db.store.run(op, &meter).await.unwrap(), 6);
        assert_eq!(meter.statements(), 2);
    }
}
