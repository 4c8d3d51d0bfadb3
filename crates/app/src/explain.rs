//! Why somebody may, or may not, do something with an item.

use access::{Action, Explanation, Subject};
use domain::{Kind, PersonId, Timestamp};
use store::{Access, Op, Session, access_facts, people};
use uuid::Uuid;

use crate::{App, Ctx, Error, Result};

/// Decides as a request would, and answers with the grants that made the decision. `who` is an address, a person's id, or
/// `anonymous`.
///
/// # Errors
/// `NotFound` when there is no such person or item.
pub async fn explain(app: &App, ctx: &Ctx, who: &str, action: Action, item: Uuid) -> Result<Explanation> {
    let op = Explain {
        who: who.to_owned(),
        action,
        item,
        now: app.now(),
    };
    app.store().run(op, &ctx.meter).await
}

#[derive(Clone)]
struct Explain {
    who: String,
    action: Action,
    item: Uuid,
    now: Timestamp,
}

impl Op for Explain {
    type Out = Explanation;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Explanation> {
        let person = find(s, &self.who).await?;
        let facts = access_facts::load(s, self.item, person, self.now).await?;
        let facts = facts.ok_or_else(|| Error::new(Kind::NotFound, "There is no such item"))?;
        // A disabled account holds nothing.
        let subject = if facts.active {
            facts.subject
        } else {
            Subject::anonymous()
        };
        Ok(access::explain(&subject, self.action, &facts.chain, self.now))
    }
}

async fn find<S: Session>(s: &mut S, who: &str) -> Result<Option<PersonId>> {
    if who == "anonymous" {
        return Ok(None);
    }
    let found = match Uuid::parse_str(who) {
        Ok(uuid) => people::ids(s, &[uuid]).await?.into_iter().next().map(|(_, id)| id),
        Err(_) => people::find_by_email(s, who).await?.map(|known| known.id),
    };
    found
        .map(Some)
        .ok_or_else(|| Error::new(Kind::NotFound, "There is no such person"))
}
