//! The edge: one place where a request gets its id, its caller, its route, its guards, its headers and its log line.

use std::{
    borrow::Cow,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use app::{AccountHeaders, App, AuthenticationError, Caller, Ctx, Meter, Mode};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header},
    routing::any,
};
use futures_util::FutureExt;
use identity::Credentials;

use crate::{
    Answer, Authentication, Call, Metrics, Route, headers,
    metrics::{InFlight, RouteMetrics},
    rest::Rest,
    table::{Found, Table},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a dialect adds: how it spells failures.
pub trait Dialect: Send + Sync + 'static {
    /// What its handlers fail with.
    type Failure: From<Refusal> + Send + 'static;

    /// Its name in logs, metrics and the audit trail.
    const NAME: &'static str;

    /// Whether tokens of organisations are credentials here.
    const TAKES_TOKENS: bool = false;

    /// What `OPTIONS` of a path below the mount says beside what lets scripts of other sites ask.
    fn options(&self, below: &str) -> &'static [(&'static str, &'static str)] {
        let _ = below;
        &[]
    }

    /// The answer to a failure. Logs the cause of what is the server's own fault: nobody does it after this.
    fn failure(&self, asked: &Asked<'_>, failure: Self::Failure) -> Answer;
}

/// What a failure may say about the request that led to it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a Method,
    /// The address as it was sent.
    pub uri: &'a Uri,
    /// The request's id.
    pub request_id: &'a str,
}

