//! The worked examples of the sharing contract, section 2.7, by core and model.

use access::plan::owner_of_new_item;
use access::{Actions, CreateFile, Denied, ItemKind, Principal, Read, See, Window, authorise};
use domain::{ClassificationId, ItemId, Timestamp};
use model::Who;

use crate::both::Both;
use crate::tree::{A, B, C, D, DRIVE, F1, F2, MA, O, U, V, X, Y, Z, item, tree};

const REMOVE: Actions = Actions::REMOVE_FILE.union(Actions::REMOVE_FOLDER);

fn after_e1() -> Both {
    let mut tree = tree();
    tree.put(O, A, &[(X, D)]).unwrap();
    tree
}

fn after_e2() -> Both {
    let mut tree = after_e1();
    tree.put(O, B, &[(X, V)]).unwrap();
    tree
}

fn after_e4() -> Both {
    let mut tree = after_e1();
    tree.put(O, F1, &[]).unwrap();
    tree
}

fn after_e7() -> Both {
    let mut tree = after_e1();
    tree.put(O, B, &[(X, D), (Y, V)]).unwrap();
    tree
}

#[test]
fn e1_sharing_a_folder_reaches_everything_below() {
    let tree = after_e1();
    for item in [A, B, F1, F2] {
        tree.has(X, item, D);
    }
    tree.has(X, C, None);
    tree.has(X, DRIVE, None);
}

#[test]
fn e2_a_changed_set_on_a_subfolder_holds_below_it() {
    let tree = after_e2();
    tree.has(X, A, D);
    tree.has(X, B, V);
    tree.has(X, F1, V);
    tree.has(X, F2, D);
}

#[test]
fn e3_a_stronger_set_above_leaves_the_decision_below_but_for_removing() {
    let mut tree = after_e2();
    tree.put(O, A, &[(X, MA)]).unwrap();
    tree.has(X, A, MA);
    tree.has(X, F2, MA);
    tree.has_exactly(X, B, V.actions() | REMOVE);
    tree.has_exactly(X, F1, V.actions() | Actions::REMOVE_FILE);
}

#[test]
fn e4_an_empty_list_on_a_file_removes_whom_the_folder_lets_in() {
    let tree = after_e4();
    tree.has(X, F1, None);
    let denied = authorise::<See>(
        &tree.world.subject(Who::Person(X)),
        &tree.world.chain(F1),
        tree.world.now,
    );
    assert!(matches!(denied, Err(Denied { visible: false, .. })));
    for item in [A, B, F2] {
        tree.has(X, item, D);
    }
}

#[test]
fn e5_a_removal_survives_a_change_above() {
    let mut tree = after_e4();
    tree.put(O, A, &[(X, MA)]).unwrap();
    tree.has(X, F1, None);
}

#[test]
fn e6_adding_again_is_explicit_even_with_the_same_set() {
    let mut tree = after_e4();
    let plan = tree.put(O, F1, &[(X, D)]).unwrap();
    assert_eq!(plan.notify, [Principal::Person(X)]);
    tree.has(X, F1, D);
    tree.put(O, A, &[(X, V)]).unwrap();
    tree.has(X, A, V);
    tree.has(X, F1, D);
}

#[test]
fn e7_adding_one_leaves_the_other_implicit() {
    let tree = after_e7();
    assert!(!tree.is_explicit(X, B));
    tree.has(X, B, D);
    tree.has(Y, B, V);
    tree.has(Y, F1, V);
    tree.has(Y, A, None);
    tree.has(Y, F2, None);
}

#[test]
fn e8_removing_all_above_leaves_who_was_added_below() {
    let mut tree = after_e7();
    tree.put(O, A, &[]).unwrap();
    for item in [A, B, F1, F2] {
        tree.has(X, item, None);
    }
    tree.has(Y, B, V);
}

#[test]
fn e9_an_explicit_set_survives_the_removal_above() {
    let mut tree = after_e2();
    tree.put(O, A, &[]).unwrap();
    tree.has(X, A, None);
    tree.has(X, F2, None);
    tree.has(X, B, V);
}

#[test]
fn e10_unsharing_reaches_everything_below() {
    let mut tree = after_e2();
    tree.unshare(Who::Person(O), A).unwrap();
    for item in [A, B, F1, F2] {
        tree.has(X, item, None);
    }
}

