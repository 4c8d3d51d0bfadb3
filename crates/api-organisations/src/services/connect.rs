//! `PUT /api/collaborations_services/v1/connect_collaboration_service[/{co}]` (E7, E8).

use app::organisations::connect::{self, Outcome};
use http_kit::{Answer, Call};

use super::{answer, read};
use crate::problem::Failure;

pub(crate) async fn handle(mut call: Call) -> Result<Answer, Failure> {
    let (named, entity_id) = read(&mut call).await?;
    let (app, ctx) = call.admit()?;
    let (of, outcome) = connect::connect(app, ctx, named, &entity_id).await?;
    let status = match outcome {
        Outcome::Connected => "connected",
        Outcome::Pending => "pending",
    };
    Ok(answer(&of, &entity_id, status))
}
