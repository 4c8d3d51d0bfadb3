//! The rules of the sharing contract about mutations (2.3 I1–I11, 2.4 M1–M23, 2.6 V1–V6, 3 P1–P18) that the worked
//! examples leave open, by core and model.

use std::collections::BTreeSet;

use access::plan::{self, Ceiling, Refused, Replaces};
use access::{Action, Actions, GrantKind, ItemKind, PermissionSet, Principal, Window};
use domain::{ClassificationId, CollaborationId, GroupId, ItemId, OrganisationId, Timestamp};
use model::{Collaboration, Row, Wanted, Who};

use crate::both::{Both, compare};
use crate::tree::{A, B, C, D, DRIVE, F1, F2, MA, MO, O, U, V, X, Y, Z, item, tree};

fn shared(set: PermissionSet) -> Both {
    let mut tree = tree();
    tree.put(O, A, &[(X, set)]).unwrap();
    tree
}

fn person(person: domain::PersonId, set: PermissionSet) -> Wanted {
    Wanted {
        principal: Principal::Person(person),
        set,
        window: None,
    }
}

fn record(tree: &Both, item: ItemId, principal: Principal) -> Option<&Row> {
    tree.world.grants.get(&(item, principal, GrantKind::Set))
}

fn is_tombstone(tree: &Both, item: ItemId) -> bool {
    record(tree, item, Principal::Person(X)).is_some_and(|row| row.actions.is_empty())
}

#[test]
fn i1_i2_the_nearest_decision_wins_weaker_or_stronger() {
    for (above, below) in [(MA, V), (V, MA)] {
        let mut tree = shared(above);
        tree.put(O, B, &[(X, below)]).unwrap();
        let extra = if above == MA {
            Actions::REMOVE_FILE | Actions::REMOVE_FOLDER
        } else {
            Actions::NONE
        };
        tree.has_exactly(X, B, below.actions() | extra);
        tree.has_exactly(X, F1, below.actions() | extra);
        tree.has(X, A, above);
    }
}

#[test]
fn i5_others_on_the_item_follow_the_ancestors() {
    let mut tree = tree();
    tree.put(O, A, &[(X, D), (Y, D)]).unwrap();
    tree.put(O, B, &[(X, V), (Y, D)]).unwrap();
    tree.put(O, A, &[(X, MA), (Y, U)]).unwrap();
    tree.has(Y, B, U);
}

#[test]
fn i7_a_removal_stays_when_the_person_comes_back_above() {
    let mut tree = shared(D);
    tree.put(O, B, &[]).unwrap();
    tree.put(O, A, &[]).unwrap();
    tree.put(O, A, &[(X, MA)]).unwrap();
    tree.has(X, A, MA);
    tree.has(X, B, None);
}

#[test]
fn i10_the_right_to_remove_does_not_survive_a_removal() {
    let mut tree = shared(MO);
    tree.put(O, B, &[]).unwrap();
    tree.put(O, F1, &[(X, V)]).unwrap();
    tree.has(X, F1, V);
}

#[test]
fn i11_a_recycled_folder_takes_along_what_somebody_was_removed_from() {
    let mut tree = shared(D);
    tree.put(O, F1, &[]).unwrap();
    tree.world.items.get_mut(&A).unwrap().recycled = true;
    assert!(access::sees_in_bin(
        &tree.world.subject(Who::Person(O)),
        &tree.world.chain(F1)
    ));
}

#[test]
fn m1_what_is_inherited_already_stays_implicit() {
    let mut tree = shared(D);
    let plan = tree.put(O, B, &[(X, D)]).unwrap();
    assert!(plan.is_empty() && plan.notify.is_empty());
    tree.put(O, A, &[(X, U)]).unwrap();
    tree.has(X, B, U);
}

#[test]
fn m2_m3_a_change_or_an_addition_is_a_record_on_the_item() {
    let mut tree = shared(D);
    let plan = tree.put(O, B, &[(X, V), (Y, V)]).unwrap();
    assert!(tree.is_explicit(X, B) && tree.is_explicit(Y, B));
    assert_eq!(plan.notify, [Principal::Person(Y)]);
}

#[test]
fn m4_who_had_only_a_record_leaves_none() {
    let mut tree = shared(D);
    tree.put(O, A, &[]).unwrap();
    assert!(tree.world.grants.is_empty());
}