#[test]
fn e11_a_moved_file_inherits_from_its_new_folder_only() {
    let mut tree = after_e1();
    tree.put(O, C, &[(Y, U)]).unwrap();
    tree.relocate(Who::Person(O), F2, C).unwrap();
    tree.has(X, F2, None);
    tree.has(Y, F2, U);
}

#[test]
fn e12_a_file_moved_below_a_weaker_decision_is_held_by_it() {
    let mut tree = after_e2();
    tree.relocate(Who::Person(O), F2, B).unwrap();
    tree.has(X, F2, V);
}

#[test]
fn e13_an_upload_into_a_foreign_folder_belongs_to_its_owner() {
    let mut tree = tree();
    tree.put(O, A, &[(X, U)]).unwrap();
    let folder = tree.world.chain(B);
    authorise::<CreateFile>(&tree.world.subject(Who::Person(X)), &folder, tree.world.now).unwrap();
    let owner = owner_of_new_item(X, &folder);
    assert_eq!(owner, O);
    let f3 = ItemId(7);
    tree.world.items.insert(f3, item(ItemKind::File, Some(B), Some(owner)));
    tree.has(X, f3, U);
    assert!((tree.actions(X, f3) & (Actions::RENAME | REMOVE)).is_empty());
}

#[test]
fn e14_a_manager_adds_somebody_who_alone_is_told() {
    let mut tree = tree();
    tree.put(O, A, &[(X, MA)]).unwrap();
    let plan = tree.put(X, A, &[(X, MA), (Z, V)]).unwrap();
    assert_eq!(plan.notify, [Principal::Person(Z)]);
    for item in [A, B, F1, F2] {
        tree.has(Z, item, V);
    }
}

#[test]
fn e15_a_manager_may_remove_themselves() {
    let mut tree = tree();
    tree.put(O, A, &[(X, MA)]).unwrap();
    tree.put(X, A, &[(X, MA), (Z, V)]).unwrap();
    tree.put(X, A, &[(Z, V)]).unwrap();
    tree.has(X, A, None);
    tree.has(Z, A, V);
}

#[test]
fn e16_a_classified_file_is_hidden_without_clearance() {
    let mut tree = after_e1();
    let label = ClassificationId(1);
    for cleared in [O, Y] {
        tree.world.people.get_mut(&cleared).unwrap().clearances.insert(label);
    }
    tree.world.items.get_mut(&F2).unwrap().classification = Some(label);
    tree.has(X, F2, None);
    for item in [A, B, F1] {
        tree.has(X, item, D);
    }
    tree.has_exactly(O, F2, Actions::ALL);
}

#[test]
fn e17_leaving_a_subfolder_keeps_the_rest() {
    let mut tree = after_e1();
    tree.leave(Who::Person(X), B).unwrap();
    tree.has(X, B, None);
    tree.has(X, F1, None);
    tree.has(X, A, D);
    tree.has(X, F2, D);
}

#[test]
fn e18_a_recycled_folder_is_in_its_owners_bin_only() {
    let mut tree = after_e1();
    tree.world.items.get_mut(&A).unwrap().recycled = true;
    let chain = tree.world.chain(A);
    for item in [A, B, F1, F2] {
        tree.has(X, item, None);
        tree.has(O, item, None);
    }
    assert!(access::sees_in_bin(&tree.world.subject(Who::Person(O)), &chain));
    assert!(!access::sees_in_bin(&tree.world.subject(Who::Person(X)), &chain));
}

#[test]
fn e19_a_restored_folder_is_shared_as_before() {
    let mut tree = after_e1();
    tree.world.items.get_mut(&A).unwrap().recycled = true;
    tree.restore(Who::Person(O), A, None).unwrap();
    assert_eq!(tree.world, after_e1().world);
}

#[test]
fn e20_before_its_window_a_file_shows_its_properties_only() {
    let mut tree = after_e1();
    tree.world.items.get_mut(&F1).unwrap().share_window = Window {
        opens: Some(Timestamp::from_seconds(87_400)),
        closes: None,
    };
    let (subject, chain) = (tree.world.subject(Who::Person(X)), tree.world.chain(F1));
    assert!(authorise::<See>(&subject, &chain, tree.world.now).is_ok());
    let denied = authorise::<Read>(&subject, &chain, tree.world.now);
    assert!(matches!(denied, Err(Denied { visible: true, .. })));
    assert!(authorise::<access::View>(&subject, &chain, tree.world.now).is_err());
    tree.has_exactly(O, F1, Actions::ALL);
    tree.world.now = Timestamp::from_seconds(87_400);
    tree.has(X, F1, D);
}
