//! Proof values: what each right requires, and what a denial tells.

use access::{
    Action, Actions, Chain, CodeCreate, CodeDelete, CodeManage, CodeRead, CodeUpdate, CreateFile, CreateSubfolder,
    Denied, Manage, Own, PermissionCode, Print, Read, Relocate, Remove, Rename, Right, See, Subject, View, ViewOther,
    Write, authorise, authorise_in_bin,
};
use domain::{Error, Kind};

use crate::facts::{FILE, FOLDER, KIM, KIMS, NOW, add, facts, kim};

/// The single actions that suffice for a right, on a file and on a folder.
fn opened_by<R: Right>() -> (Actions, Actions) {
    let suffices = |action: &Action, on_file: bool| {
        let mut facts = facts();
        facts.root.grants.push(add(KIMS, (*action).into()));
        let chain: Chain = if on_file { facts.of_file() } else { facts.of_folder() };
        authorise::<R>(&kim(), &chain, NOW).is_ok()
    };
    let on = |is_file| {
        Action::ALL
            .iter()
            .copied()
            .filter(|action| suffices(action, is_file))
            .collect()
    };
    (on(true), on(false))
}

#[test]
fn every_right_is_opened_by_its_action_alone() {
    let same = |actions: Actions| (actions, actions);
    assert_eq!(opened_by::<View>(), same(Actions::VIEW));
    assert_eq!(opened_by::<Print>(), same(Actions::PRINT));
    assert_eq!(opened_by::<Read>(), same(Actions::DOWNLOAD));
    assert_eq!(opened_by::<ViewOther>(), same(Actions::VIEW_OTHER));
    assert_eq!(opened_by::<CreateFile>(), same(Actions::UPLOAD_FILE));
    assert_eq!(opened_by::<CreateSubfolder>(), (Actions::NONE, Actions::CREATE_FOLDER));
    assert_eq!(opened_by::<Write>(), same(Actions::UPDATE));
    assert_eq!(opened_by::<Rename>(), same(Actions::RENAME));
    assert_eq!(opened_by::<Remove>(), (Actions::REMOVE_FILE, Actions::REMOVE_FOLDER));
    assert_eq!(opened_by::<Relocate>(), same(Actions::MOVE));
    assert_eq!(opened_by::<Manage>(), same(Actions::SHARE));
    assert_eq!(opened_by::<Own>(), same(Actions::NONE));
    let on_a_file = Actions::ALL - Actions::CREATE_FOLDER - Actions::REMOVE_FOLDER;
    assert_eq!(opened_by::<See>(), (on_a_file, Actions::ALL));
}

#[test]
fn every_code_is_opened_by_the_action_that_shows_it() {
    let opened = [
        opened_by::<CodeCreate>(),
        opened_by::<CodeRead>(),
        opened_by::<CodeUpdate>(),
        opened_by::<CodeDelete>(),
        opened_by::<CodeManage>(),
    ];
    assert_eq!(
        opened,
        PermissionCode::ALL.map(|code| (code.shown_by(), code.shown_by()))
    );
}

#[test]
fn a_proof_names_the_item_and_everything_allowed() {
    let mut facts = facts();
    facts.root.grants.push(add(KIMS, PermissionCode::Read.actions()));
    let proof = authorise::<Read>(&kim(), &facts.of_file(), NOW).unwrap();
    assert_eq!((proof.item(), proof.actions()), (FILE, PermissionCode::Read.actions()));
    assert_eq!(proof.decision().held, proof.actions());
}

#[test]
fn a_denial_hides_what_may_not_be_known() {
    let mut facts = facts();
    let hidden = authorise::<Read>(&kim(), &facts.of_folder(), NOW).unwrap_err();
    let expected = Denied {
        item: FOLDER,
        visible: false,
        right: "Read",
    };
    assert_eq!(hidden, expected);
    assert_eq!(Error::from(hidden).kind, Kind::NotFound);
    facts.root.grants.push(add(KIMS, Actions::VIEW));
    let seen = authorise::<Read>(&kim(), &facts.of_folder(), NOW).unwrap_err();
    let error = Error::from(seen);
    assert_eq!(error.kind, Kind::Denied);
    assert!(!error.public.contains('2') && seen.to_string().contains("Read"));
}

#[test]
fn owning_is_proved_for_owners_and_the_superuser_only() {
    let mut facts = facts();
    facts.root.grants.push(add(KIMS, Actions::ALL));
    assert!(authorise::<Own>(&kim(), &facts.of_file(), NOW).is_err());
    assert!(authorise::<Own>(&Subject::superuser(), &facts.of_file(), NOW).is_ok());
    facts.root.owner = Some(KIM);
    assert!(authorise::<Own>(&kim(), &facts.of_file(), NOW).is_ok());
}

#[test]
fn the_bin_is_proved_apart() {
    let mut facts = facts();
    facts.file.owner = Some(KIM);
    assert!(authorise_in_bin(&kim(), &facts.of_file()).is_err());
    facts.file.recycled = true;
    let proof = authorise_in_bin(&kim(), &facts.of_file()).unwrap();
    assert_eq!((proof.item(), proof.actions()), (FILE, Actions::NONE));
    assert!(authorise::<See>(&kim(), &facts.of_file(), NOW).is_err());
}
