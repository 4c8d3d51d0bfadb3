//! `POST /api/collaborations/v1` (E1).

use app::organisations::{
    Logo, cleansed,
    create::{self, Request, Settings},
    is_label, is_web_address,
};
use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::Timestamp;
use http_kit::{Answer, Call};
use serde_json::Value;

use crate::{
    input::{self, Body, LONG, SHORT},
    problem::Failure,
    view::CollaborationView,
};

const REQUIRED: [&str; 6] = [
    "name",
    "description",
    "disable_join_requests",
    "disclose_member_information",
    "disclose_email_information",
    "administrators",
];
/// The largest picture, in bytes.
const LOGO: usize = 1 << 20;
const HOUR: i64 = 3600;

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let body = input::object(&mut call).await?;
    let request = request(&body, call.server().now())?;
    let (app, ctx) = call.admit()?;
    let made = create::create(app, ctx, request).await?;
    let view = CollaborationView::of(&made, &app.settings().public_url);
    Ok(Answer::json(StatusCode::CREATED, &view))
}

fn request(body: &Body, now: Timestamp) -> Result<Request, Failure> {
    let logo = logo(body)?;
    // A flag may be null and means no.
    let is_flag = |name: &str| name.starts_with("dis");
    let missing: Vec<String> = REQUIRED
        .into_iter()
        .filter(|name| !body.has(name) || (body.get(name).is_none() && !is_flag(name)))
        .map(|name| format!("'{name}'"))
        .collect();
    if !missing.is_empty() {
        return Err(Failure::bad(format!(
            "Missing required attributes: [{}]",
            missing.join(", ")
        )));
    }
    let short_name = body.text("short_name", SHORT)?;
    if body.has("short_name") {
        let given = short_name.as_deref().unwrap_or_default();
        let clean = cleansed(given);
        if given.is_empty() || given != clean {
            return Err(Failure::bad(format!("Invalid CO short_name: {clean}")));
        }
    }
    let labels = labels(body)?;
    if body.has("units") && body.get("units").is_none() {
        return Err(Failure::bad("'units' must be a list of texts"));
    }
    let administrators = administrators(body)?;
    let website_url = body.text("website_url", 512)?.map(|url| url.trim().to_owned());
    let website_url = website_url.filter(|url| !url.is_empty());
    if let Some(url) = website_url.as_ref().filter(|url| !is_web_address(url)) {
        return Err(Failure::bad(format!("'{url}' is not a valid uri")));
    }
    let name = body.name("name")?;
    Ok(Request {
        name: name.ok_or_else(|| Failure::bad("Missing required attributes: ['name']"))?,
        short_name,
        description: body.text("description", LONG)?.unwrap_or_default(),
        settings: Settings {
            website_url,
            support_email: support(body)?,
            disable_join_requests: body.flag("disable_join_requests")?,
            disclose_member_information: body.flag("disclose_member_information")?,
            disclose_email_information: body.flag("disclose_email_information")?,
        },
        expires_at: expiry(body, now)?,
        units: body.texts("units")?,
        labels,
        administrator: body.text("administrator", SHORT)?,
        administrators,
        message: body.text("message", LONG)?,
        logo,
    })
}

fn support(body: &Body) -> Result<Option<String>, Failure> {
    let given = body.text("support_email", SHORT)?.filter(|text| !text.is_empty());
    match given {
        Some(text) if !input::is_address(&text) => Err(Failure::bad(format!("Invalid emails ['{text}']"))),
        given => Ok(given),
    }
}

/// The addresses without doubles.
fn administrators(body: &Body) -> Result<Vec<String>, Failure> {
    let given = body.texts("administrators")?.unwrap_or_default();
    let bad: Vec<String> = given
        .iter()
        .filter(|text| !input::is_address(text))
        .map(|text| format!("'{text}'"))
        .collect();
    if !bad.is_empty() {
        return Err(Failure::bad(format!("Invalid emails [{}]", bad.join(", "))));
    }
    Ok(without_doubles(given))
}

/// Addresses are the same in whatever case.
pub(crate) fn without_doubles(addresses: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    addresses
        .into_iter()
        .filter(|address| seen.insert(address.to_lowercase()))
        .collect()
}

/// Labels are texts, or objects with a `tag_value`.
fn labels(body: &Body) -> Result<Vec<String>, Failure> {
    let wrong = || Failure::bad("'tags' must be a list of labels");
    let mut labels = Vec::new();
    match body.get("tags") {
        None => {}
        Some(Value::Array(given)) => {
            for label in given {
                match label {
                    Value::String(value) => labels.push(value.clone()),
                    Value::Object(members) => match members.get("tag_value") {
                        Some(Value::String(value)) => labels.push(value.clone()),
                        _ => return Err(wrong()),
                    },
                    _ => return Err(wrong()),
                }
            }
        }
        Some(_) => return Err(wrong()),
    }
    let bad: Vec<String> = labels
        .iter()
        .filter(|label| !is_label(label))
        .map(|label| format!("'{}'", label.chars().take(64).collect::<String>()))
        .collect();
    if bad.is_empty() {
        return Ok(labels);
    }
    Err(Failure::bad(format!(
        "Invalid collaboration labels: {}. A label must be 1 to 32 characters, start with a lowercase letter, and contain \
         only lowercase letters, digits, '_' and '-'.",
        bad.join(", ")
    )))
}

/// Four hours later, cut to the day (organisations contract 2.4.2).
fn expiry(body: &Body, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let Some(given) = body.seconds("expiry_date")? else {
        return Ok(None);
    };
    if given <= now {
        return Err(Failure::bad(format!(
            "It is not allowed to set the expiry date ({}) in the past",
            given.iso_millis()
        )));
    }
    let later = given.seconds() + 4 * HOUR;
    Ok(Some(Timestamp::from_seconds(later - later.rem_euclid(24 * HOUR))))
}

/// A picture in base64, alone or in a data URL. It is kept as it is, and served as what its first bytes say.
fn logo(body: &Body) -> Result<Option<Logo>, Failure> {
    let given = match body.get("logo") {
        None => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(Failure::bad("Invalid Logo: not a text")),
    };
    let encoded = match given.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,").map_or(rest, |(_, encoded)| encoded),
        None => given,
    };
    let bad = |reason: &str| Failure::bad(format!("Invalid Logo: {reason}"));
    let content = STANDARD.decode(encoded.trim()).map_err(|_| bad("Incorrect padding"))?;
    if content.len() > LOGO {
        return Err(bad("larger than 1 MiB"));
    }
    let media_type = match content.as_slice() {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => return Err(bad("cannot identify image file")),
    };
    Ok(Some(Logo {
        media_type: media_type.to_owned(),
        content,
    }))
}
