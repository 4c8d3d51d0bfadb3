//! What time does to collaborations: invitations are reminded of and expire, memberships and collaborations expire. Every
//! step works on a bounded number of rows under a lease, and leaves a mark, so that nobody is told twice.

use domain::Timestamp;
use serde_json::json;
use store::{
    Access, Op, Session,
    lifecycle::{self, Ended},
    outbox,
    recipients::{self, Recipients},
};

use crate::{
    App, Ctx, Error, Result, audit,
    mail::{self, Notice},
};

const LEASE: &str = "lifecycle";
const LEASE_SECONDS: i64 = 60;
const BATCH: i64 = 100;
const DAY: i64 = 24 * 3600;
/// How long before its end somebody is reminded of an invitation.
const REMINDER_SECONDS: i64 = 5 * DAY;
/// How long after its end an invitation that nobody answered stays open, so that it can be sent again.
const KEPT_SECONDS: i64 = 30 * DAY;

/// Does what is due; answers how much that was.
pub(super) async fn lifecycle(app: &App, holder: &str) -> Result<usize> {
    let ctx = app.job_context();
    // Looked at without a lease first: an idle server writes nothing.
    if !app.store().run(Due(app.now()), &ctx.meter).await? {
        return Ok(0);
    }
    let step = Step {
        ctx: ctx.clone(),
        holder: holder.to_owned(),
        now: app.now(),
    };
    app.store().run(step, &ctx.meter).await
}

#[derive(Clone)]
struct Due(Timestamp);

impl Op for Due {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(lifecycle::is_due(
            s,
            self.0,
            self.0.plus_seconds(REMINDER_SECONDS),
            self.0.plus_seconds(-KEPT_SECONDS),
        )
        .await?)
    }
}

#[derive(Clone)]
struct Step {
    ctx: Ctx,
    holder: String,
    now: Timestamp,
}

impl Op for Step {
    type Out = usize;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<usize> {
        let now = self.now;
        if !outbox::take_lease(s, LEASE, &self.holder, now.plus_seconds(LEASE_SECONDS), now).await? {
            return Ok(0);
        }
        let reminded = lifecycle::remind(s, now, now.plus_seconds(REMINDER_SECONDS), BATCH).await?;
        mail::invite(s, &reminded, true, now).await?;
        let mut count = reminded.len();
        count += lifecycle::expire_invitations(s, now.plus_seconds(-KEPT_SECONDS), BATCH).await?;
        for ended in lifecycle::expire_memberships(s, now, BATCH).await? {
            self.ended(
                s,
                &ended,
                "collaboration.member.expire",
                format!("Membership of {} has expired", ended.name),
            )
            .await?;
            count += 1;
        }
        for ended in lifecycle::expire_collaborations(s, now, BATCH).await? {
            self.ended(
                s,
                &ended,
                "collaboration.expire",
                format!("Collaboration {} has expired", ended.name),
            )
            .await?;
            count += 1;
        }
        Ok(count)
    }
}

impl Step {
    /// Records an end, and tells the administrators of the collaboration and the member.
    async fn ended<S: Session>(&self, s: &mut S, ended: &Ended, action: &'static str, subject: String) -> Result<()> {
        let mut to = recipients::addresses(s, Recipients::CollaborationAdministrators(ended.collaboration)).await?;
        to.extend(ended.email.clone().filter(|email| !to.contains(email)));
        let who = ended
            .person
            .as_deref()
            .map_or_else(String::new, |person| format!(" It was the membership of {person}."));
        let notice = Notice {
            to,
            text: vec![format!("{subject} on {}.{who}", ended.expired_at.iso_millis())],
            subject,
        };
        mail::notify(s, &notice, self.now).await?;
        let place = audit::Place {
            organisation: ended.organisation,
            collaboration: Some(ended.collaboration),
        };
        let after = json!({ "person": ended.person, "expired_at": ended.expired_at.iso_millis() });
        let object = format!("collaboration:{}", ended.uuid);
        Ok(audit::changed_in(s, &self.ctx, self.now, place, action, object, Some(after)).await?)
    }
}
