//! Explanations: the exact grants in walk order, and the warnings.

use access::{Action, Actions, PermissionSet, Principal, Subject, TokenScope, Warning, explain};
use domain::{ClassificationId, CollaborationId, OrganisationId};

use crate::facts::{FILE, FOLDER, Facts, KIM, KIMS, NOW, ROOT, TEAM, add, facts, kim, removal, set, window};

fn told(facts: &Facts, subject: &Subject, action: Action) -> String {
    explain(subject, action, &facts.of_file(), NOW).to_string()
}

#[test]
fn the_grants_are_told_in_walk_order_with_what_counts_of_them() {
    let mut facts = facts();
    let mut closed = add(KIMS, Actions::SHARE);
    closed.window = window(None, NOW.0);
    facts.file.grants = vec![closed, set(KIMS, PermissionSet::View)];
    facts.folder.grants.push(add(KIMS, Actions::RENAME));
    facts.root.grants = vec![set(KIMS, PermissionSet::Modify), add(TEAM, Actions::UPDATE)];
    assert_eq!(
        told(&facts, &kim(), Action::RemoveFile),
        "RemoveFile on item 3: allowed\n  \
         item 3 adds Share for person 1, which is outside its window and does not count\n  \
         item 3 sets View for person 1\n  \
         item 2 adds Rename for person 1, of which nothing counts here\n  \
         item 1 sets View Print Download ViewOther UploadFile CreateFolder Update Rename RemoveFile RemoveFolder Move \
         for person 1, of which RemoveFile RemoveFolder counts here: this gives it\n  \
         item 1 adds Update for group 7"
    );
    let explanation = explain(&kim(), Action::Update, &facts.of_file(), NOW);
    let deciding: Vec<_> = explanation
        .deciding()
        .map(|(item, grant)| (item, grant.principal))
        .collect();
    assert_eq!(deciding, [(ROOT, TEAM)]);
}

#[test]
fn a_person_removed_by_name_who_keeps_a_groups_access_is_warned_about() {
    let mut facts = facts();
    facts.root.grants = vec![set(TEAM, PermissionSet::View), add(Principal::Anyone, Actions::VIEW)];
    facts.folder.grants.push(removal(KIMS));
    let explanation = explain(&kim(), Action::Download, &facts.of_file(), NOW);
    let keeps = |through| Warning::KeepsAccess {
        person: KIM,
        removed_on: FOLDER,
        through,
        actions: Actions::VIEW,
    };
    assert!(!explanation.allowed);
    assert_eq!(explanation.warnings, [keeps(TEAM), keeps(Principal::Anyone)]);
}

#[test]
fn there_is_no_warning_where_nothing_is_kept_or_nobody_was_removed() {
    let mut facts = facts();
    facts.root.grants = vec![set(KIMS, PermissionSet::View), set(TEAM, PermissionSet::View)];
    assert!(explain(&kim(), Action::View, &facts.of_file(), NOW).warnings.is_empty());
    facts.folder.grants = vec![removal(KIMS), removal(TEAM)];
    assert!(explain(&kim(), Action::View, &facts.of_file(), NOW).warnings.is_empty());
}

#[test]
fn what_stops_everything_is_the_only_step() {
    let mut facts = facts();
    facts.file.owner = Some(KIM);
    facts.file.classification = Some(ClassificationId(4));
    assert_eq!(
        told(&facts, &kim(), Action::View),
        "View on item 3: denied\n  the file carries classification 4 and there is no clearance for it: nothing is allowed"
    );
    facts.file.disabled = true;
    assert!(told(&facts, &kim(), Action::View).ends_with("disabled: nothing is allowed, not even to its owner"));
    facts.folder.recycled = true;
    assert!(told(&facts, &kim(), Action::View).ends_with("item 2 is in the bin: nothing is allowed"));
    facts.file.deleted = true;
    assert!(told(&facts, &kim(), Action::View).ends_with("the item is deleted: nothing is allowed"));
}

#[test]
fn owners_tokens_and_the_superuser_are_told_as_such() {
    let mut facts = facts();
    assert!(told(&facts, &kim(), Action::View).ends_with("denied\n  nothing is granted, here or above"));
    facts.folder.owner = Some(KIM);
    assert!(told(&facts, &kim(), Action::View).ends_with("person 1 owns item 2: everything is allowed"));
    assert!(
        told(&facts, &kim(), Action::CreateFolder)
            .ends_with("denied\n  person 1 owns item 2: everything is allowed\n  the action means nothing on a file")
    );
    assert!(told(&facts, &Subject::superuser(), Action::View).contains("the operator's credential"));
    let token = Subject::token(OrganisationId(1), TokenScope::Organisation);
    assert!(told(&facts, &token, Action::View).contains("the token covers no collaboration"));
    facts.root.collaboration = Some((CollaborationId(5), OrganisationId(1)));
    facts.file.share_window = window(NOW.0 + 1, None);
    assert!(told(&facts, &token, Action::View).ends_with(
        "denied\n  the token covers collaboration 5, whose drive this is: everything is allowed\n  \
             the file is outside its share window: its content is for the owner only"
    ));
    assert_eq!(explain(&token, Action::View, &facts.of_file(), NOW).item, FILE);
}
