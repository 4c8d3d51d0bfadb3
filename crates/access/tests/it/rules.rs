//! Access model, section 3: a test per sentence.

use access::{Actions, Chain, ItemKind, Node, PermissionCode, PermissionSet, Principal, Subject, actions, decide};
use domain::{ClassificationId, IdentityProviderId, ItemId};

use crate::facts::{KIM, KIMS, LEE, NOW, TEAM, add, facts, kim, removal, set, window};

const REMOVE: Actions = Actions::REMOVE_FILE.union(Actions::REMOVE_FOLDER);
const MODIFY: PermissionSet = PermissionSet::Modify;
const VIEW: PermissionSet = PermissionSet::View;

fn on_a_file(actions: Actions) -> Actions {
    actions - ItemKind::File.meaningless()
}

#[test]
fn without_a_grant_nothing_is_allowed() {
    assert_eq!(facts().on_file(&kim()), Actions::NONE);
    assert_eq!(facts().on_file(&Subject::anonymous()), Actions::NONE);
}

#[test]
fn added_rights_are_added_to_whatever_comes_from_above() {
    let mut facts = facts();
    facts.folder.grants.push(add(KIMS, PermissionCode::Delete.actions()));
    facts.file.grants.push(add(KIMS, PermissionCode::Read.actions()));
    let both = PermissionCode::Delete.actions() | PermissionCode::Read.actions();
    assert_eq!(facts.on_file(&kim()), on_a_file(both));
}

#[test]
fn a_set_replaces_what_comes_from_above_here_and_below() {
    let mut facts = facts();
    facts.root.grants.push(set(KIMS, PermissionSet::Upload));
    facts.folder.grants.push(set(KIMS, VIEW));
    assert_eq!(facts.on_folder(&kim()), VIEW.actions());
    assert_eq!(facts.on_file(&kim()), VIEW.actions());
}

#[test]
fn a_set_replaces_what_is_added_above_it() {
    let mut facts = facts();
    facts.root.grants.push(add(KIMS, Actions::UPDATE));
    facts.folder.grants.push(set(KIMS, VIEW));
    assert_eq!(facts.on_file(&kim()), VIEW.actions());
}

#[test]
fn what_is_added_below_a_set_or_beside_it_counts() {
    let mut facts = facts();
    facts.folder.grants.push(set(KIMS, VIEW));
    facts.folder.grants.push(add(KIMS, Actions::RENAME));
    facts.file.grants.push(add(KIMS, Actions::UPDATE));
    assert_eq!(facts.on_folder(&kim()), VIEW.actions() | Actions::RENAME);
    assert_eq!(
        facts.on_file(&kim()),
        VIEW.actions() | Actions::RENAME | Actions::UPDATE
    );
}

#[test]
fn a_set_with_no_actions_is_a_removal_and_ends_the_walk() {
    let mut facts = facts();
    facts.root.grants.push(set(KIMS, MODIFY));
    facts.folder.grants.push(removal(KIMS));
    assert_eq!(facts.on_folder(&kim()), Actions::NONE);
    assert_eq!(facts.on_file(&kim()), Actions::NONE);
    facts.file.grants.push(set(KIMS, VIEW));
    assert_eq!(facts.on_file(&kim()), VIEW.actions());
}

#[test]
fn what_is_added_beside_a_removal_counts() {
    let mut facts = facts();
    facts.root.grants.push(set(KIMS, MODIFY));
    facts.file.grants = vec![removal(KIMS), add(KIMS, Actions::VIEW)];
    assert_eq!(facts.on_file(&kim()), Actions::VIEW);
}

#[test]
fn a_more_restrictive_set_below_keeps_the_right_to_remove() {
    let mut facts = facts();
    facts.root.grants.push(set(KIMS, MODIFY));
    facts.folder.grants.push(set(KIMS, VIEW));
    assert_eq!(facts.on_folder(&kim()), VIEW.actions() | REMOVE);
    assert_eq!(facts.on_file(&kim()), VIEW.actions() | Actions::REMOVE_FILE);
}

#[test]
fn the_nearest_explicit_decision_wins_weaker_or_stronger() {
    for (above, below) in [(PermissionSet::Upload, VIEW), (VIEW, PermissionSet::Upload)] {
        let mut facts = facts();
        facts.root.grants.push(set(KIMS, above));
        facts.folder.grants.push(set(KIMS, below));
        assert_eq!(facts.on_folder(&kim()), below.actions());
    }
}

