//! Sets, codes, principals and stored numbers: every translation, whole.

use std::fmt::Write as _;

use access::{Action, Actions, GrantKind, ItemKind, PermissionCode, PermissionSet, Principal};
use domain::{CollaborationId, GroupId, IdentityProviderId, PersonId};

/// Access model, section 2, for review at a glance.
const GOLDEN: &str = "\
View               1 View
Download           2 View Print Download
Upload             5 View Print Download ViewOther UploadFile CreateFolder
Modify             3 View Print Download ViewOther UploadFile CreateFolder Update Rename RemoveFile RemoveFolder Move
Manage             6 View Print Download ViewOther UploadFile CreateFolder Update Rename RemoveFile RemoveFolder Move Share
CREATE UploadFile   UploadFile CreateFolder
READ   Download     View Print Download
UPDATE Update       Update Rename
DELETE RemoveFile   RemoveFile RemoveFolder
MANAGE Share        ViewOther Move Share
";

#[test]
fn sets_and_codes_are_as_the_access_model_says() {
    let mut table = String::new();
    for set in PermissionSet::ALL {
        writeln!(table, "{:18} {} {}", format!("{set:?}"), set.id(), set.actions()).unwrap();
    }
    for code in PermissionCode::ALL {
        let shown_by = code.shown_by().to_string();
        writeln!(table, "{:6} {shown_by:12} {}", code.as_str(), code.actions()).unwrap();
    }
    assert_eq!(table, GOLDEN);
}

#[test]
fn actions_keep_their_bits() {
    let bits: Vec<_> = Action::ALL
        .map(|action| (action.name(), Actions::from(action).bits()))
        .into();
    assert_eq!(
        bits,
        [
            ("View", 1),
            ("Print", 2),
            ("Download", 4),
            ("ViewOther", 8),
            ("UploadFile", 16),
            ("CreateFolder", 32),
            ("Update", 64),
            ("Rename", 128),
            ("RemoveFile", 256),
            ("RemoveFolder", 512),
            ("Move", 1024),
            ("Share", 2048),
        ]
    );
}

#[test]
fn every_stored_number_is_a_set_of_actions() {
    for bits in 0..=u16::MAX {
        let actions = Actions::from_bits_truncate(bits);
        assert_eq!(actions.bits(), bits & 0x0fff);
        assert_eq!(actions.iter().collect::<Actions>(), actions);
        assert_eq!(actions.is_empty(), actions.iter().next().is_none());
    }
}

#[test]
fn the_algebra_of_actions_is_that_of_sets() {
    for a in (0..=0x0fff).step_by(37).map(Actions::from_bits_truncate) {
        for b in (0..=0x0fff).step_by(41).map(Actions::from_bits_truncate) {
            for action in Action::ALL {
                let (in_a, in_b) = (a.contains(action), b.contains(action));
                assert_eq!((a | b).contains(action), in_a || in_b);
                assert_eq!((a & b).contains(action), in_a && in_b);
                assert_eq!((a - b).contains(action), in_a && !in_b);
            }
            assert_eq!(a.includes(b), (b - a).is_empty());
        }
    }
}

#[test]
fn sets_form_a_chain_and_ids_do_not_follow_it() {
    assert!(PermissionSet::ALL.is_sorted_by(|a, b| b.actions().includes(a.actions()) && a != b));
    assert_eq!(PermissionSet::ALL.map(PermissionSet::id), [1, 2, 5, 3, 6]);
    let known: Vec<_> = (-300..300)
        .filter_map(PermissionSet::from_id)
        .map(PermissionSet::id)
        .collect();
    assert_eq!(known, [1, 2, 3, 5, 6]);
    assert_eq!(PermissionSet::from_id(i64::MAX), None);
}

#[test]
fn every_set_of_actions_has_the_largest_permission_set_within_it_or_none() {
    for actions in (0..=0x0fff).map(Actions::from_bits_truncate) {
        let largest = PermissionSet::largest_in(actions);
        for set in PermissionSet::ALL {
            let fits = actions.includes(set.actions());
            let not_larger = largest.is_some_and(|largest| largest.actions().includes(set.actions()));
            assert_eq!(fits, not_larger, "{actions} {set:?}");
        }
    }
}

