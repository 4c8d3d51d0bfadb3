//! The route table of the organisations API: every address with what it needs. All need a token of an organisation; how far
//! that reaches, the use case decides.

use std::sync::Arc;

use app::App;
use axum::{Router, http::Method};
use http_kit::{Metrics, Mount, Needs, Route};

use crate::{collaborations, groups, image, invitations, organisation, problem::Organisations, services};

/// Where the tables live.
pub const MOUNTS: [&str; 7] = [
    "/api/collaborations/v1",
    "/api/collaborations_services/v1",
    "/api/groups/v1",
    "/api/invitations/v1",
    "/api/organisations/v1",
    "/api/services/v1",
    "/api/images",
];

type Table = Vec<Route<Organisations>>;

macro_rules! route {
    ($method:ident $path:literal $name:literal $handler:path) => {
        Route::new(Method::$method, $path, $name, Needs::TOKEN, $handler)
    };
}

/// Every route below a mount.
pub fn routes(mount: &str) -> Table {
    match mount {
        "/api/collaborations/v1" => vec![
            route!(POST "/" "createCollaboration" collaborations::create::handle),
            route!(GET "/" "listCollaborations" collaborations::no_list),
            route!(GET "/{co}" "readCollaboration" collaborations::read::handle),
            route!(DELETE "/{co}" "deleteCollaboration" collaborations::delete::handle),
            route!(PUT "/{co}/members" "setRole" collaborations::set_role::handle),
            route!(DELETE "/{co}/members/{uid}" "removeMember" collaborations::remove_member::handle),
            route!(PUT "/{co}/units" "setUnits" collaborations::set_units::handle),
        ],
        "/api/collaborations_services/v1" => vec![
            route!(PUT "/connect_collaboration_service/{co}" "connectService" services::connect::handle),
            route!(PUT "/connect_collaboration_service" "connectServiceByShortName" services::connect::handle),
            route!(PUT "/disconnect_collaboration_service/{co}" "disconnectService" services::disconnect::handle),
            route!(PUT "/disconnect_collaboration_service" "disconnectServiceByShortName" services::disconnect::handle),
        ],
        "/api/groups/v1" => vec![
            route!(POST "/" "createGroup" groups::create::handle),
            route!(DELETE "/{group}" "deleteGroup" groups::delete::handle),
            route!(POST "/{group}" "addGroupMember" groups::add_member::handle),
            route!(PUT "/{group}" "updateGroup" groups::update::handle),
            route!(DELETE "/{group}/members/{uid}" "removeGroupMember" groups::remove_member::handle),
        ],
        "/api/invitations/v1" => vec![
            route!(PUT "/collaboration_invites" "invite" invitations::invite::handle),
            route!(GET "/invitations/{co}" "openInvitations" invitations::list::handle),
            route!(GET "/{ext}" "readInvitation" invitations::read::handle),
            route!(DELETE "/{ext}" "deleteInvitation" invitations::delete::handle),
            route!(PUT "/resend/{ext}" "resendInvitation" invitations::resend::handle),
            route!(PATCH "/update/{ext}" "updateInvitation" invitations::update::handle),
        ],
        "/api/organisations/v1" => vec![route!(GET "/" "readOrganisation" organisation::handle)],
        "/api/services/v1" => vec![route!(GET "/access/{user_id}" "servicesOfPerson" services::of_person::handle)],
        "/api/images" => vec![
            Route::new(
                Method::GET,
                "/collaborations/{id}",
                "readLogo",
                Needs::NOTHING,
                image::handle,
            )
            .embeddable(),
        ],
        _ => Vec::new(),
    }
}

/// The router of the organisations API, counting into the server's metrics.
pub fn router_with_metrics(app: &Arc<App>, metrics: &Arc<Metrics>) -> Router {
    let dialect = Organisations {
        public_url: app.settings().public_url.clone(),
    };
    MOUNTS.into_iter().fold(Router::new(), |router, mount| {
        let table = http_kit::router(
            dialect.clone(),
            Arc::clone(app),
            metrics,
            &[Mount::Tree(mount)],
            routes(mount),
        );
        router.merge(table.expect("the tables have no two routes alike"))
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::{MOUNTS, routes};

    #[test]
    fn every_route_is_declared_once_and_says_what_it_needs() {
        let mut declared = String::new();
        for mount in MOUNTS {
            for route in routes(mount) {
                writeln!(declared, "{mount}: {route:?}").unwrap();
            }
        }
        assert_eq!(declared, include_str!("routes.golden"));
    }

    #[test]
    fn tables_make_routers() {
        for mount in MOUNTS {
            assert!(
                !routes(mount).is_empty() && http_kit::check(routes(mount)).is_ok(),
                "{mount}"
            );
        }
    }
}
