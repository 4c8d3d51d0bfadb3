//! Every question is put to the core and to the model, and every change is made by both.

use std::collections::BTreeSet;

use access::plan::{self, Ceiling, Change, Collaborator, Plan, Refused, Replaces};
use access::{Action, Actions, Principal, Step, Window};
use domain::{ItemId, PersonId, UnitId};
use model::{Refusal, Wanted, Who, World};

pub(crate) type Outcome = Result<Plan, Refused>;

/// A world that only changes when core and model agree how.
pub(crate) struct Both {
    pub(crate) world: World,
}

impl Both {
    pub(crate) fn share(&mut self, by: Who, item: ItemId, list: &[Wanted], replaces: Replaces) -> Outcome {
        let (subject, chain) = (self.world.subject(by), self.world.chain(item));
        let core = plan::share(&subject, &chain, &collaborators(list), replaces, self.world.now);
        let naive = self.world.share(by, item, list, replaces == Replaces::Persons);
        self.settle(core, naive)
    }

    pub(crate) fn share_also(&mut self, by: Who, item: ItemId, list: &[Wanted]) -> Outcome {
        let (subject, chain) = (self.world.subject(by), self.world.chain(item));
        let core = plan::share_also(&subject, &chain, &collaborators(list), self.world.now);
        let naive = self.world.share_also(by, item, list);
        self.settle(core, naive)
    }

    pub(crate) fn remove(&mut self, by: Who, item: ItemId, principal: Principal) -> Outcome {
        let (subject, chain) = (self.world.subject(by), self.world.chain(item));
        let core = plan::remove(&subject, &chain, principal, self.world.now);
        let naive = self.world.remove(by, item, principal);
        self.settle(core, naive)
    }

    pub(crate) fn unshare(&mut self, by: Who, item: ItemId) -> Outcome {
        let core = plan::unshare(&self.world.subject(by), &self.world.chain(item), self.world.now);
        let naive = self.world.unshare(by, item);
        self.settle(core, naive)
    }

    pub(crate) fn leave(&mut self, by: Who, item: ItemId) -> Outcome {
        let core = plan::leave(&self.world.subject(by), &self.world.chain(item), self.world.now);
        let naive = self.world.leave(by, item);
        self.settle(core, naive)
    }

    pub(crate) fn relocate(&mut self, by: Who, item: ItemId, to: ItemId) -> Outcome {
        let (subject, chain, to_chain) = (self.world.subject(by), self.world.chain(item), self.world.chain(to));
        let below = self.world.removals_below(item);
        let core = plan::relocate(&subject, &chain, &to_chain, &below, self.world.now);
        let naive = self.world.relocate(by, item, to);
        self.settle(core, naive)
    }

    pub(crate) fn restore(&mut self, by: Who, item: ItemId, to: Option<ItemId>) -> Outcome {
        let (subject, chain) = (self.world.subject(by), self.world.chain(item));
        let to_chain = to.map(|to| self.world.chain(to));
        let below = self.world.removals_below(item);
        let core = plan::restore(&subject, &chain, to_chain.as_ref(), &below, self.world.now);
        let naive = self.world.restore(by, item, to);
        self.settle(core, naive)
    }

    pub(crate) fn transfer(&mut self, from: PersonId, to: PersonId) -> Outcome {
        let nodes: Vec<_> = self.world.items.keys().map(|id| self.world.node(*id)).collect();
        let core = plan::transfer(from, to, &nodes);
        let naive = self.world.transfer(from, to);
        self.settle(Ok(core), Ok(naive))
    }

    pub(crate) fn give(
        &mut self,
        by: Who,
        item: ItemId,
        (principal, actions, window): (Principal, &BTreeSet<Action>, Option<Window>),
        ceiling: Ceiling,
    ) -> Outcome {
        let (subject, chain) = (self.world.subject(by), self.world.chain(item));
        let bits: Actions = actions.iter().copied().collect();
        let core = plan::give(&subject, &chain, (principal, bits, window), ceiling, self.world.now);
        let only_held = ceiling == Ceiling::Held;
        let naive = self.world.give(by, item, (principal, actions, window), only_held);
        self.settle(core, naive)
    }

    pub(crate) fn take(&mut self, by: Who, item: ItemId, principal: Principal, actions: &BTreeSet<Action>) -> Outcome {
        let (subject, chain) = (self.world.subject(by), self.world.chain(item));
        let bits = actions.iter().copied().collect();
        let core = plan::take(&subject, &chain, principal, bits, self.world.now);
        let naive = self.world.take(by, item, principal, actions);
        self.settle(core, naive)
    }