#[test]
fn a_later_change_on_an_ancestor_does_not_reach_below_an_explicit_decision() {
    let mut facts = facts();
    facts.folder.grants.push(set(KIMS, VIEW));
    for above in PermissionSet::ALL {
        facts.root.grants = vec![set(KIMS, above)];
        assert_eq!(facts.on_file(&kim()) - REMOVE, VIEW.actions());
    }
}

#[test]
fn other_principals_on_the_same_item_keep_inheriting() {
    let mut facts = facts();
    facts.root.grants = vec![set(KIMS, MODIFY), set(Principal::Person(LEE), PermissionSet::Download)];
    facts.folder.grants.push(removal(KIMS));
    let lee = Subject::person(LEE, [], []);
    assert_eq!(facts.on_file(&lee), PermissionSet::Download.actions());
}

#[test]
fn nothing_flows_into_a_folder_that_does_not_inherit() {
    let mut facts = facts();
    facts.root.owner = Some(KIM);
    facts.root.grants.push(set(KIMS, MODIFY));
    facts.folder.inherits = false;
    assert_eq!(facts.on_folder(&kim()), Actions::NONE);
    assert_eq!(facts.on_file(&kim()), Actions::NONE);
    facts.folder.grants.push(add(KIMS, Actions::VIEW));
    assert_eq!(facts.on_file(&kim()), Actions::VIEW);
}

#[test]
fn the_owner_of_the_item_or_of_an_ancestor_has_every_action() {
    for owned in 0..3 {
        let mut facts = facts();
        let Some(node) = [&mut facts.file, &mut facts.folder, &mut facts.root]
            .into_iter()
            .nth(owned)
        else {
            continue;
        };
        node.owner = Some(KIM);
        facts.file.grants.push(removal(KIMS));
        assert_eq!(facts.on_file(&kim()), on_a_file(Actions::ALL));
        assert_eq!(facts.on_file(&Subject::person(LEE, [], [])), Actions::NONE);
    }
}

#[test]
fn a_subject_has_the_union_of_what_its_principals_have() {
    let mut facts = facts();
    let provider = Principal::IdentityProvider(IdentityProviderId(1));
    facts.root.grants = vec![
        add(TEAM, Actions::UPDATE),
        add(Principal::Anyone, Actions::VIEW),
        add(provider, Actions::MOVE),
    ];
    facts.folder.grants.push(set(KIMS, PermissionSet::Download));
    assert_eq!(
        facts.on_file(&kim()),
        PermissionSet::Download.actions() | Actions::UPDATE | Actions::VIEW
    );
    let with_provider = Subject::person(KIM, [TEAM, provider], []);
    assert!(facts.on_file(&with_provider).includes(Actions::MOVE));
    assert_eq!(facts.on_file(&Subject::anonymous()), Actions::VIEW);
}

#[test]
fn a_removal_is_per_principal_and_a_groups_access_stays() {
    let mut facts = facts();
    facts.root.grants = vec![set(KIMS, MODIFY), set(TEAM, VIEW)];
    facts.file.grants.push(removal(KIMS));
    assert_eq!(facts.on_file(&kim()), VIEW.actions());
}

#[test]
fn only_grants_that_are_open_now_count() {
    for (window, counts) in [
        (window(None, None), true),
        (window(NOW.0, NOW.0 + 1), true),
        (window(NOW.0 + 1, None), false),
        (window(None, NOW.0), false),
        (window(NOW.0 - 1, NOW.0 + 1), true),
    ] {
        let mut facts = facts();
        let mut grant = set(KIMS, VIEW);
        grant.window = window;
        facts.root.grants.push(grant);
        assert_eq!(!facts.on_file(&kim()).is_empty(), counts, "{window:?}");
        let mut removal = removal(KIMS);
        removal.window = window;
        facts.root.grants = vec![set(KIMS, VIEW)];
        facts.folder.grants.push(removal);
        assert_eq!(facts.on_file(&kim()).is_empty(), counts, "{window:?}");
    }
}

#[test]
fn what_means_nothing_on_a_file_is_dropped_there() {
    let mut facts = facts();
    facts.root.grants.push(set(KIMS, PermissionSet::Manage));
    assert_eq!(facts.on_folder(&kim()), Actions::ALL);
    assert_eq!(
        facts.on_file(&kim()),
        Actions::ALL - Actions::CREATE_FOLDER - Actions::REMOVE_FOLDER
    );
}

#[test]
fn outside_its_share_window_a_file_keeps_its_content_for_the_owner() {
    let mut facts = facts();
    facts.root.grants = vec![set(KIMS, MODIFY), set(TEAM, VIEW)];
    facts.file.share_window = window(NOW.0 + 1, None);
    let content = PermissionSet::Download.actions();
    assert_eq!(facts.on_file(&kim()), on_a_file(MODIFY.actions()) - content);
    assert!(decide(&Subject::person(LEE, [TEAM], []), &facts.of_file(), NOW).is_visible());
    facts.folder.owner = Some(KIM);
    assert_eq!(facts.on_file(&kim()), on_a_file(Actions::ALL));
}

