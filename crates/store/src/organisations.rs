//! Organisations, units, collaborations, groups, memberships, invitations and API tokens.
//!
//! What replaces a set (units, members) takes the rows to write and the rows to delete, each in one statement with lists,
//! so that its cost is a fixed number of statements whatever the size of the set.

mod collaboration;
mod invitation;
mod membership;
mod organisation;
mod person;
mod role;
mod statements;
mod token;

pub use collaboration::{
    CollaborationRow, CollaborationSettings, GroupRow, NewCollaboration, NewGroup, UnitCollaboration,
    add_group_members, add_units as add_collaboration_units, collaborations, collaborations_of_unit,
    create_collaboration, create_group, group_members, groups, remove_group_members,
    remove_units as remove_collaboration_units, units_of_collaborations, update_collaboration, update_group,
};
pub use invitation::{InvitationRow, NewInvitation, create_invitation, invitations};
pub use membership::{
    CollaborationMember, OrganisationMember, collaboration_members, organisation_members, put_collaboration_members,
    put_organisation_members, remove_collaboration_members, remove_organisation_members,
};
pub use organisation::{
    NewOrganisation, OrganisationRow, OrganisationSettings, UnitRow, add_units, count_members, create_organisation,
    end_unit, find_organisation, organisation_by_id, organisations, rename_unit, units, update_organisation,
};
pub use person::{
    PersonState, addresses_with_account, people_like, readdress_account, set_flags, set_identity, set_profile,
};
pub use role::{CollaborationRole, InvitationStatus, OrganisationRole};
pub(crate) use statements::STATEMENTS;
pub use token::{
    NewToken, TokenCaller, TokenRow, create_token, find_token_by_id, revoke_tokens, token_caller, tokens, touch_token,
};