    /// Ends a unit, and checks that nobody reaches more than before except where the plan says so.
    pub(crate) fn end_unit(&mut self, unit: UnitId) {
        let uses = self.world.unit_uses();
        let changes = plan::end_unit(unit, &uses);
        let before = self.world.clone();
        let mut core = self.world.clone();
        core.apply_to_units(&changes);
        core.units.remove(&unit);
        self.world = self.world.end_unit(unit);
        assert_eq!(core, self.world, "ending {unit:?}: {changes:?}");
        let announced: BTreeSet<_> = changes
            .iter()
            .filter_map(|change| match change {
                plan::UnitChange::Release {
                    collaboration,
                    newly_covered_by,
                    ..
                } => Some(newly_covered_by.iter().map(|holder| (*holder, *collaboration))),
                _ => None,
            })
            .flatten()
            .collect();
        let mut widened = BTreeSet::new();
        let scopes = [
            self.world
                .tokens
                .iter()
                .map(|(id, after)| (plan::Holder::Token(*id), &before.tokens[id], after))
                .collect::<Vec<_>>(),
            self.world
                .managers
                .iter()
                .map(|(id, after)| (plan::Holder::Manager(*id), &before.managers[id], after))
                .collect(),
            self.world
                .invitations
                .iter()
                .map(|(id, after)| (plan::Holder::Invitation(*id), &before.invitations[id], after))
                .collect(),
        ];
        for (holder, token_before, token_after) in scopes.into_iter().flatten() {
            for collaboration in self.world.collaborations.keys() {
                if self.world.covers(token_after, *collaboration) && !before.covers(token_before, *collaboration) {
                    widened.insert((holder, *collaboration));
                }
            }
        }
        assert_eq!(announced, widened, "ending {unit:?}");
    }

    /// Agreement, or a failed test; the world moves on if both agree to.
    fn settle(&mut self, core: Outcome, naive: Result<World, Refusal>) -> Outcome {
        match (&core, naive) {
            (Err(_), Err(Refusal)) => {}
            (Ok(plan), Ok(naive)) => {
                self.check_rows(plan);
                let mut changed = self.world.clone();
                changed.apply(&plan.changes);
                assert_eq!(changed, naive, "the plan writes something else: {plan:#?}");
                self.world = naive;
            }
            (core, naive) => panic!("core: {core:?}\nmodel: {:?}", naive.map(drop)),
        }
        core
    }

    /// Nothing is written that is so already, and nothing twice.
    fn check_rows(&self, plan: &Plan) {
        let mut touched = BTreeSet::new();
        for change in &plan.changes {
            let key = match *change {
                Change::Put {
                    item,
                    principal,
                    kind,
                    actions,
                    window,
                } => {
                    let row = self.world.grants.get(&(item, principal, kind));
                    let same = row.is_some_and(|row| {
                        row.window == window && row.actions.iter().copied().collect::<Actions>() == actions
                    });
                    assert!(!same, "written again: {change:?}");
                    (item, principal, kind)
                }
                Change::Delete { item, principal, kind } => {
                    let key = (item, principal, kind);
                    assert!(self.world.grants.contains_key(&key), "not there: {change:?}");
                    key
                }
                _ => continue,
            };
            assert!(touched.insert(key), "touched twice: {change:?}");
        }
    }
}

fn collaborators(list: &[Wanted]) -> Vec<Collaborator> {
    list.iter()
        .map(|wanted| Collaborator {
            principal: wanted.principal,
            set: wanted.set,
            window: wanted.window,
        })
        .collect()
}

/// Compares every decision about every item for everybody; gives how many there were.
pub(crate) fn compare(world: &World) -> u64 {
    let mut decisions = 0;
    let everybody = world.everybody();
    let subjects: Vec<_> = everybody.iter().map(|who| (*who, world.subject(*who))).collect();
    for item in world.items.keys().copied() {
        let chain = world.chain(item);
        for (who, subject) in &subjects {
            let core = access::decide(subject, &chain, world.now);
            let naive: Actions = world.allowed(*who, item).into_iter().collect();
            assert_eq!(core.actions, naive, "{who:?} on {item:?} of {world:#?}");
            assert_eq!(
                core.is_visible(),
                world.sees(*who, item),
                "{who:?} sees {item:?} of {world:#?}"
            );
            let in_bin = access::sees_in_bin(subject, &chain);
            assert_eq!(
                in_bin,
                world.finds_in_bin(*who, item),
                "{who:?} finds {item:?} of {world:#?}"
            );
            decisions += 1;
        }
    }
    decisions
}

/// Checks that the explanations of every action say what was decided, for one subject.
pub(crate) fn check_explanations(world: &World, who: Who, item: ItemId) {
    let (subject, chain) = (world.subject(who), world.chain(item));
    let allowed = world.allowed(who, item);
    for action in Action::ALL {
        let told = access::explain(&subject, action, &chain, world.now);
        assert_eq!(told.allowed, allowed.contains(&action), "{told}");
        let gives = |step: &Step| match step {
            Step::Superuser | Step::Owner(..) | Step::Covered(_) => true,
            Step::Grant { decides, .. } => *decides,
            _ => false,
        };
        let content = [Action::View, Action::Print, Action::Download].contains(&action);
        let takes = |step: &Step| match step {
            Step::Meaningless(_) => true,
            Step::OutsideShareWindow(_) => content,
            _ => false,
        };
        let concluded = told.steps.iter().any(gives) && !told.steps.iter().any(takes);
        assert_eq!(concluded, told.allowed, "the steps say otherwise: {told}");
        assert!(!told.steps.is_empty(), "{told}");
    }
}
