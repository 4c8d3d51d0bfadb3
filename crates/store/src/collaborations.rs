//! Collaborations as the organisations API shows and changes them: one statement for each relation, whatever the number of
//! collaborations, and the condition of a token's scope where lists are made.

mod change;
mod list;
mod member;
mod part;
mod statements;

pub use change::{
    Copy, Logo, NewMembership, WrittenGroup, add_group_member, copy_groups, delete, delete_group, find_logo,
    join_groups_by_all, new_membership, put_logo, remove_from_group, remove_member, set_group, set_role, touch,
    write_group,
};
pub use list::{Collaboration, Filter, find, find_by_id, find_in, list, taken_names};
pub use member::{Member, Somebody, find_person_by_uid, is_member, members, people_with_uid, uid};
pub use part::{FoundGroup, Group, Part, find_group, group_memberships, parts, service_of_row};
pub(crate) use statements::STATEMENTS;