#[test]
fn m5_m6_who_is_let_in_from_above_leaves_a_removal() {
    let mut tree = shared(D);
    tree.put(O, B, &[]).unwrap();
    assert!(is_tombstone(&tree, B));
    let mut tree = shared(D);
    tree.put(O, B, &[(X, V)]).unwrap();
    tree.put(O, B, &[]).unwrap();
    assert!(is_tombstone(&tree, B));
    tree.has(X, B, None);
}

#[test]
fn m9_removing_above_leaves_records_below() {
    let mut tree = shared(D);
    tree.put(O, F1, &[(X, U)]).unwrap();
    tree.put(O, B, &[]).unwrap();
    tree.has(X, B, None);
    tree.has(X, F1, U);
}

#[test]
fn m10_unsharing_removes_whom_an_ancestor_lets_in() {
    let mut tree = shared(D);
    tree.put(O, F1, &[(X, U), (Y, V)]).unwrap();
    tree.unshare(Who::Person(O), B).unwrap();
    for person in [X, Y] {
        tree.has(person, B, None);
        tree.has(person, F1, None);
    }
    tree.has(X, A, D);
    tree.has_exactly(O, F1, Actions::ALL);
    assert!(is_tombstone(&tree, B));
}

#[test]
fn m11_leaving_clears_the_subtree_and_nobody_elses_records() {
    let mut tree = shared(D);
    tree.put(O, F1, &[(X, U), (Y, V)]).unwrap();
    tree.leave(Who::Person(X), A).unwrap();
    assert!([A, B, F1, F2].iter().all(|item| !tree.is_explicit(X, *item)));
    tree.has(Y, F1, V);
}

#[test]
fn m11_who_leaves_keeps_a_groups_access_and_is_told() {
    let mut tree = shared(D);
    let group = GroupId(1);
    tree.world.groups.insert(group, CollaborationId(1));
    tree.world.collaborations.insert(
        CollaborationId(1),
        Collaboration {
            organisation: OrganisationId(1),
            units: BTreeSet::new(),
        },
    );
    tree.world.people.get_mut(&X).unwrap().groups.insert(group);
    let members = Wanted {
        principal: Principal::Group(group),
        set: V,
        window: None,
    };
    tree.share_also(Who::Person(O), A, &[members]).unwrap();
    let plan = tree.leave(Who::Person(X), B).unwrap();
    assert_eq!(plan.keeps_through, [Principal::Group(group)]);
    tree.has(X, B, V);
    let told = access::explain(
        &tree.world.subject(Who::Person(X)),
        Action::View,
        &tree.world.chain(F1),
        tree.world.now,
    );
    assert_eq!(
        told.to_string(),
        "View on item 4: allowed\n  \
         item 3 removes person 2: nothing from above counts\n  \
         item 2 sets View for group 1: this gives it\n  \
         warning: person 2 is removed by name on item 3 and keeps the access of group 1: View"
    );
}

#[test]
fn leaving_is_for_persons_who_see_it_and_do_not_own_it() {
    let mut tree = shared(D);
    assert_eq!(tree.leave(Who::Person(O), A), Err(Refused::Owner(O)));
    assert!(matches!(tree.leave(Who::Person(Z), A), Err(Refused::Denied(_))));
    assert!(matches!(tree.leave(Who::Superuser, A), Err(Refused::Denied(_))));
}

#[test]
fn m12_records_travel_with_a_moved_folder() {
    let mut tree = shared(D);
    tree.put(O, F1, &[(X, D), (Y, V)]).unwrap();
    tree.relocate(Who::Person(O), B, C).unwrap();
    tree.has(Y, F1, V);
    tree.has(X, F1, None);
    tree.has(X, B, None);
}

#[test]
fn m13_at_the_root_only_records_of_its_own_remain() {
    let mut tree = shared(D);
    tree.put(O, B, &[(X, D), (Y, V)]).unwrap();
    tree.relocate(Who::Person(O), B, DRIVE).unwrap();
    tree.has(Y, F1, V);
    tree.has(X, F1, None);
}

#[test]
fn m14_a_removal_with_nothing_left_to_remove_is_dropped() {
    let mut tree = shared(D);
    tree.put(O, F1, &[]).unwrap();
    tree.put(O, B, &[]).unwrap();
    assert!(is_tombstone(&tree, F1) && is_tombstone(&tree, B));
    tree.relocate(Who::Person(O), B, C).unwrap();
    assert!(!is_tombstone(&tree, F1) && !is_tombstone(&tree, B));
    tree.put(O, C, &[(X, V)]).unwrap();
    tree.has(X, F1, V);
}

