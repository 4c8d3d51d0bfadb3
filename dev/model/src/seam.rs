//! Where the model meets the core: facts as the core wants them, and its rows written into the maps.

use access::plan::{Change, Holder, UnitChange, UnitUses};
use access::{Chain, Grant, GrantKind, Node, Principal, Subject, TokenScope};
use domain::ItemId;

use crate::world::{Row, Who, World};

impl World {
    /// The item with its ancestors and all their grants, as a store would load them.
    pub fn chain(&self, item: ItemId) -> Chain {
        let nodes = self.line(item).into_iter().map(|id| self.node(id)).collect();
        Chain::new(nodes).expect("a line has at least the item")
    }

    /// One item with its own grants.
    pub fn node(&self, id: ItemId) -> Node {
        let item = &self.items[&id];
        let drive = item.drive_of.map(|drive| (drive, &self.collaborations[&drive]));
        let grants = self.grants.iter().filter(|((on, _, _), _)| *on == id);
        Node {
            item: id,
            kind: item.kind,
            inherits: item.inherits,
            owner: item.owner,
            disabled: item.disabled,
            deleted: item.deleted,
            recycled: item.recycled,
            share_window: item.share_window,
            classification: item.classification,
            collaboration: drive.map(|(id, drive)| (id, drive.organisation)),
            units: drive.map_or(Vec::new(), |(_, drive)| drive.units.iter().copied().collect()),
            grants: grants
                .map(|((_, principal, kind), row)| Grant {
                    principal: *principal,
                    actions: row.actions.iter().copied().collect(),
                    kind: *kind,
                    window: row.window,
                })
                .collect(),
        }
    }

    /// Somebody as a subject.
    pub fn subject(&self, who: Who) -> Subject {
        match who {
            Who::Anonymous => Subject::anonymous(),
            Who::Superuser => Subject::superuser(),
            Who::Person(person) => Subject::person(
                person,
                self.principals_of(who),
                self.people[&person].clearances.iter().copied(),
            ),
            Who::Token(token) => {
                let token = &self.tokens[&token];
                Subject::token(token.organisation, token.scope.clone())
            }
        }
    }

    /// The chains of everything below the item that carries a removal.
    pub fn removals_below(&self, item: ItemId) -> Vec<Chain> {
        let carries = |id: &ItemId| {
            self.grants
                .iter()
                .any(|((on, _, kind), row)| on == id && *kind == GrantKind::Set && row.actions.is_empty())
        };
        let below = self.tree(item).into_iter().filter(|id| *id != item);
        below.filter(carries).map(|id| self.chain(id)).collect()
    }

    /// Writes the rows of a plan.
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match *change {
                Change::Put {
                    item,
                    principal,
                    kind,
                    actions,
                    window,
                } => {
                    let actions = actions.iter().collect();
                    self.grants.insert((item, principal, kind), Row { actions, window });
                }
                Change::Delete { item, principal, kind } => {
                    self.grants.remove(&(item, principal, kind));
                }
                Change::ClearBelow { item, principal } => self.clear_below(item, principal),
                Change::SetParent { item, parent } => self.change(item).parent = Some(parent),
                Change::SetOwner { item, owner } => self.change(item).owner = Some(owner),
                Change::Restore { item } => self.change(item).recycled = false,
            }
        }
    }

    fn clear_below(&mut self, item: ItemId, principal: Option<Principal>) {
        let mut below = self.tree(item);
        below.remove(&item);
        self.grants
            .retain(|(on, whose, _), _| !below.contains(on) || principal.is_some_and(|only| only != *whose));
    }

    /// Everything that may refer to a unit, as the core wants it.
    pub fn unit_uses(&self) -> UnitUses {
        let tokens = self.tokens.iter().map(|(id, token)| (Holder::Token(*id), token));
        let managers = self.managers.iter().map(|(id, token)| (Holder::Manager(*id), token));
        let invitations = self
            .invitations
            .iter()
            .map(|(id, token)| (Holder::Invitation(*id), token));
        UnitUses {
            scopes: tokens
                .chain(managers)
                .chain(invitations)
                .map(|(holder, token)| (holder, token.scope.clone()))
                .collect(),
            collaborations: self
                .collaborations
                .iter()
                .map(|(id, collaboration)| (*id, collaboration.units.clone()))
                .collect(),
        }
    }

    /// Writes what follows from the end of a unit, apart from the unit itself.
    pub fn apply_to_units(&mut self, changes: &[UnitChange]) {
        for change in changes {
            match change {
                UnitChange::Narrow { holder, units } => {
                    let token = match holder {
                        Holder::Token(id) => self.tokens.get_mut(id),
                        Holder::Manager(id) => self.managers.get_mut(id),
                        Holder::Invitation(id) => self.invitations.get_mut(id),
                    };
                    token.expect("the holder exists").scope = TokenScope::Units(units.clone());
                }
                UnitChange::End { holder } => {
                    let ended = match holder {
                        Holder::Token(id) => self.tokens.remove(id),
                        Holder::Manager(id) => self.managers.remove(id),
                        Holder::Invitation(id) => self.invitations.remove(id),
                    };
                    ended.expect("the holder exists");
                }
                UnitChange::Release {
                    collaboration, units, ..
                } => {
                    let released = self.collaborations.get_mut(collaboration);
                    released.expect("the collaboration exists").units.clone_from(units);
                }
            }
        }
    }
}
