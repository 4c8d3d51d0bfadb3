//! Effects from the outbox: mail, bytes of the server's own storage that nobody refers to any more, and what access
//! control lists in S3 still give to anyone.

use blob::Key;
use domain::{Kind, Timestamp};
use store::{
    Access, Op, Session, files,
    outbox::{self, Effect},
};

use super::acl::{self, Withdraw};
use crate::{App, Error, Result, mail, objects::purge};

/// Keys in one effect: as much as one node does under one lease.
const BATCH: usize = 200;
/// Effects claimed at once.
const CLAIM: i64 = 20;
/// How long a claim holds, in seconds.
const LEASE_SECONDS: i64 = 120;
/// The longest pause between two attempts, in seconds.
const MAX_PAUSE: i64 = 3600;

const DELETE_BYTES: &str = "bytes.delete";
const WITHDRAW: &str = "acl.withdraw";

/// Has bytes of the server's own storage deleted after the commit.
pub(crate) async fn delete_bytes<S: Session>(s: &mut S, keys: &[String], now: Timestamp) -> Result<()> {
    for batch in keys.chunks(BATCH) {
        let payload = serde_json::to_string(batch).map_err(|error| internal("keys cannot be written", error))?;
        outbox::insert(s, DELETE_BYTES, &payload, now).await?;
    }
    Ok(())
}

/// Has what lists give to anyone taken away after the commit.
pub(crate) async fn withdraw<S: Session>(s: &mut S, what: &Withdraw, now: Timestamp) -> Result<()> {
    let payload = serde_json::to_string(what).map_err(|error| internal("an effect cannot be written", error))?;
    Ok(outbox::insert(s, WITHDRAW, &payload, now).await?)
}

fn internal(text: &'static str, error: serde_json::Error) -> Error {
    Error::new(Kind::Internal, text).because(error)
}

/// Carries out effects that are due; answers how many there were.
pub(super) async fn work(app: &App, holder: &str) -> Result<usize> {
    let ctx = app.job_context();
    let now = app.now();
    // Looked at without a claim first: an idle server writes nothing.
    if app.store().run(Waiting, &ctx.meter).await?.0 == 0 {
        return Ok(0);
    }
    let claim = Claim {
        holder: holder.to_owned(),
        now,
    };
    let effects = app.store().run(claim, &ctx.meter).await?;
    let count = effects.len();
    for effect in effects {
        // What is left keeps its claim until that ends, and nobody does the same meanwhile.
        if app.now() > now.plus_seconds(LEASE_SECONDS / 2) {
            break;
        }
        let outcome = carry_out(app, &effect).await;
        if let Err(error) = &outcome {
            tracing::warn!(effect = effect.id, kind = effect.kind, attempts = effect.attempts, error = %error,
                cause = error.source.as_deref(), "an effect failed and will be tried again");
        }
        let (next, failure) = match outcome {
            Ok(next) => (next, None),
            Err(error) => (None, Some((error.to_string(), pause(effect.attempts)))),
        };
        let settle = Settle {
            id: effect.id,
            holder: holder.to_owned(),
            failure,
            next,
            now: app.now(),
        };
        app.store().run(settle, &ctx.meter).await?;
    }
    Ok(count)
}

/// 2, 4, 8 … seconds.
fn pause(attempts: i64) -> i64 {
    1_i64
        .checked_shl(u32::try_from(attempts).unwrap_or(u32::MAX))
        .map_or(MAX_PAUSE, |pause| pause.min(MAX_PAUSE))
}

/// Carries out an effect; answers what is left of it for another time.
async fn carry_out(app: &App, effect: &Effect) -> Result<Option<Withdraw>> {
    match effect.kind.as_str() {
        DELETE_BYTES => {
            // Versions may share their bytes: what another one still refers to stays.
            let keys = Unused(read(effect)?);
            for key in app.store().run(keys, &app.job_context().meter).await? {
                let key = Key::new(key).map_err(|error| Error::new(Kind::Internal, "not a key").because(error))?;
                purge(app.storages().default_storage(), &key, None).await?;
            }
            Ok(None)
        }
        mail::KIND => mail::deliver(app, effect).await.map(|()| None),
        WITHDRAW => acl::withdraw(app, read(effect)?).await,
        _ => Err(Error::new(Kind::Internal, "this version does not know the effect")),
    }
}

fn read<T: serde::de::DeserializeOwned>(effect: &Effect) -> Result<T> {
    serde_json::from_str(&effect.payload).map_err(|error| internal("an effect cannot be read", error))
}

#[derive(Clone)]
struct Unused(Vec<String>);

impl Op for Unused {
    type Out = Vec<String>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<String>> {
        Ok(files::unused(s, &self.0).await?)
    }
}

#[derive(Clone)]
struct Claim {
    holder: String,
    now: Timestamp,
}

impl Op for Claim {
    type Out = Vec<Effect>;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<Effect>> {
        let until = self.now.plus_seconds(LEASE_SECONDS);
        Ok(outbox::claim(s, &self.holder, until, self.now, CLAIM).await?)
    }
}

#[derive(Clone)]
struct Settle {
    id: i64,
    holder: String,
    failure: Option<(String, i64)>,
    next: Option<Withdraw>,
    now: Timestamp,
}

impl Op for Settle {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        if let Some(next) = &self.next {
            withdraw(s, next, self.now).await?;
        }
        match self.failure {
            None => outbox::done(s, self.id, &self.holder).await?,
            Some((why, pause)) => {
                outbox::failed(s, self.id, &self.holder, self.now.plus_seconds(pause), &why).await?;
            }
        }
        Ok(())
    }
}

/// How many effects wait and the highest number of attempts among them, for metrics.
pub async fn waiting(app: &App) -> Result<(i64, i64)> {
    app.store().run(Waiting, &app.job_context().meter).await
}

#[derive(Clone)]
struct Waiting;

impl Op for Waiting {
    type Out = (i64, i64);
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<(i64, i64)> {
        Ok(outbox::waiting(s).await?)
    }
}
