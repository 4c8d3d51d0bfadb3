//! The facts that a database gives lead to the decisions of the model.

use std::collections::BTreeSet;

use access::{Action, Actions, GrantKind, ItemKind, PermissionCode, Principal, Subject, Window};
use domain::{ItemId, PersonId, Timestamp};
use model::{Random, Row, Who, World};
use store::{Session, StoreError, Value, access_facts, stamps::SYSTEM};
use uuid::Uuid;

use crate::harness::{Db, both, op, statement, unique, uuid, variable};

/// Items in a world, people ask about each of them.
const SIZE: usize = 40;

/// A world with what only a database has.
#[derive(Clone)]
pub(crate) struct Stored {
    world: World,
    /// Items with the flag `public`.
    public: BTreeSet<ItemId>,
    /// People whose account is disabled.
    inactive: BTreeSet<PersonId>,
    random: Random,
}

impl Stored {
    fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut world = World::random(random.next(), SIZE);
        for person in world.people.values_mut() {
            // A person signs in through one provider.
            let one = person.identity_providers.iter().next().copied();
            person.identity_providers = one.into_iter().collect();
        }
        // What is deleted has no row.
        for item in world.items.values_mut() {
            item.deleted = false;
        }
        let mut public = BTreeSet::new();
        for item in world.items.keys().copied().collect::<Vec<_>>() {
            let key = (item, Principal::Anyone, GrantKind::Add);
            // The flag is a grant of READ to anyone (objects contract 3.2).
            if !world.grants.contains_key(&key) && random.percent(10) {
                public.insert(item);
                let actions = PermissionCode::Read.actions().iter().collect();
                world.grants.insert(
                    key,
                    Row {
                        actions,
                        window: Window::ALWAYS,
                    },
                );
            }
        }
        let people: Vec<_> = world.people.keys().copied().collect();
        let inactive = random.some(&people, 20);
        Self {
            world,
            public,
            inactive,
            random,
        }
    }

    /// A world as it is, without what only a database has.
    pub(crate) fn of(world: World, seed: u64) -> Self {
        Self {
            world,
            public: BTreeSet::new(),
            inactive: BTreeSet::new(),
            random: Random::new(seed),
        }
    }

    pub(crate) async fn save<S: Session>(mut self, s: &mut S) -> Result<(), StoreError> {
        for table in [
            "access_grant",
            "item",
            "collaboration",
            "organisation",
            "clearance",
            "person",
            "identity_provider",
        ] {
            s.execute(&statement(&format!("DELETE FROM {table}")), &[]).await?;
        }
        self.save_people(s).await?;
        self.save_memberships(s).await?;
        self.save_items(s).await?;
        self.save_grants(s).await
    }

    async fn save_people<S: Session>(&self, s: &mut S) -> Result<(), StoreError> {
        let insert =
            statement("INSERT INTO identity_provider (id, name, created_by, created_at) VALUES ($1, $2, $3, 0)");
        for provider in &self.world.identity_providers {
            let name = format!("idp{provider}");
            s.execute(&insert, &[(*provider).into(), (&name).into(), SYSTEM.into()])
                .await?;
        }
        let insert = statement(
            "INSERT INTO person (id, uuid, username, identity_provider, active, created_by, created_at)
             VALUES ($1, $2, '', $3, $4, $2, 0)",
        );
        let cleared = statement("INSERT INTO clearance (person_id, classification_id) VALUES ($1, $2)");
        for (id, person) in &self.world.people {
            let provider = person.identity_providers.iter().next().copied();
            let active = !self.inactive.contains(id);
            s.execute(
                &insert,
                &[(*id).into(), uuid_of(id.0).into(), provider.into(), active.into()],
            )
            .await?;
            for label in &person.clearances {
                s.execute(&cleared, &[(*id).into(), label.0.into()]).await?;
            }
        }
        Ok(())
    }

    async fn save_memberships<S: Session>(&mut self, s: &mut S) -> Result<(), StoreError> {
        let insert = statement(
            "INSERT INTO organisation (id, uuid, short_name, name, created_by, created_at) VALUES ($1, $2, $3, '', $2, 0)",
        );
        for organisation in &self.world.organisations {
            let name = organisation.to_string();
            s.execute(
                &insert,
                &[(*organisation).into(), uuid_of(organisation.0).into(), (&name).into()],
            )
            .await?;
        }
        let insert = statement(
            "INSERT INTO collaboration (id, uuid, organisation_id, short_name, name, created_at)
             VALUES ($1, $2, $3, $4, '', 0)",
        );
        for (id, collaboration) in &self.world.collaborations {
            let name = id.to_string();
            let values = [
                (*id).into(),
                uuid_of(id.0).into(),
                collaboration.organisation.into(),
                (&name).into(),
            ];
            s.execute(&insert, &values).await?;
        }
        let insert = statement(
            "INSERT INTO collaboration_group (id, uuid, collaboration_id, short_name, name, created_at)
             VALUES ($1, $2, $3, $4, '', 0)",
        );
        for (group, collaboration) in &self.world.groups {
            let name = group.to_string();
            let values = [
                (*group).into(),
                uuid_of(group.0).into(),
                (*collaboration).into(),
                (&name).into(),
            ];
            s.execute(&insert, &values).await?;
        }
        let member = statement(
            "INSERT INTO collaboration_membership (collaboration_id, person_id, role, expires_at, created_at)
             VALUES ($1, $2, $3, $4, 0)",
        );
        let in_group = statement(
            "INSERT INTO group_membership (group_id, collaboration_id, person_id, created_at) VALUES ($1, $2, $3, 0)",
        );
        let now = self.world.now.0;
        for (id, person) in &self.world.people {
            for collaboration in self.world.collaborations.keys() {
                let belongs = person.collaborations.contains(collaboration);
                let expires = if belongs {
                    self.random.pick(&[None, Some(now + 1), Some(i64::MAX)])
                } else if self.random.percent(50) {
                    self.random.pick(&[Some(now), Some(now - 1), Some(i64::MIN)])
                } else {
                    continue;
                };
                // A membership that has expired counts for nothing, whatever it was.
                let administers = person.administers.contains(collaboration) || (!belongs && self.random.percent(50));
                let role = if administers { "admin" } else { "member" };
                let values = [
                    (*collaboration).into(),
                    (*id).into(),
                    role.into(),
                    expires.flatten().into(),
                ];
                s.execute(&member, &values).await?;
                for (group, of) in &self.world.groups {
                    if of == collaboration && (person.groups.contains(group) || !belongs) {
                        s.execute(&in_group, &[(*group).into(), (*of).into(), (*id).into()])
                            .await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn save_items<S: Session>(&self, s: &mut S) -> Result<(), StoreError> {
        let insert = statement(
            "INSERT INTO item (id, uuid, parent_id, kind, name, inherits, owner_id, public, disabled_at, recycled_at,
                 opens_at, closes_at, classification_id, created_by, created_at)
             VALUES ($1, $2, $3, $4, '', $5, $6, $7, $8, $9, $10, $11, $12, $2, 0)",
        );
        for (id, item) in &self.world.items {
            let kind: i64 = if item.kind == ItemKind::File { 1 } else { 2 };
            let moment = |happened: bool| Value::from(happened.then_some(Timestamp(1)));
            let values = [
                (*id).into(),
                uuid_of(id.0).into(),
                item.parent.into(),
                kind.into(),
                item.inherits.into(),
                item.owner.into(),
                self.public.contains(id).into(),
                moment(item.disabled),
                moment(item.recycled),
                item.share_window.opens.into(),
                item.share_window.closes.into(),
                item.classification.map(|label| label.0).into(),
            ];
            s.execute(&insert, &values).await?;
        }
        Ok(())
    }

    async fn save_grants<S: Session>(&mut self, s: &mut S) -> Result<(), StoreError> {
        let insert = statement(
            "INSERT INTO access_grant (uuid, item_id, principal_kind, principal_id, kind, code, actions, opens_at,
                 closes_at, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $1, 0)",
        );
        let mut number = 0;
        for ((item, principal, kind), row) in &self.world.grants {
            if self.public.contains(item) && *principal == Principal::Anyone && *kind == GrantKind::Add {
                continue;
            }
            let mut parts = vec![Actions::default(); 1];
            if *kind == GrantKind::Add {
                // As the objects API keeps them: several rows, one for each code.
                parts = vec![Actions::default(); 1 + usize::try_from(self.random.below(3)).unwrap()];
            }
            for action in &row.actions {
                let place = usize::try_from(self.random.below(parts.len() as u64)).unwrap();
                parts[place] |= (*action).into();
            }
            for (code, actions) in parts.into_iter().enumerate() {
                number += 1;
                let (principal_kind, principal_id) = principal.to_row();
                let values = [
                    uuid_of(number).into(),
                    (*item).into(),
                    principal_kind.into(),
                    principal_id.into(),
                    kind.id().into(),
                    i64::try_from(code).unwrap().into(),
                    i64::from(actions.bits()).into(),
                    row.window.opens.into(),
                    row.window.closes.into(),
                ];
                s.execute(&insert, &values).await?;
            }
        }
        Ok(())
    }
}

pub(crate) fn uuid_of(number: i64) -> Uuid {
    uuid(u128::from(number.unsigned_abs()))
}

type Answer = (Who, ItemId, Actions, bool, usize);

/// What the facts of the database lead to, for everybody and every item.
async fn answers<S: Session>(s: &mut S, world: &World) -> Result<Vec<Answer>, StoreError> {
    let mut answers = Vec::new();
    for item in world.items.keys() {
        for who in world.everybody() {
            let person = match who {
                Who::Person(person) => Some(person),
                Who::Anonymous | Who::Superuser => None,
                // What a token covers is no fact about a person.
                Who::Token(_) => continue,
            };
            let facts = access_facts::load(s, uuid_of(item.0), person, world.now)
                .await?
                .expect("the item exists");
            let subject = if who == Who::Superuser {
                Subject::superuser()
            } else {
                facts.subject
            };
            let actions = access::actions(&subject, &facts.chain, world.now);
            answers.push((who, *item, actions, facts.active, facts.chain.nodes().count()));
        }
    }
    Ok(answers)
}

/// What is said about the roots all at once: who may do what with which.
async fn about_roots<S: Session>(s: &mut S, world: &World) -> Result<Vec<(Who, ItemId, Actions)>, StoreError> {
    let all: Vec<Uuid> = world.items.keys().map(|item| uuid_of(item.0)).collect();
    let mut answers = Vec::new();
    for who in world.everybody() {
        let Who::Person(person) = who else { continue };
        let facts = access_facts::load_roots(s, &all, Some(person), world.now).await?;
        for chain in &facts.chains {
            let actions = access::actions(&facts.subject, chain, world.now);
            answers.push((who, chain.item().item, actions));
        }
    }
    Ok(answers)
}

async fn compare(db: &Db, seed: u64, worlds: u64) -> usize {
    let mut pairs = 0;
    for number in 0..worlds {
        let stored = Stored::random(seed.wrapping_add(number));
        let (saved, world) = (stored.clone(), stored.world.clone());
        db.run(op!(Write |s, saved: Stored| -> () { saved.save(s).await }))
            .await
            .unwrap();
        let answers = db
            .run(op!(Read |s, world: World| -> Vec<Answer> { answers(s, &world).await }))
            .await
            .unwrap();
        let world = stored.world.clone();
        let at_once = db
            .run(op!(Read |s, world: World| -> Vec<(Who, ItemId, Actions)> { about_roots(s, &world).await }))
            .await
            .unwrap();
        assert!(!at_once.is_empty());
        for (who, item, actions) in at_once {
            assert_eq!(stored.world.line(item).len(), 1, "item {item} is a root");
            let found: BTreeSet<Action> = actions.iter().collect();
            assert_eq!(found, stored.world.allowed(who, item), "{who:?} on root {item}");
            pairs += 1;
        }
        for (who, item, actions, active, depth) in answers {
            let expected: BTreeSet<Action> = stored.world.allowed(who, item);
            let found: BTreeSet<Action> = actions.iter().collect();
            assert_eq!(
                found,
                expected,
                "COMMONHOLD_SEED={seed} world {number}: {who:?} on item {item} of\n{:#?}",
                stored.world.line(item)
            );
            let disabled = matches!(who, Who::Person(person) if stored.inactive.contains(&person));
            assert_eq!(active, !disabled, "{who:?}");
            assert_eq!(depth, stored.world.line(item).len());
            pairs += 1;
        }
    }
    pairs
}

both! {
    async fn the_database_and_the_model_agree(db: &Db) {
        let seed = variable("COMMONHOLD_SEED").and_then(|seed| seed.parse().ok()).unwrap_or_else(|| unique() >> 16);
        let worlds = if db.store.engine() == "sqlite" { 40 } else { 6 };
        let pairs = compare(db, seed, worlds).await;
        println!("COMMONHOLD_SEED={seed}: {pairs} decisions agree on {}", db.store.engine());
        assert!(pairs > 1_000);
    }

    async fn an_item_that_does_not_exist_has_no_facts(db: &Db) {
        let op = op!(Point |s| -> () {
            for person in [None, Some(PersonId(1))] {
                assert!(access_facts::load(s, uuid(1), person, Timestamp(0)).await?.is_none());
            }
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    /// The facts of a decision cost one statement, whatever the depth.
    async fn facts_are_one_statement(db: &Db) {
        let stored = Stored::random(7);
        let deepest = stored.world.items.keys().copied().max_by_key(|item| stored.world.line(*item).len()).unwrap();
        db.run(op!(Write |s, stored: Stored| -> () { stored.save(s).await })).await.unwrap();
        let meter = std::sync::Arc::new(store::Meter::default());
        let op = op!(Point |s, deepest: ItemId| -> usize {
            let facts = access_facts::load(s, uuid_of(deepest.0), Some(PersonId(1)), Timestamp(0)).await?;
            Ok(facts.expect("it exists").chain.nodes().count())
        });
        assert!(db.store.run(op, &meter).await.unwrap() > 2);
        assert_eq!(meter.statements(), 1);
    }
}
