//! Access model, section 4, and organisations contract 3: units, scopes and what follows when a unit ends.

use std::collections::BTreeSet;

use access::plan::{Holder, UnitChange, UnitUses, end_unit};
use access::{Actions, OutsideScope, Principal, Subject, TokenScope, Window, covers, units_of_new_collaboration};
use domain::{ClassificationId, CollaborationId, OrganisationId, PersonId, TokenId, UnitId};

use crate::facts::{NOW, add, facts, window};

const HERE: OrganisationId = OrganisationId(1);
const A: UnitId = UnitId(1);
const B: UnitId = UnitId(2);

fn units<const N: usize>(units: [UnitId; N]) -> TokenScope {
    TokenScope::Units(units.into())
}

#[test]
fn truth_table_of_unit_scope() {
    let scopes = [
        TokenScope::Organisation,
        units([A]),
        units([B]),
        units([A, B]),
        units([]),
    ];
    for (collaboration, expected) in [
        (vec![], [true, false, false, false, false]),
        (vec![A], [true, true, false, true, false]),
        (vec![B], [true, false, true, true, false]),
        (vec![A, B], [true, false, false, true, false]),
    ] {
        for (scope, expected) in scopes.iter().zip(expected) {
            assert_eq!(
                covers(HERE, scope, HERE, &collaboration),
                expected,
                "{scope:?} {collaboration:?}"
            );
            assert!(!covers(HERE, scope, OrganisationId(2), &collaboration));
        }
    }
}

#[test]
fn a_token_has_every_action_on_the_drives_it_covers_and_nothing_else() {
    let mut facts = facts();
    facts.root.grants.push(add(Principal::Anyone, Actions::VIEW));
    let token = Subject::token(HERE, units([A]));
    let everything = Actions::ALL - Actions::CREATE_FOLDER - Actions::REMOVE_FOLDER;
    assert_eq!(facts.on_file(&token), Actions::NONE, "not even what is public");
    facts.root.collaboration = Some((CollaborationId(1), HERE));
    for (units, expected) in [
        (vec![], Actions::NONE),
        (vec![A], everything),
        (vec![A, B], Actions::NONE),
    ] {
        facts.root.units = units;
        assert_eq!(facts.on_file(&token), expected);
    }
    let unscoped = Subject::token(HERE, TokenScope::Organisation);
    assert_eq!(facts.on_file(&unscoped), everything);
    assert_eq!(
        facts.on_file(&Subject::token(OrganisationId(2), TokenScope::Organisation)),
        Actions::NONE
    );
}

#[test]
fn a_drive_is_its_root_and_what_does_not_inherit_is_on_it_too() {
    let mut facts = facts();
    let token = Subject::token(HERE, TokenScope::Organisation);
    facts.folder.collaboration = Some((CollaborationId(1), HERE));
    assert_eq!(facts.on_file(&token), Actions::NONE, "only a root is a drive");
    facts.root.collaboration = facts.folder.collaboration.take();
    facts.folder.inherits = false;
    assert_eq!(facts.on_folder(&token), Actions::ALL);
}

#[test]
fn a_token_is_no_owner_and_has_no_clearance() {
    let mut facts = facts();
    let token = Subject::token(HERE, TokenScope::Organisation);
    facts.root.collaboration = Some((CollaborationId(1), HERE));
    facts.file.share_window = window(NOW.0 + 1, None);
    assert!((facts.on_file(&token) & (Actions::VIEW | Actions::PRINT | Actions::DOWNLOAD)).is_empty());
    facts.file.share_window = Window::ALWAYS;
    facts.file.classification = Some(ClassificationId(1));
    assert_eq!(facts.on_file(&token), Actions::NONE);
}

#[test]
fn a_collaboration_created_with_a_unit_scope_gets_the_scopes_units() {
    let both: BTreeSet<_> = [A, B].into();
    let scope = units([A, B]);
    for requested in [BTreeSet::new(), [A].into(), both.clone()] {
        assert_eq!(units_of_new_collaboration(&scope, &requested), Ok(both.clone()));
    }
    assert_eq!(units_of_new_collaboration(&units([A]), &both), Err(OutsideScope(B)));
    assert_eq!(units_of_new_collaboration(&TokenScope::Organisation, &both), Ok(both));
    assert_eq!(
        units_of_new_collaboration(&TokenScope::Organisation, &BTreeSet::new()),
        Ok(BTreeSet::new())
    );
}

fn uses() -> UnitUses {
    UnitUses {
        scopes: vec![
            (Holder::Token(TokenId(1)), TokenScope::Organisation),
            (Holder::Token(TokenId(2)), units([A])),
            (Holder::Token(TokenId(3)), units([A, B])),
            (Holder::Token(TokenId(4)), units([B])),
            (Holder::Token(TokenId(5)), units([])),
            (Holder::Manager(PersonId(6)), units([B])),
            (Holder::Manager(PersonId(7)), TokenScope::Organisation),
            (Holder::Invitation(8), units([B])),
            (Holder::Invitation(9), units([A, B])),
        ],
        collaborations: vec![
            (CollaborationId(1), [].into()),
            (CollaborationId(2), [B].into()),
            (CollaborationId(3), [A, B].into()),
            (CollaborationId(4), [A].into()),
        ],
    }
}

#[test]
fn u1_to_u5_when_a_unit_ends_scopes_shrink_or_end_and_never_widen() {
    let told: Vec<_> = end_unit(B, &uses()).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "token 3 is narrowed to unit 1",
            "token 4 is revoked",
            "manager 6 loses the rights of a manager",
            "invitation 8 is revoked",
            "invitation 9 is narrowed to unit 1",
            "collaboration 2 is left with no unit",
            "collaboration 3 is left with unit 1; token 2 reaches it from now on",
        ]
    );
}

#[test]
fn u3_an_empty_scope_is_denied_everything() {
    for collaboration in [vec![], vec![A]] {
        assert!(!covers(HERE, &units([]), HERE, &collaboration));
    }
}

#[test]
fn u6_a_unit_that_nothing_refers_to_ends_without_consequence() {
    assert_eq!(end_unit(UnitId(9), &uses()), []);
    let more = UnitUses {
        scopes: vec![(Holder::Token(TokenId(1)), units([A, B, UnitId(3)]))],
        collaborations: Vec::new(),
    };
    let change = UnitChange::Narrow {
        holder: Holder::Token(TokenId(1)),
        units: [A, UnitId(3)].into(),
    };
    assert_eq!(change.to_string(), "token 1 is narrowed to units 1, 3");
    assert_eq!(end_unit(B, &more), [change]);
}
