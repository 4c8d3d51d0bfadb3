//! The route table of the objects API: every address with what it needs (objects contract, section 3.6).

use std::sync::Arc;

use app::{App, PermissionCode as Code, labels::Label, objects::LabelChange};
use axum::{Router, http::Method};
use http_kit::{Authentication, Metrics, Mount, Needs, On, Route};

use crate::{
    buckets, info, invites, labels, objects, openapi,
    permissions::{Kind, grant, list, revoke, search},
    problem::Objects,
    sync, uploads, users, versions,
};

/// Every route below `/api/v1`.
pub fn routes() -> Vec<Route<Objects>> {
    let mut table = vec![
        Route::new(Method::GET, "/", "directory", Needs::NOTHING, info::directory),
        Route::new(
            Method::GET,
            "/permission",
            "permissionDirectory",
            Needs::NOTHING,
            info::permissions,
        ),
        Route::new(
            Method::GET,
            "/docs",
            "documentation",
            Needs::NOTHING,
            openapi::serve::html,
        ),
        Route::new(
            Method::GET,
            "/docs/api-spec.json",
            "specification",
            Needs::NOTHING,
            openapi::serve::json,
        ),
        Route::new(
            Method::GET,
            "/docs/api-spec.yaml",
            "specificationYaml",
            Needs::NOTHING,
            openapi::serve::yaml,
        ),
        Route::new(
            Method::GET,
            "/user",
            "searchUsers",
            Needs::AUTHENTICATION,
            users::search::handle,
        ),
        Route::new(
            Method::GET,
            "/user/idpList",
            "listIdps",
            Needs::AUTHENTICATION,
            users::identity_providers::handle,
        ),
    ];
    table.extend(sync_routes());
    table.extend(bucket_routes());
    table.extend(object_routes());
    table.extend(invite_routes());
    table.extend(label_routes());
    table.extend(upload_routes());
    for (path, one, name, kind) in [
        (
            "/permission/bucket",
            "/permission/bucket/{bucketId}",
            "Bucket",
            Kind::BUCKET_USER,
        ),
        (
            "/permission/object",
            "/permission/object/{objectId}",
            "Object",
            Kind::OBJECT_USER,
        ),
        (
            "/permission/idp/bucket",
            "/permission/idp/bucket/{bucketId}",
            "IdpBucket",
            Kind::BUCKET_IDP,
        ),
        (
            "/permission/idp/object",
            "/permission/idp/object/{objectId}",
            "IdpObject",
            Kind::OBJECT_IDP,
        ),
    ] {
        table.extend(permission_routes(path, one, name, kind));
    }
    table
}

fn sync_routes() -> Vec<Route<Objects>> {
    let basic = Needs {
        authentication: Authentication::BasicOnly,
        ..Needs::AUTHENTICATION
    };
    vec![
        Route::new(Method::GET, "/sync", "syncDefault", basic, sync::default::handle),
        Route::new(
            Method::GET,
            "/sync/status",
            "syncStatus",
            Needs::AUTHENTICATION,
            sync::status::handle,
        ),
    ]
}

fn bucket_routes() -> Vec<Route<Objects>> {
    const ONE: &str = "/bucket/{bucketId}";
    let on_bucket = |code| Needs::code(code, On::Bucket);
    vec![
        Route::new(
            Method::PUT,
            "/bucket",
            "createBucket",
            Needs::AUTHENTICATION.elevated(),
            buckets::create::handle,
        ),
        Route::new(
            Method::GET,
            "/bucket",
            "searchBuckets",
            Needs::AUTHENTICATION,
            buckets::search::handle,
        ),
        Route::new(
            Method::HEAD,
            ONE,
            "headBucket",
            on_bucket(Code::Read),
            buckets::head::handle,
        ),
        Route::new(
            Method::GET,
            ONE,
            "readBucket",
            on_bucket(Code::Read).or_public(),
            buckets::read::handle,
        ),
        Route::new(
            Method::PATCH,
            ONE,
            "updateBucket",
            on_bucket(Code::Manage).elevated(),
            buckets::update::handle,
        ),
        Route::new(
            Method::DELETE,
            ONE,
            "deleteBucket",
            on_bucket(Code::Delete).elevated(),
            buckets::delete::handle,
        ),
        Route::new(
            Method::PUT,
            "/bucket/{bucketId}/child",
            "createBucketChild",
            on_bucket(Code::Create),
            buckets::child::handle,
        ),
        Route::new(
            Method::PATCH,
            "/bucket/{bucketId}/public",
            "toggleBucketPublic",
            on_bucket(Code::Manage).elevated(),
            buckets::public::handle,
        ),
        // With recursive=true MANAGE and the elevated guard: the use case and the handler see to it.
        Route::new(
            Method::GET,
            "/bucket/{bucketId}/sync",
            "syncBucket",
            on_bucket(Code::Read),
            sync::bucket::handle,
        ),
    ]
}