#[test]
fn m14_a_removal_stays_while_an_ancestor_gives_access() {
    let mut tree = shared(D);
    tree.put(O, F2, &[]).unwrap();
    tree.relocate(Who::Person(O), F2, B).unwrap();
    assert!(is_tombstone(&tree, F2));
    tree.has(X, F2, None);
}

#[test]
fn m15_a_new_item_in_a_shared_folder_is_reachable_at_once() {
    let mut tree = shared(D);
    let new = ItemId(9);
    tree.world.items.insert(new, item(ItemKind::Folder, Some(B), Some(O)));
    tree.has(X, new, D);
}

#[test]
fn m16_a_new_item_with_collaborators_removes_nobody() {
    let mut tree = shared(D);
    let new = ItemId(9);
    tree.world.items.insert(new, item(ItemKind::File, Some(B), Some(O)));
    let plan = tree.share_also(Who::Person(O), new, &[person(Y, V)]).unwrap();
    assert_eq!(plan.changes.len(), 1);
    tree.has(X, new, D);
    tree.has(Y, new, V);
}

#[test]
fn m17_m18_m19_restoring() {
    let mut tree = shared(D);
    tree.put(O, C, &[(Y, V)]).unwrap();
    let bin = |tree: &mut Both, item| tree.world.items.get_mut(&item).unwrap().recycled = true;
    bin(&mut tree, F2);
    assert!(matches!(
        tree.restore(Who::Person(X), F2, None),
        Err(Refused::Denied(_))
    ));
    tree.restore(Who::Person(O), F2, None).unwrap();
    tree.has(X, F2, D);
    bin(&mut tree, F2);
    tree.restore(Who::Person(O), F2, Some(C)).unwrap();
    tree.has(X, F2, None);
    tree.has(Y, F2, V);
    bin(&mut tree, F1);
    bin(&mut tree, A);
    assert_eq!(tree.restore(Who::Person(O), B, None), Err(Refused::NotInBin(B)));
    tree.restore(Who::Person(O), F1, None).unwrap();
    assert_eq!(tree.world.items[&F1].parent, Some(DRIVE));
    tree.has_exactly(O, F1, Actions::ALL);
    tree.has(X, F1, None);
}

#[test]
fn m20_a_transfer_keeps_collaborators_and_drops_the_new_owners_records() {
    let mut tree = tree();
    tree.put(O, A, &[(X, D), (Y, V)]).unwrap();
    tree.transfer(O, Y).unwrap();
    tree.has_exactly(Y, A, Actions::ALL);
    tree.has(X, A, D);
    tree.has(O, A, None);
    assert!(!tree.is_explicit(Y, A));
    let before = tree.world.clone();
    tree.transfer(Y, Y).unwrap();
    assert_eq!(before, tree.world);
}

#[test]
fn m22_a_deleted_classification_takes_all_collaborators_of_its_files() {
    let mut tree = shared(D);
    tree.put(O, F2, &[(X, U), (Y, V)]).unwrap();
    let plan = plan::declassify(&tree.world.chain(F2), tree.world.now);
    tree.world.apply(&plan.changes);
    compare(&tree.world);
    tree.has(X, F2, None);
    tree.has(Y, F2, None);
    tree.has(X, A, D);
    let label = ClassificationId(1);
    let list = plan::listed(&tree.world.chain(A), Replaces::Persons, tree.world.now);
    assert_eq!(
        plan::uncleared(Some(label), &list, |_, _| false),
        [Principal::Person(X)]
    );
    assert!(plan::uncleared(Some(label), &list, |_, _| true).is_empty());
    assert!(plan::uncleared(None, &list, |_, _| false).is_empty());
}

#[test]
fn v1_v4_a_move_needs_the_right_to_move_and_to_create_there() {
    let mut tree = shared(U);
    assert!(matches!(tree.relocate(Who::Person(X), F2, B), Err(Refused::Denied(_))));
    tree.put(O, A, &[(X, MO)]).unwrap();
    tree.put(O, B, &[(X, V)]).unwrap();
    assert!(matches!(tree.relocate(Who::Person(X), F2, B), Err(Refused::Denied(_))));
    tree.put(O, B, &[(X, U)]).unwrap();
    tree.relocate(Who::Person(X), F2, B).unwrap();
    tree.has_exactly(X, F2, U.actions() | Actions::REMOVE_FILE);
}