/// Why a request does not reach its use case.
#[derive(Debug)]
pub enum Refusal {
    /// No such path, or not with this method.
    UnknownRoute,
    /// The credentials do not hold.
    Authentication(AuthenticationError),
    /// The route needs credentials (or other ones), and there are none.
    CredentialsNeeded,
    /// Credentials of this kind can never work in the server's mode.
    NotInMode {
        /// The server's mode.
        mode: Mode,
        /// `BASIC`, `BEARER` or `NONE`.
        kind: &'static str,
    },
    /// The caller's identity provider is not an elevated one.
    NotElevated,
    /// The request cannot be read. The text is fit for the caller.
    Malformed(Cow<'static, str>),
    /// The body is larger than [`crate::JSON_LIMIT`].
    TooLarge,
    /// The handler panicked.
    Panicked,
}

/// Where a table of routes lives.
#[derive(Clone, Copy, Debug)]
pub enum Mount {
    /// At a prefix, everything below it included.
    Tree(&'static str),
    /// At one address only (with or without a trailing slash): the table has one path, `/`.
    Exact(&'static str),
}

/// Builds the router of a table. All mounts answer the same.
pub fn router<D: Dialect>(
    dialect: D,
    app: Arc<App>,
    metrics: &Arc<Metrics>,
    mounts: &[Mount],
    table: Vec<Route<D>>,
) -> Result<Router, matchit::InsertError> {
    let mut router = Router::new();
    let table = Table::new(table)?;
    let counters = count(table.routes(), metrics);
    let edge = Arc::new(Edge {
        dialect,
        app,
        metrics: Arc::clone(metrics),
        prefixes: mounts
            .iter()
            .map(|mount| match mount {
                Mount::Tree(prefix) | Mount::Exact(prefix) => *prefix,
            })
            .collect(),
        table,
        counters,
    });
    for mount in mounts {
        let serve = |edge: &Arc<Edge<D>>| {
            let edge = Arc::clone(edge);
            any(move |request: Request| {
                let edge = Arc::clone(&edge);
                async move { edge.serve(request).await }
            })
        };
        let (Mount::Tree(prefix) | Mount::Exact(prefix)) = mount;
        router = router
            .route(prefix, serve(&edge))
            .route(&format!("{prefix}/"), serve(&edge));
        if let Mount::Tree(prefix) = mount {
            router = router.route(&format!("{prefix}/{{*path}}"), serve(&edge));
        }
    }
    Ok(router)
}

/// One set of counters per route, and one more for requests that no route matches.
fn count<D: Dialect>(table: &[Route<D>], metrics: &Metrics) -> Arc<[RouteMetrics]> {
    let known = table
        .iter()
        .map(|route| RouteMetrics::new(D::NAME, route.method.as_str(), route.path));
    metrics.register(known.chain([RouteMetrics::new(D::NAME, "", "")]))
}

struct Edge<D: Dialect> {
    dialect: D,
    app: Arc<App>,
    metrics: Arc<Metrics>,
    prefixes: Vec<&'static str>,
    table: Table<D>,
    counters: Arc<[RouteMetrics]>,
}

impl<D: Dialect> Edge<D> {
    async fn serve(&self, request: Request) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if headers::is_preflight(&parts.method) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            *response.headers_mut() = headers::preflight(&parts.headers);
            headers::harden(response.headers_mut(), false);
            let mut prefixes = self.prefixes.iter();
            let below = prefixes.find_map(|prefix| parts.uri.path().strip_prefix(prefix));
            for (name, value) in self.dialect.options(below.unwrap_or_default()) {
                let name = HeaderName::from_static(name);
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            return response;
        }
        let below = self
            .prefixes
            .iter()
            .find_map(|prefix| parts.uri.path().strip_prefix(prefix));
        let found = below.map_or(Ok(None), |below| self.table.find(&parts.method, below));
        let place = found.as_ref().ok().and_then(Option::as_ref).map(|(at, _)| *at);
        let route = place.and_then(|at| self.table.get(at));
        let mut entry = Entry {
            started: Instant::now(),
            request_id: self.app.request_id(),
            meter: Arc::new(Meter::default()),
            who: Who::Unknown,
            dialect: D::NAME,
            method: parts.method.clone(),
            template: route.map_or("", |route| route.path),
            counters: Arc::clone(&self.counters),
            place: place.unwrap_or(self.table.routes().len()),
            finished: false,
            _in_flight: self.metrics.enter(),
        };
        // The handler gets the headers; what the answer needs of them is kept.
        let origin = parts.headers.get(header::ORIGIN).cloned();
        let mut conditions = HeaderMap::new();
        for tags in parts.headers.get_all(header::IF_NONE_MATCH) {
            conditions.append(header::IF_NONE_MATCH, tags.clone());
        }
        let (body, rest) = Rest::of(body, &parts.headers);
        let request = (parts.method.clone(), parts.uri.clone(), parts.headers, body);
        let outcome = self.run(found, &mut entry, request);
        let answer = match AssertUnwindSafe(outcome).catch_unwind().await {
            Ok(Ok(answer)) => answer,
            failed => {
                let failure = match failed {
                    Ok(Err(failure)) => failure,
                    _ => Refusal::Panicked.into(),
                };
                let asked = Asked {
                    method: &parts.method,
                    uri: &parts.uri,
                    request_id: &entry.request_id,
                };
                self.dialect.failure(&asked, failure)
            }
        };
        let (mut response, bytes) = answer.into_response(&parts.method, &conditions);
        headers::harden(response.headers_mut(), route.is_some_and(|route| route.embeddable));
        headers::share(response.headers_mut(), origin.as_ref());
        if let Ok(id) = HeaderValue::from_str(&entry.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if response.status().as_u16() >= 400 {
            rest.discard();
        }
        entry.finish(response.status(), bytes);
        response
    }

    /// Authenticates, guards and handles.
    async fn run(
        &self,
        found: Result<Found, Refusal>,
        entry: &mut Entry,
        request: (Method, Uri, HeaderMap, Body),
    ) -> Result<Answer, D::Failure> {
        let credentials = Credentials::parse(
            request
                .2
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok()),
        );
        let text = |name| request.2.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let account = AccountHeaders {
            endpoint: text("x-amz-endpoint"),
            bucket: text("x-amz-bucket"),
        };
        let caller = self
            .app
            .authenticate(&credentials, account, D::TAKES_TOKENS, &entry.meter)
            .await
            .map_err(Refusal::Authentication)?;
        entry.who = Who::of(&caller);
        let (at, parameters) = found?.ok_or(Refusal::UnknownRoute)?;
        let route = self.table.get(at).ok_or(Refusal::UnknownRoute)?;
        guard(self.app.mode(), route.needs.authentication, &caller)?;
        let context = Ctx {
            caller,
            request_id: entry.request_id.clone(),
            meter: Arc::clone(&entry.meter),
            via: D::NAME,
        };
        let call = Call::new(Arc::clone(&self.app), context, route.needs, request, parameters);
        (route.handler)(call).await
    }
}

/// The guards before validation (objects contract, sections 1.4 and 3.6).
fn guard(mode: Mode, needed: Authentication, caller: &Caller) -> Result<(), Refusal> {
    let kind = caller.kind();
    let possible = match needed {
        Authentication::Optional | Authentication::Required => !(mode == Mode::OidcAuth && kind == "BASIC"),
        Authentication::BearerOnly => mode != Mode::BasicAuth,
        Authentication::Token => true,
        Authentication::BasicOnly => mode != Mode::OidcAuth,
    };
    if !possible {
        return Err(Refusal::NotInMode { mode, kind });
    }
    let enough = match needed {
        Authentication::Optional => true,
        // Who has other credentials than a token is told so by the use case.
        Authentication::Required | Authentication::Token => kind != "NONE",
        Authentication::BearerOnly => kind == "BEARER",
        Authentication::BasicOnly => kind == "BASIC",
    };
    if enough || (mode == Mode::NoAuth && needed != Authentication::Token) {
        Ok(())
    } else {
        Err(Refusal::CredentialsNeeded)
    }
}

/// Who a request was from, as the log names them.
enum Who {
    Unknown,
    Anonymous,
    Anybody,
    Basic,
    ServiceAccount,
    Person(uuid::Uuid),
    Token(uuid::Uuid),
}

impl Who {
    fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Anonymous => Self::Anonymous,
            Caller::Anybody => Self::Anybody,
            Caller::Superuser => Self::Basic,
            Caller::ServiceAccount(_) => Self::ServiceAccount,
            Caller::Person(person) => Self::Person(person.uuid),
            Caller::Token(token) => Self::Token(token.uuid),
        }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Anybody => f.write_str("anybody"),
            Self::Basic => f.write_str("basic"),
            Self::ServiceAccount => f.write_str("s3-account"),
            Self::Person(uuid) => uuid.fmt(f),
            Self::Token(uuid) => write!(f, "token {uuid}"),
        }
    }
}

