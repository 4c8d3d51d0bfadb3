//! Random worlds from a seed.

use std::collections::BTreeSet;

use access::{Action, GrantKind, ItemKind, PermissionSet, Principal, TokenScope, Window};
use domain::{
    ClassificationId, CollaborationId, GroupId, IdentityProviderId, ItemId, OrganisationId, PersonId, Timestamp,
    TokenId, UnitId,
};

use crate::decision::actions_of;
use crate::world::{Collaboration, Item, Person, Row, Token, World};

/// A reproducible source of choices (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The same seed makes the same choices.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Yes, so many times in a hundred.
    pub const fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of several, none of none.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let place = self.below(from.len().max(1) as u64);
        from.get(usize::try_from(place).ok()?).copied()
    }

    /// Some of several: each with that chance.
    pub fn some<T: Copy + Ord>(&mut self, from: &[T], chance: u64) -> BTreeSet<T> {
        from.iter().copied().filter(|_| self.percent(chance)).collect()
    }

    /// A window around a moment: often unlimited, often with an edge on the very moment.
    pub fn window(&mut self, now: Timestamp) -> Window {
        let edges = [None, None, None, Some(-1), Some(0), Some(1)];
        let edge = |random: &mut Self| Some(Timestamp(now.0 + random.pick(&edges)??));
        Window {
            opens: edge(self),
            closes: edge(self),
        }
    }

    /// What a grant of this kind may be about.
    pub fn actions(&mut self, kind: GrantKind) -> BTreeSet<Action> {
        let sets = PermissionSet::ALL;
        match kind {
            GrantKind::Set if self.percent(30) => BTreeSet::new(),
            GrantKind::Set if self.percent(80) => self.pick(&sets).map(actions_of).unwrap_or_default(),
            _ => {
                let mut actions = self.some(&Action::ALL, 30);
                if actions.is_empty() {
                    actions.insert(Action::Download);
                }
                actions
            }
        }
    }

    /// The scope of something in an organisation with these units; with units never without any.
    fn scope(&mut self, units: &[UnitId]) -> TokenScope {
        let mut some = self.some(units, 50);
        match self.pick(units) {
            Some(unit) if self.percent(75) => {
                some.insert(unit);
                TokenScope::Units(some)
            }
            _ => TokenScope::Organisation,
        }
    }
}

impl World {
    /// A world with `size` items, and people, groups and tokens to go with them. Every reference leads somewhere, ids
    /// start at 1, and windows and classifications are on files only, so that a store can load it as it is.
    pub fn random(seed: u64, size: usize) -> Self {
        let mut random = Random::new(seed);
        let mut world = Self::empty(Timestamp::from_seconds(1_700_000_000));
        world.add_organisations(&mut random);
        world.add_people(&mut random);
        for number in 1..=size {
            world.add_item(&mut random, number);
        }
        let principals: Vec<_> = world.principals().into_iter().collect();
        for _ in 0..size * 2 {
            world.add_grant(&mut random, &principals);
        }
        world
    }

    fn add_organisations(&mut self, random: &mut Random) {
        for organisation in (1..=2).map(OrganisationId) {
            self.organisations.insert(organisation);
            let units: Vec<_> = (1..=3).map(|unit| UnitId(organisation.0 * 10 + unit)).collect();
            self.units.extend(units.iter().map(|unit| (*unit, organisation)));
            for number in 1..=2 {
                let id = CollaborationId(organisation.0 * 10 + number);
                let units = random.some(&units, 45);
                self.collaborations.insert(id, Collaboration { organisation, units });
                self.groups.insert(GroupId(id.0 * 10 + 1), id);
            }
            self.classifications
                .insert(ClassificationId(organisation.0), organisation);
            for number in 1..=2 {
                let mut token = || Token {
                    organisation,
                    scope: random.scope(&units),
                };
                let id = organisation.0 * 10 + number;
                self.tokens.insert(TokenId(id), token());
                self.invitations.insert(id, token());
                self.managers
                    .insert(PersonId(id % 10 + (organisation.0 - 1) * 2), token());
            }
        }
        self.identity_providers.extend([1, 2].map(IdentityProviderId));
    }

    fn add_people(&mut self, random: &mut Random) {
        let collaborations: Vec<_> = self.collaborations.keys().copied().collect();
        let providers: Vec<_> = self.identity_providers.iter().copied().collect();
        let labels: Vec<_> = self.classifications.keys().copied().collect();
        for id in (1..=5).map(PersonId) {
            let member_of = random.some(&collaborations, 40);
            let members: Vec<_> = member_of.iter().copied().collect();
            let groups: Vec<_> = self
                .groups
                .iter()
                .filter(|(_, of)| member_of.contains(of))
                .map(|(group, _)| *group)
                .collect();
            let person = Person {
                groups: random.some(&groups, 60),
                administers: random.some(&members, 40),
                collaborations: member_of,
                identity_providers: random.pick(&providers).into_iter().collect(),
                clearances: random.some(&labels, 50),
            };
            self.people.insert(id, person);
        }
    }

    fn add_item(&mut self, random: &mut Random, number: usize) {
        let id = ItemId(i64::try_from(number).unwrap_or(i64::MAX));
        let folders: Vec<_> = self
            .items
            .iter()
            .filter(|(_, item)| item.kind == ItemKind::Folder)
            .map(|(id, _)| *id)
            .collect();
        // Mostly the newest folder, so that trees become deep.
        let parent = match folders.last() {
            Some(newest) if random.percent(50) => Some(*newest),
            _ if random.percent(85) => random.pick(&folders),
            _ => None,
        };
        let organisations: Vec<_> = self.organisations.iter().copied().collect();
        let taken: Vec<_> = self.items.values().filter_map(|item| item.drive_of).collect();
        let free: Vec<_> = self
            .collaborations
            .keys()
            .copied()
            .filter(|id| !taken.contains(id))
            .collect();
        let drive_of = random.pick(&free).filter(|_| parent.is_none() && random.percent(60));
        let organisation = parent
            .map(|parent| self.items[&parent].organisation)
            .or(drive_of.map(|drive| self.collaborations[&drive].organisation))
            .or(random.pick(&organisations))
            .unwrap_or(OrganisationId(1));
        let kind = if parent.is_some() && random.percent(45) {
            ItemKind::File
        } else {
            ItemKind::Folder
        };
        let people: Vec<_> = self.people.keys().copied().collect();
        let labels: Vec<_> = self.classifications.keys().copied().collect();
        let is_file = kind == ItemKind::File;
        let item = Item {
            kind,
            parent,
            organisation,
            drive_of,
            inherits: parent.is_none() || !random.percent(12),
            owner: random.pick(&people).filter(|_| random.percent(35)),
            disabled: random.percent(3),
            deleted: is_file && random.percent(4),
            recycled: parent.is_some() && random.percent(5),
            share_window: if is_file && random.percent(25) {
                random.window(self.now)
            } else {
                Window::default()
            },
            classification: random.pick(&labels).filter(|_| is_file && random.percent(15)),
        };
        self.items.insert(id, item);
    }

    fn add_grant(&mut self, random: &mut Random, principals: &[Principal]) {
        let items: Vec<_> = self.items.keys().copied().collect();
        let (Some(item), Some(principal)) = (random.pick(&items), random.pick(principals)) else {
            return;
        };
        let kind = if random.percent(65) {
            GrantKind::Set
        } else {
            GrantKind::Add
        };
        let actions = random.actions(kind);
        let window = if random.percent(20) {
            random.window(self.now)
        } else {
            Window::default()
        };
        self.grants.insert((item, principal, kind), Row { actions, window });
    }
}
