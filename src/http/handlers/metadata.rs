//! `GET /metadata`: what is served. The statement itself is each dialect's own.

use super::super::auth::Need;
use super::super::pipeline::documentation::{AnswerSample, BodySample, Documentation};
use super::super::pipeline::operation::{Caching, Effect, Handler, Input, Operation, Permission, Stated};
use super::faults;

/// `GET /metadata`, answered by `handler`.
pub const fn operation(handler: Handler) -> Operation {
    Operation {
        method: "GET",
        path: "metadata",
        scope: Need::Nothing,
        permission: Permission::Admission,
        audit: "read:metadata",
        input: Input::Query,
        effect: Effect::Reads,
        caching: Caching::Never,
        stated: Stated::Nowhere,
        handler,
        faults: faults::none,
        documentation: Documentation {
            verb: "metadata",
            summary: "What is served here",
            notes: None,
            query: &[],
            body: BodySample::None,
            success: (200, "The resource"),
            answer: "CapabilityStatement",
            example: AnswerSample::None,
        },
    }
}
