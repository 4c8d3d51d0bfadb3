//! `PUT /api/collaborations_services/v1/disconnect_collaboration_service[/{co}]` (E9, E10).

use app::organisations::disconnect;
use http_kit::{Answer, Call};

use super::{answer, read};
use crate::problem::Failure;

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let (named, entity_id) = read(&mut call).await?;
    let (app, ctx) = call.admit()?;
    let of = disconnect::disconnect(app, ctx, named, &entity_id).await?;
    Ok(answer(&of, &entity_id, "disconnected"))
}