#[test]
fn v2_a_move_stays_below_its_root() {
    let mut tree = tree();
    let (other, folder) = (ItemId(10), ItemId(11));
    tree.world.items.insert(other, item(ItemKind::Folder, None, None));
    tree.world
        .items
        .insert(folder, item(ItemKind::Folder, Some(other), Some(O)));
    assert_eq!(tree.relocate(Who::Person(O), F2, folder), Err(Refused::OtherRoot(F2)));
    assert_eq!(tree.relocate(Who::Superuser, F2, other), Err(Refused::OtherRoot(F2)));
    assert_eq!(tree.relocate(Who::Superuser, other, A), Err(Refused::Root(other)));
}

#[test]
fn v3_others_than_the_owner_move_within_one_shared_hierarchy() {
    let mut tree = shared(MO);
    tree.put(O, C, &[(X, MO)]).unwrap();
    assert_eq!(tree.relocate(Who::Person(X), F2, C), Err(Refused::OtherHierarchy(F2)));
    tree.relocate(Who::Person(X), F2, B).unwrap();
    tree.relocate(Who::Person(O), F2, C).unwrap();
}

#[test]
fn v3_what_is_public_above_is_not_the_top_of_what_is_shared() {
    let mut tree = shared(MO);
    let anyone = Wanted {
        principal: Principal::Anyone,
        set: V,
        window: None,
    };
    tree.share_also(Who::Superuser, DRIVE, &[anyone]).unwrap();
    tree.relocate(Who::Person(X), F2, B).unwrap();
    tree.put(Z, A, &[]).unwrap_err();
}

#[test]
fn v5_a_folder_cannot_move_into_itself() {
    let mut tree = tree();
    assert_eq!(tree.relocate(Who::Person(O), A, B), Err(Refused::Cycle(A)));
    assert_eq!(tree.relocate(Who::Person(O), A, A), Err(Refused::Cycle(A)));
    assert_eq!(tree.relocate(Who::Superuser, A, B), Err(Refused::Cycle(A)));
    assert_eq!(tree.relocate(Who::Person(O), F1, F2), Err(Refused::NotAFolder(F2)));
}

#[test]
fn v6_others_than_the_owner_cannot_move_to_the_root() {
    let mut tree = shared(MA);
    assert!(matches!(
        tree.relocate(Who::Person(X), F2, DRIVE),
        Err(Refused::Denied(_))
    ));
    tree.relocate(Who::Person(O), F2, DRIVE).unwrap();
}

#[test]
fn p7_p8_an_empty_list_removes_all_and_keeping_means_sending() {
    let mut tree = tree();
    tree.put(O, A, &[(X, D), (Y, D)]).unwrap();
    tree.put(O, B, &[(X, D)]).unwrap();
    tree.has(X, B, D);
    tree.has(Y, B, None);
    tree.put(O, A, &[]).unwrap();
    tree.has(X, A, None);
}

#[test]
fn p11_p12_owners_and_duplicates_are_refused_whole() {
    let mut tree = shared(D);
    let before = tree.world.clone();
    assert_eq!(tree.put(O, A, &[(Y, V), (O, V)]), Err(Refused::Owner(O)));
    assert_eq!(
        tree.put(O, A, &[(Y, V), (Y, D)]),
        Err(Refused::Duplicate(Principal::Person(Y)))
    );
    assert_eq!(before, tree.world);
}

#[test]
fn p15_a_manager_may_change_and_remove_other_managers() {
    let mut tree = tree();
    tree.put(O, A, &[(X, MA), (Y, MA)]).unwrap();
    tree.put(X, A, &[(X, MA), (Y, V), (Z, MA)]).unwrap();
    tree.has(Y, A, V);
    tree.has(Z, A, MA);
}

#[test]
fn sharing_needs_share() {
    for set in [V, D, U, MO] {
        let mut tree = shared(set);
        let refused = tree.put(X, A, &[(X, MA)]);
        assert!(matches!(refused, Err(Refused::Denied(denied)) if denied.visible && denied.right == "Manage"));
    }
}

#[test]
fn p17_moving_to_where_it_is_needs_nothing_and_writes_nothing() {
    let mut tree = shared(V);
    assert!(tree.relocate(Who::Person(X), F2, A).unwrap().is_empty());
}

#[test]
fn nobody_grants_more_than_they_hold() {
    let mut tree = tree();
    let manage: BTreeSet<_> = [Action::Share, Action::ViewOther, Action::Move].into();
    let x = Principal::Person(X);
    tree.give(Who::Person(O), A, (x, &manage, None), Ceiling::Held).unwrap();
    let missing = V.actions();
    let principal = Principal::Person(Y);
    assert_eq!(
        tree.share_also(Who::Person(X), A, &[person(Y, V)]),
        Err(Refused::MoreThanHeld { principal, missing })
    );
    let read = BTreeSet::from([Action::View]);
    assert_eq!(
        tree.give(Who::Person(X), A, (principal, &read, None), Ceiling::Held),
        Err(Refused::MoreThanHeld { principal, missing })
    );
    // "MANAGE may be granted; a manager can grant anything" (objects contract 4.9.3).
    tree.give(Who::Person(X), A, (principal, &read, None), Ceiling::Anything)
        .unwrap();
    tree.has(Y, A, V);
}