#[test]
fn on_a_file_a_set_is_recognised_without_what_means_nothing_there() {
    for set in PermissionSet::ALL {
        let there = set.actions() - ItemKind::File.meaningless();
        assert_eq!(PermissionSet::largest_on(ItemKind::File, there), Some(set));
        assert_eq!(PermissionSet::largest_on(ItemKind::Folder, set.actions()), Some(set));
    }
    assert_eq!(PermissionSet::largest_on(ItemKind::File, Actions::NONE), None);
}

#[test]
fn every_set_of_actions_shows_the_codes_whose_sign_it_has() {
    for actions in (0..=0x0fff).map(Actions::from_bits_truncate) {
        let shown: Vec<_> = PermissionCode::shown_in(actions).collect();
        for code in PermissionCode::ALL {
            assert_eq!(shown.contains(&code), actions.includes(code.shown_by()));
        }
    }
}

#[test]
fn granting_codes_shows_exactly_those_on_buckets_and_on_objects() {
    for chosen in 0..32_u8 {
        let codes: Vec<_> = (0..)
            .zip(PermissionCode::ALL)
            .filter(|(bit, _)| chosen & (1 << bit) != 0)
            .collect();
        let granted = codes.iter().fold(Actions::NONE, |all, (_, code)| all | code.actions());
        for kind in [ItemKind::File, ItemKind::Folder] {
            let shown: Vec<_> = PermissionCode::shown_in(granted - kind.meaningless()).collect();
            assert_eq!(shown, codes.iter().map(|(_, code)| *code).collect::<Vec<_>>());
        }
    }
    let all = PermissionCode::ALL
        .iter()
        .fold(Actions::NONE, |all, code| all | code.actions());
    assert_eq!(all, Actions::ALL);
}

#[test]
fn codes_are_spelled_in_upper_case_only() {
    for code in PermissionCode::ALL {
        assert_eq!(PermissionCode::parse(code.as_str()), Some(code));
        assert_eq!(PermissionCode::parse(&code.as_str().to_lowercase()), None);
    }
    for text in ["", "READ ", "WRITE", "Read", "READ,UPDATE"] {
        assert_eq!(PermissionCode::parse(text), None);
    }
}

#[test]
fn principals_survive_being_stored() {
    let all = [
        (Principal::Anyone, (0, 0)),
        (Principal::Person(PersonId(9)), (1, 9)),
        (Principal::Group(GroupId(9)), (2, 9)),
        (Principal::Collaboration(CollaborationId(9)), (3, 9)),
        (Principal::CollaborationAdministrators(CollaborationId(9)), (4, 9)),
        (Principal::IdentityProvider(IdentityProviderId(i64::MAX)), (5, i64::MAX)),
    ];
    for (principal, row) in all {
        assert_eq!(principal.to_row(), row);
        assert_eq!(Principal::from_row(row.0, row.1), Some(principal));
    }
    for kind in [-1, 6, i64::MIN, i64::MAX] {
        assert_eq!(Principal::from_row(kind, 9), None);
    }
    assert_eq!(Principal::from_row(0, 1), None);
}

#[test]
fn kinds_survive_being_stored() {
    for kind in [GrantKind::Add, GrantKind::Set] {
        assert_eq!(GrantKind::from_id(kind.id()), Some(kind));
    }
    for kind in [ItemKind::File, ItemKind::Folder] {
        assert_eq!(ItemKind::from_id(kind.id()), Some(kind));
    }
    assert_eq!((GrantKind::Add.id(), GrantKind::Set.id()), (0, 1));
    assert_eq!((ItemKind::File.id(), ItemKind::Folder.id()), (1, 2));
    assert_eq!((GrantKind::from_id(2), ItemKind::from_id(0)), (None, None));
}
