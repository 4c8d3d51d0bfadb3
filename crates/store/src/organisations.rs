//! Organisations, units, collaborations, groups, memberships and API tokens.

use crate::catalogue::sql;

sql! {
    ORGANISATION_BY_SHORT_NAME: "SELECT id, uuid, name FROM organisation WHERE short_name = $1";
}