/// The log line and the counters of one request. Dropped before it is finished, it says that the client went away.
struct Entry {
    started: Instant,
    request_id: String,
    meter: Arc<Meter>,
    who: Who,
    dialect: &'static str,
    method: Method,
    template: &'static str,
    counters: Arc<[RouteMetrics]>,
    place: usize,
    finished: bool,
    _in_flight: InFlight,
}

impl Entry {
    fn finish(mut self, status: StatusCode, bytes: u64) {
        self.finished = true;
        let took = self.started.elapsed();
        if let Some(counters) = self.counters.get(self.place) {
            counters.count(status, took);
        }
        self.log(status.as_u16(), took, bytes);
    }

    fn log(&self, status: u16, took: Duration, bytes: u64) {
        tracing::info!(
            who = %self.who,
            api = self.dialect,
            method = %self.method,
            route = self.template,
            status,
            microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            statements = self.meter.statements(),
            rows = self.meter.rows(),
            bytes,
            request_id = %self.request_id,
            "request"
        );
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.finished {
            if let Some(counters) = self.counters.get(self.place) {
                counters.abandon();
            }
            self.log(0, self.started.elapsed(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::PersonId;

    use super::*;

    /// How the guard answers nobody, the superuser and a person.
    fn answers(mode: Mode, needed: Authentication) -> [&'static str; 3] {
        let person = app::Person {
            id: PersonId(1),
            uuid: uuid::Uuid::nil(),
            idp: None,
            email: None,
            email_in_doubt: false,
        };
        [Caller::Anonymous, Caller::Superuser, Caller::Person(person)].map(|caller| {
            match guard(mode, needed, &caller) {
                Ok(()) => "pass",
                Err(Refusal::CredentialsNeeded) => "403",
                Err(Refusal::NotInMode { .. }) => "501",
                Err(other) => panic!("{other:?}"),
            }
        })
    }

    #[test]
    fn guards_follow_the_mode() {
        use Authentication::{BasicOnly, BearerOnly, Optional, Required};
        for (mode, needed, wanted) in [
            (Mode::FullAuth, Optional, ["pass", "pass", "pass"]),
            (Mode::FullAuth, Required, ["403", "pass", "pass"]),
            (Mode::FullAuth, BearerOnly, ["403", "403", "pass"]),
            (Mode::FullAuth, BasicOnly, ["403", "pass", "403"]),
            (Mode::OidcAuth, Optional, ["pass", "501", "pass"]),
            (Mode::OidcAuth, Required, ["403", "501", "pass"]),
            (Mode::OidcAuth, BasicOnly, ["501", "501", "501"]),
            (Mode::BasicAuth, BearerOnly, ["501", "501", "501"]),
            (Mode::NoAuth, Required, ["pass", "pass", "pass"]),
            (Mode::NoAuth, BearerOnly, ["pass", "pass", "pass"]),
        ] {
            assert_eq!(answers(mode, needed), wanted, "{mode:?} {needed:?}");
        }
    }
}