#[test]
fn folders_have_no_share_window_and_no_classification() {
    let mut facts = facts();
    facts.root.grants.push(set(KIMS, MODIFY));
    for node in [&mut facts.folder, &mut facts.root] {
        node.share_window = window(NOW.0 + 1, None);
        node.classification = Some(ClassificationId(1));
    }
    assert_eq!(facts.on_folder(&kim()), MODIFY.actions());
    assert_eq!(facts.on_file(&kim()), on_a_file(MODIFY.actions()));
}

#[test]
fn a_disabled_or_deleted_item_allows_nothing_not_even_to_its_owner() {
    let mut facts = facts();
    facts.file.owner = Some(KIM);
    facts.file.disabled = true;
    assert_eq!(facts.on_file(&kim()), Actions::NONE);
    facts.file.disabled = false;
    facts.file.deleted = true;
    assert_eq!(facts.on_file(&kim()), Actions::NONE);
    assert!(!access::sees_in_bin(&kim(), &facts.of_file()));
}

#[test]
fn in_the_bin_only_the_owner_sees_it_and_may_do_nothing_else() {
    for recycled in 0..3 {
        let mut facts = facts();
        facts.root.grants.push(set(TEAM, MODIFY));
        facts.file.owner = Some(KIM);
        if let Some(node) = [&mut facts.file, &mut facts.folder, &mut facts.root]
            .into_iter()
            .nth(recycled)
        {
            node.recycled = true;
        }
        assert_eq!(facts.on_file(&kim()), Actions::NONE);
        assert!(access::sees_in_bin(&kim(), &facts.of_file()));
        assert!(!access::sees_in_bin(
            &Subject::person(LEE, [TEAM], []),
            &facts.of_file()
        ));
        assert!(!access::sees_in_bin(&Subject::superuser(), &facts.of_file()));
    }
}

#[test]
fn a_classified_file_allows_nothing_without_the_clearance() {
    let mut facts = facts();
    let label = ClassificationId(5);
    facts.root.grants.push(set(KIMS, MODIFY));
    facts.file.classification = Some(label);
    assert_eq!(facts.on_file(&kim()), Actions::NONE);
    facts.file.owner = Some(KIM);
    assert_eq!(
        facts.on_file(&kim()),
        Actions::NONE,
        "a clearance is not given by owning"
    );
    let cleared = Subject::person(KIM, [], [ClassificationId(4), label]);
    assert_eq!(facts.on_file(&cleared), on_a_file(Actions::ALL));
}

#[test]
fn the_superuser_is_allowed_everything_that_exists() {
    let mut facts = facts();
    facts.file.disabled = true;
    facts.file.classification = Some(ClassificationId(1));
    facts.file.share_window = window(NOW.0 + 1, None);
    assert_eq!(facts.on_file(&Subject::superuser()), on_a_file(Actions::ALL));
    facts.folder.recycled = true;
    assert_eq!(facts.on_file(&Subject::superuser()), Actions::NONE);
    facts.folder.recycled = false;
    facts.file.deleted = true;
    assert_eq!(facts.on_file(&Subject::superuser()), Actions::NONE);
}

#[test]
fn moving_recomputes_what_is_inherited_and_carries_what_is_explicit() {
    let mut facts = facts();
    facts.folder.grants.push(set(KIMS, MODIFY));
    facts.file.grants.push(set(TEAM, VIEW));
    assert_eq!(facts.on_file(&kim()), on_a_file(MODIFY.actions()));
    let moved = Chain::new(vec![facts.file.clone(), facts.root.clone()]).unwrap();
    assert_eq!(actions(&kim(), &moved, NOW), VIEW.actions());
}

#[test]
fn a_new_item_in_a_shared_folder_is_reachable_at_once() {
    let mut facts = facts();
    facts.folder.grants.push(set(KIMS, VIEW));
    let new = Chain::new(vec![Node::file(ItemId(9)), facts.folder.clone(), facts.root.clone()]).unwrap();
    assert_eq!(actions(&kim(), &new, NOW), VIEW.actions());
}

#[test]
fn a_chain_has_at_least_the_item() {
    assert!(Chain::new(Vec::new()).is_none());
    let alone = Chain::new(vec![Node::folder(ItemId(1))]).unwrap();
    assert_eq!(alone.root().item, alone.item().item);
    assert!(alone.parent().is_none());
}