/// Uploads that can be resumed.
fn upload_routes() -> Vec<Route<Objects>> {
    const ONE: &str = "/upload/{uploadId}";
    let needs = Needs::AUTHENTICATION;
    vec![
        Route::new(
            Method::POST,
            "/upload",
            "beginUpload",
            Needs::code(Code::Create, On::BucketInQuery),
            uploads::begin::handle,
        ),
        Route::new(Method::HEAD, ONE, "headUpload", needs, uploads::status::handle),
        Route::new(Method::PATCH, ONE, "appendUpload", needs, uploads::append::handle),
        Route::new(
            Method::DELETE,
            ONE,
            "terminateUpload",
            needs,
            uploads::terminate::handle,
        ),
    ]
}

/// An invite names its resource in the body or is named by a secret: what a route needs there is decided by its use case.
fn invite_routes() -> Vec<Route<Objects>> {
    vec![
        Route::new(
            Method::POST,
            "/permission/invite",
            "createInvite",
            Needs::AUTHENTICATION.elevated(),
            invites::create::handle,
        ),
        Route::new(
            Method::GET,
            "/permission/invite/pending",
            "listInvites",
            Needs::AUTHENTICATION,
            invites::pending::handle,
        ),
        Route::new(
            Method::DELETE,
            "/permission/invite/pending/{inviteId}",
            "revokeInvite",
            Needs::AUTHENTICATION.elevated(),
            invites::revoke::handle,
        ),
        Route::new(
            Method::GET,
            "/permission/invite/{token}",
            "useInvite",
            Needs {
                authentication: Authentication::BearerOnly,
                ..Needs::NOTHING
            },
            invites::redeem::handle,
        ),
    ]
}

fn object_routes() -> Vec<Route<Objects>> {
    const ONE: &str = "/object/{objectId}";
    const VERSIONS: &str = "/object/{objectId}/version";
    let on_object = |code| Needs::code(code, On::Object);
    let upload = Needs::code(Code::Create, On::BucketInQuery);
    vec![
        Route::new(
            Method::GET,
            "/object",
            "searchObjects",
            Needs::NOTHING,
            objects::search::handle,
        ),
        Route::new(Method::PUT, "/object", "createObject", upload, objects::create::handle),
        Route::new(
            Method::POST,
            "/object",
            "createObjectByForm",
            upload,
            objects::create_form::handle,
        ),
        Route::new(
            Method::HEAD,
            ONE,
            "headObject",
            on_object(Code::Read).or_public(),
            objects::head::handle,
        ),
        Route::new(
            Method::GET,
            ONE,
            "readObject",
            on_object(Code::Read).or_public(),
            objects::read::handle,
        )
        .embeddable(),
        Route::new(
            Method::PUT,
            ONE,
            "updateObject",
            on_object(Code::Update),
            objects::update::handle,
        ),
        Route::new(
            Method::DELETE,
            ONE,
            "deleteObject",
            on_object(Code::Delete),
            objects::delete::handle,
        ),
        Route::new(
            Method::PATCH,
            "/object/{objectId}/public",
            "toggleObjectPublic",
            on_object(Code::Manage).elevated(),
            objects::public::handle,
        ),
        Route::new(
            Method::GET,
            "/object/{objectId}/sync",
            "syncObject",
            on_object(Code::Read),
            sync::object::handle,
        ),
        Route::new(
            Method::GET,
            VERSIONS,
            "listObjectVersion",
            on_object(Code::Read),
            versions::list::handle,
        ),
        Route::new(
            Method::PUT,
            VERSIONS,
            "copyVersion",
            on_object(Code::Update),
            versions::copy::handle,
        ),
    ]
}

