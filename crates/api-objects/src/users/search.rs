//! `GET /user` (searchUsers, section 4.12.1).

use app::people::{self, PersonFilter};
use axum::http::StatusCode;
use http_kit::{Answer, Call};

use crate::{
    identity_provider,
    problem::Failure,
    rows::UserRow,
    validate::{Fields, Reader, rules},
};

const LONGEST: usize = 255;

/// What a caller who is not elevated may search by while the privacy mask is on (section 1.12).
const MASKED: [&str; 4] = ["email", "userId", "identityId", "username"];

/// People who match all that is asked, by last and first name.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let (filter, exact) = reader.query(&call, |query| (fields(query), query.within(&MASKED)))?;
    let filter = reader.finish(|| Some(filter))?;
    if !exact {
        call.require_elevation()?;
    }
    let (app, context) = call.admit()?;
    let views = people::search(app, context, filter).await?;
    let rows: Vec<UserRow> = views.into_iter().map(UserRow::from).collect();
    Ok(Answer::json(StatusCode::OK, &rows))
}

fn fields(query: &mut Fields<'_>) -> PersonFilter {
    query.not_empty();
    PersonFilter {
        uuids: query.many("userId", rules::uuid4),
        identity_ids: query.many("identityId", rules::text(LONGEST)),
        idps: query.many("idp", identity_provider(LONGEST)),
        username: query.one("username", rules::text(LONGEST)),
        email: query.one("email", rules::text(LONGEST)),
        first_name: query.one("firstName", rules::letters_and_digits(LONGEST)),
        last_name: query.one("lastName", rules::letters_and_digits(LONGEST)),
        full_name: query.one("fullName", rules::full_name(LONGEST)),
        search: query.one("search", rules::text(LONGEST)),
        active: query.boolean("active"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::query;

    fn read(text: &str) -> (PersonFilter, bool, String) {
        let mut reader = Reader::default();
        let map = query::parse(text).unwrap();
        let (filter, exact) = reader.parsed_query(&map, |query| (fields(query), query.within(&MASKED)));
        (filter, exact, reader.faults().detail())
    }

    #[test]
    fn some_filter_is_needed() {
        assert_eq!(read("").2, "\"value\" must have at least 1 key");
        assert_eq!(
            read("userId=00000000-0000-0000-0000-000000000000").2,
            "\"userId[0]\" must be a valid GUID"
        );
    }

    #[test]
    fn exact_keys_stay_open_under_the_mask() {
        assert!(read("email=a@b&userId=x&identityId=1&username=u").1);
        for text in ["search=a", "lastName=a", "email=a@b&active=true", "idp=x"] {
            assert!(!read(text).1, "{text}");
        }
    }

    #[test]
    fn the_old_name_of_a_provider_is_understood() {
        let (filter, _, faults) = read("idp=azureidir&identityId=1,2");
        assert_eq!(
            (filter.idps, filter.identity_ids),
            (vec!["idir".to_owned()], vec!["1".to_owned(), "2".to_owned()])
        );
        assert_eq!(faults, "");
    }
}
