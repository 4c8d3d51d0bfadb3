//! Addresses that belong to no dialect: health, metrics, the built-in issuer, and the page of the first administrator.

mod invitations;

use std::{fmt::Write, sync::Arc};

use app::{
    App, Caller, Ctx, Error, Meter,
    accounts::{self, Registration},
    jobs,
};
use axum::{
    Form, Json, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use domain::{EmailAddress, Kind, Secret};
use http_kit::Metrics;
use identity::issuer::{DISCOVERY_PATH, JWKS_PATH};
use serde::Deserialize;
use serde_json::json;

#[derive(Clone)]
struct Server {
    app: Arc<App>,
    metrics: Arc<Metrics>,
}

impl Server {
    fn context(&self) -> Ctx {
        Ctx {
            caller: Caller::Anonymous,
            request_id: self.app.request_id(),
            meter: Arc::new(Meter::default()),
            via: "sign-in",
        }
    }
}

pub(crate) fn router(app: &Arc<App>, metrics: &Arc<Metrics>) -> Router {
    let server = Server {
        app: Arc::clone(app),
        metrics: Arc::clone(metrics),
    };
    Router::new()
        .route("/", get(home))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(print_metrics))
        .route(DISCOVERY_PATH, get(discovery))
        .route(JWKS_PATH, get(jwks))
        .route("/oauth/sign-in", post(sign_in))
        .route("/setup/{secret}", get(setup_page).post(setup))
        .merge(invitations::router())
        .with_state(server)
}

/// A page for browsers; for clients of the objects API the description they probe the service with (contract 1.13).
async fn home(State(server): State<Server>, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if !accepted.is_some_and(|types| types.contains("text/html")) {
        return Json(api_objects::describe(&server.app)).into_response();
    }
    let url = escape(&server.app.settings().public_url);
    let body = format!(
        "<p>This server shares files with those who may have them, and can say who that is.</p>\
         <p>Its objects API is at <a href=\"{url}/api/v1\">{url}/api/v1</a>.</p>"
    );
    page("Commonhold", &body).into_response()
}

/// Ready: the database and the default storage answer.
async fn readyz(State(server): State<Server>) -> Response {
    match server.app.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(error = %error, cause = error.source.as_deref(), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
        }
    }
}

async fn print_metrics(State(server): State<Server>) -> Response {
    let mut text = server.metrics.to_string();
    if let Ok((waiting, attempts)) = jobs::waiting(&server.app).await {
        let written = write!(
            text,
            "# TYPE outbox_waiting gauge\noutbox_waiting {waiting}\n# TYPE outbox_attempts_max gauge\noutbox_attempts_max {attempts}\n"
        );
        debug_assert!(written.is_ok(), "writing to a text cannot fail");
    }
    if let Ok((waiting, dead)) = app::sync::counts(&server.app).await {
        let written = write!(
            text,
            "# TYPE sync_jobs gauge\nsync_jobs{{state=\"unfinished\"}} {waiting}\nsync_jobs{{state=\"dead\"}} {dead}\n"
        );
        debug_assert!(written.is_ok(), "writing to a text cannot fail");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

async fn discovery(State(server): State<Server>) -> Json<serde_json::Value> {
    Json(server.app.issuer().discovery())
}

async fn jwks(State(server): State<Server>) -> Json<serde_json::Value> {
    Json(server.app.issuer().jwks())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: String,
}

/// Signs in to the built-in issuer: `{"email","password"}` for `{"access_token","token_type","expires_in"}`.
async fn sign_in(
    State(server): State<Server>,
    body: Result<Json<SignIn>, axum::extract::rejection::JsonRejection>,
) -> Response {
    let Ok(Json(given)) = body else {
        return problem(&Error::new(
            Kind::Invalid,
            "The body must be {\"email\": \"…\", \"password\": \"…\"}",
        ));
    };
    match accounts::sign_in(
        &server.app,
        &server.context(),
        &given.email,
        &Secret::new(given.password),
    )
    .await
    {
        Err(error) => problem(&error),
        Ok(token) => {
            let body = json!({
                "access_token": token.token.reveal(), "token_type": "Bearer", "expires_in": token.expires_in
            });
            (
                [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
                Json(body),
            )
                .into_response()
        }
    }
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Denied => StatusCode::FORBIDDEN,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Gone => StatusCode::GONE,
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Precondition => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::BadGateway => StatusCode::BAD_GATEWAY,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn problem(error: &Error) -> Response {
    let status = status(error.kind);
    if status.is_server_error() {
        tracing::error!(error = %error, cause = error.source.as_deref(), "a request failed");
    }
    let body = json!({ "title": status.canonical_reason(), "status": status.as_u16(), "detail": error.public });
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}

async fn setup_page(State(server): State<Server>, Path(secret): Path<String>) -> Response {
    match accounts::first_link_works(&server.app, &server.context(), &secret).await {
        Ok(true) => setup_form("", "", "").into_response(),
        Ok(false) => gone(),
        Err(error) => problem(&error),
    }
}

fn gone() -> Response {
    let text = "<p>The link has been used, or its time is over. Restart the server for a new one.</p>";
    (StatusCode::GONE, page("Set-up", text)).into_response()
}

fn setup_form(email: &str, name: &str, complaint: &str) -> Html<String> {
    let complaint = if complaint.is_empty() {
        String::new()
    } else {
        format!("<p role=alert>{}</p>", escape(complaint))
    };
    page(
        "Create the first administrator",
        &format!(
            "{complaint}<form method=post>\
             <p><label>E-mail address<br><input name=email type=email required autocomplete=username value=\"{}\"></label></p>\
             <p><label>Name<br><input name=name required autocomplete=name value=\"{}\"></label></p>\
             <p><label>Password (at least 8 characters)<br>\
             <input name=password type=password required minlength=8 autocomplete=new-password></label></p>\
             <p><button>Create</button></p></form>",
            escape(email),
            escape(name)
        ),
    )
}

#[derive(Deserialize)]
struct Setup {
    email: String,
    name: String,
    password: String,
}

async fn setup(State(server): State<Server>, Path(secret): Path<String>, Form(given): Form<Setup>) -> Response {
    let complain = |text: &str| {
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            setup_form(&given.email, &given.name, text),
        )
            .into_response()
    };
    let Ok(email) = EmailAddress::new(given.email.trim()) else {
        return complain("This is not an e-mail address.");
    };
    let registration = Registration {
        email,
        full_name: given.name.clone(),
        password: Some(Secret::new(given.password)),
        platform_administrator: true,
    };
    match accounts::register_first(&server.app, &server.context(), &secret, registration).await {
        Ok(_) => page(
            "Done",
            "<p>The administrator exists. Sign in with the address and password.</p>",
        )
        .into_response(),
        Err(error) => match error.kind {
            Kind::Denied => gone(),
            Kind::Invalid | Kind::Conflict => complain(&error.public),
            _ => problem(&error),
        },
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn page(title: &str, body: &str) -> Html<String> {
    let title = escape(title);
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'\">\
         <meta name=referrer content=no-referrer><title>{title}</title>\
         <style>body{{font:1.1rem/1.5 system-ui;max-width:34rem;margin:3rem auto;padding:0 1rem}}\
         input,button{{font:inherit;padding:.4rem;width:100%;box-sizing:border-box}}</style><h1>{title}</h1>{body}"
    ))
}