#[test]
fn an_explicit_decision_replaces_what_was_added_on_the_item() {
    let mut tree = tree();
    let all = Action::ALL.into_iter().collect();
    let x = Principal::Person(X);
    let plan = tree.give(Who::Person(O), A, (x, &all, None), Ceiling::Held).unwrap();
    assert_eq!(plan.notify, [x]);
    tree.has(X, A, MA);
    tree.put(O, A, &[(X, V)]).unwrap();
    tree.has(X, A, V);
    tree.put(O, A, &[]).unwrap();
    assert!(tree.world.grants.is_empty());
}

#[test]
fn taking_the_last_added_action_leaves_no_row() {
    let mut tree = tree();
    let x = Principal::Person(X);
    let both: BTreeSet<_> = [Action::View, Action::Download].into();
    tree.give(Who::Person(O), A, (x, &both, None), Ceiling::Held).unwrap();
    assert!(
        tree.give(Who::Person(O), A, (x, &both, None), Ceiling::Held)
            .unwrap()
            .is_empty()
    );
    tree.take(Who::Person(O), A, x, &[Action::Download].into()).unwrap();
    tree.has(X, A, V);
    tree.take(Who::Person(O), A, x, &[Action::View].into()).unwrap();
    assert!(tree.world.grants.is_empty());
}

#[test]
fn a_list_of_persons_removes_no_groups() {
    let mut tree = tree();
    let anyone = Wanted {
        principal: Principal::Anyone,
        set: V,
        window: None,
    };
    tree.share_also(Who::Person(O), A, &[anyone, person(X, D)]).unwrap();
    tree.put(O, A, &[]).unwrap();
    tree.has(Z, A, V);
    tree.share(Who::Person(O), A, &[], Replaces::Everyone).unwrap();
    tree.has(Z, A, None);
}

#[test]
fn a_planned_collaborator_is_listed_and_can_be_removed() {
    let mut tree = tree();
    let later = Window {
        opens: Some(Timestamp::from_seconds(2_000)),
        closes: Some(Timestamp::from_seconds(3_000)),
    };
    let planned = Wanted {
        window: Some(later),
        ..person(X, D)
    };
    tree.share_also(Who::Person(O), A, &[planned]).unwrap();
    tree.has(X, A, None);
    let listed = plan::listed(&tree.world.chain(B), Replaces::Persons, tree.world.now);
    assert_eq!(
        listed.iter().map(|one| (one.set, one.window)).collect::<Vec<_>>(),
        [(D, None)]
    );
    tree.remove(Who::Person(O), B, Principal::Person(X)).unwrap();
    tree.world.now = Timestamp::from_seconds(2_000);
    tree.has(X, A, D);
    tree.has(X, B, None);
    tree.world.now = Timestamp::from_seconds(3_000);
    tree.has(X, A, None);
    assert!(plan::listed(&tree.world.chain(A), Replaces::Persons, tree.world.now).is_empty());
}

#[test]
fn a_child_bucket_gets_a_copy_of_its_parents_grants() {
    let mut tree = shared(D);
    tree.put(O, B, &[(Y, V)]).unwrap();
    let child = ItemId(9);
    let mut bucket = item(ItemKind::Folder, Some(B), None);
    bucket.inherits = false;
    tree.world.items.insert(child, bucket);
    let plan = plan::copy_to_child(&tree.world.chain(B), child);
    assert_eq!(plan.changes.len(), 1, "the removal of X is not copied: {plan:?}");
    tree.world.apply(&plan.changes);
    compare(&tree.world);
    tree.has(Y, child, V);
    tree.has(X, child, None);
    tree.has(O, child, None);
}

#[test]
fn an_invitation_needs_no_right_of_whoever_uses_it() {
    let mut tree = tree();
    let (principal, actions) = (Principal::Person(X), Actions::UPLOAD_FILE);
    let plan = plan::accept(&tree.world.chain(A), (principal, actions, None), tree.world.now);
    assert_eq!(plan.notify, [principal]);
    tree.world.apply(&plan.changes);
    tree.has_exactly(X, B, actions);
}
