//! One collaboration with all its relations (organisations contract, E2), in three statements.

use store::{
    Access, Op, Session,
    collaborations::{self, Collaboration, Part},
};

use super::{Full, reach};
use crate::{App, Ctx, Error, Result};

/// Reads a collaboration.
///
/// # Errors
/// `NotFound` for an unknown one, `Denied` for one out of reach.
pub async fn read(app: &App, ctx: &Ctx, identifier: &str) -> Result<Full> {
    let op = Read(ctx.clone(), identifier.to_owned());
    app.decide(ctx, "collaboration.read", || format!("collaboration:{identifier}"), op)
        .await
}

#[derive(Clone)]
struct Read(Ctx, String);

impl Op for Read {
    type Out = Full;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Full> {
        let collaboration = reach::collaboration(s, &self.0, &self.1).await?.into_inner();
        let mut full = all(s, vec![collaboration]).await?;
        full.pop().ok_or_else(reach::not_found)
    }
}

/// Collaborations with their relations: two more statements, however many they are. They come in the order of their keys.
pub(super) async fn all<S: Session>(s: &mut S, collaborations: Vec<Collaboration>) -> Result<Vec<Full>> {
    let ids: Vec<i64> = collaborations.iter().map(|collaboration| collaboration.id.0).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let members = collaborations::members(s, &ids).await?;
    let parts = collaborations::parts(s, &ids).await?;
    let mut all: Vec<Full> = collaborations
        .into_iter()
        .map(|collaboration| Full {
            collaboration,
            members: Vec::new(),
            groups: Vec::new(),
            services: Vec::new(),
        })
        .collect();
    let find =
        |all: &[Full], id: domain::CollaborationId| all.binary_search_by_key(&id, |full| full.collaboration.id).ok();
    for member in members {
        if let Some(place) = find(&all, member.collaboration)
            && let Some(full) = all.get_mut(place)
        {
            full.members.push(member);
        }
    }
    for part in parts {
        let of = match &part {
            Part::Group(group) => group.collaboration,
            Part::Service(of, _) => *of,
        };
        let Some(full) = find(&all, of).and_then(|place| all.get_mut(place)) else {
            continue;
        };
        match part {
            Part::Group(group) => full.groups.push(group),
            Part::Service(_, service) => full.services.push(service),
        }
    }
    Ok(all)
}