/// The routes of metadata and of tags: both kinds of pairs have the same.
fn label_routes() -> Vec<Route<Objects>> {
    let mut table = Vec::new();
    for (label, of_object, of_objects, of_versions, all, [add, replace, remove, fetch, of_version, search]) in [
        (
            Label::Metadata,
            "/object/{objectId}/metadata",
            "/object/metadata",
            "/version/metadata",
            "/metadata",
            [
                "addMetadata",
                "replaceMetadata",
                "deleteMetadata",
                "fetchMetadata",
                "fetchVersionMetadata",
                "searchMetadata",
            ],
        ),
        (
            Label::Tags,
            "/object/{objectId}/tagging",
            "/object/tagging",
            "/version/tagging",
            "/tagging",
            [
                "addTags",
                "replaceTags",
                "deleteTags",
                "fetchTags",
                "fetchVersionTags",
                "searchTags",
            ],
        ),
    ] {
        let update = Needs::code(Code::Update, On::Object);
        for (method, name, change) in [
            (Method::PATCH, add, LabelChange::Add as fn(_) -> _),
            (Method::PUT, replace, LabelChange::Replace),
            (Method::DELETE, remove, LabelChange::Remove),
        ] {
            table.push(Route::new(method, of_object, name, update, move |call| {
                labels::change::handle(call, label, change)
            }));
        }
        let signed_in = Needs::AUTHENTICATION;
        table.push(Route::new(Method::GET, of_objects, fetch, signed_in, move |call| {
            labels::of_objects::handle(call, label)
        }));
        table.push(Route::new(
            Method::GET,
            of_versions,
            of_version,
            signed_in,
            move |call| labels::of_versions::handle(call, label),
        ));
        table.push(Route::new(Method::GET, all, search, signed_in, move |call| {
            labels::known::handle(call, label)
        }));
    }
    table
}

/// The four routes of one kind of permission rows. Reading a bucket's rows takes READ, an object's MANAGE.
fn permission_routes(path: &'static str, one: &'static str, kind_name: &str, kind: Kind) -> Vec<Route<Objects>> {
    use crate::rows::Item;
    let (on, reading) = match kind.item {
        Item::Bucket => (On::Bucket, Code::Read),
        Item::Object => (On::Object, Code::Manage),
    };
    let changing = Needs::code(Code::Manage, on).elevated();
    let name = |verb: &str| format!("{verb}{kind_name}Permissions");
    vec![
        Route::new(Method::GET, path, name("search"), Needs::AUTHENTICATION, move |call| {
            search::handle(call, kind)
        }),
        Route::new(Method::GET, one, name("list"), Needs::code(reading, on), move |call| {
            list::handle(call, kind)
        }),
        Route::new(Method::PUT, one, name("add"), changing, move |call| {
            grant::handle(call, kind)
        }),
        Route::new(Method::DELETE, one, name("remove"), changing, move |call| {
            revoke::handle(call, kind)
        }),
    ]
}

/// The service description at `/api`.
fn service() -> Vec<Route<Objects>> {
    vec![Route::new(Method::GET, "/", "service", Needs::NOTHING, info::root)]
}

/// The description of this API at `/openapi/objects.json`, embeddable: tools of other sites may read it.
fn specification() -> Vec<Route<Objects>> {
    let handle = openapi::serve::json;
    vec![Route::new(Method::GET, "/", "openapi", Needs::NOTHING, handle).embeddable()]
}

/// The same as a page at `/docs`.
fn documentation() -> Vec<Route<Objects>> {
    vec![Route::new(
        Method::GET,
        "/",
        "docs",
        Needs::NOTHING,
        openapi::serve::html,
    )]
}

/// The server's own download links.
fn links() -> Vec<Route<Objects>> {
    vec![
        Route::new(
            Method::GET,
            "/{objectId}",
            "readLink",
            Needs::NOTHING,
            objects::link::handle,
        )
        .embeddable(),
    ]
}

/// The router of the objects API: `/api/v1` (and its alias `/v1`), `/api`, and the links it hands out.
pub fn router(app: Arc<App>) -> Router {
    router_with_metrics(app, &Arc::default())
}

/// The same, counting into the server's metrics.
pub fn router_with_metrics(app: Arc<App>, metrics: &Arc<Metrics>) -> Router {
    let build = |app, mounts: &[Mount], table| {
        http_kit::router(Objects, app, metrics, mounts, table).expect("the tables have no two routes alike")
    };
    build(
        Arc::clone(&app),
        &[Mount::Tree("/api/v1"), Mount::Tree("/v1")],
        routes(),
    )
    .merge(build(Arc::clone(&app), &[Mount::Exact("/api")], service()))
    .merge(build(
        Arc::clone(&app),
        &[Mount::Exact("/openapi/objects.json")],
        specification(),
    ))
    .merge(build(Arc::clone(&app), &[Mount::Exact("/docs")], documentation()))
    .merge(build(app, &[Mount::Tree("/links")], links()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_declared_once_and_says_what_it_needs() {
        let declared: Vec<String> = routes().iter().map(|route| format!("{route:?}")).collect();
        assert_eq!(declared.join("\n") + "\n", include_str!("routes.golden"));
    }

    #[test]
    fn tables_make_a_router() {
        for table in [routes(), service(), specification(), documentation(), links()] {
            assert!(http_kit::check(table).is_ok());
        }
    }
}
