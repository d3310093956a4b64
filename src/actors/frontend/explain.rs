//! What the frontend can be asked about a pipeline, without an image.

use actix::{Context, Handler, Message, MessageResult};

use crate::actors::frontend::Frontend;
use crate::domain::pipeline::cost::ImageInfo;
use crate::domain::pipeline::{Accepted, Explanation, Occasion};

/// Asks what a text would do to an image.
#[derive(Message)]
#[rtype(result = "Explanation")]
pub struct Explain {
    /// A pipeline in either form, or the name of a preset.
    pub text: String,
    /// The image that the plan is for.
    pub image: ImageInfo,
    /// The formats that the client takes.
    pub accepted: Accepted,
}

impl Handler<Explain> for Frontend {
    type Result = MessageResult<Explain>;

    fn handle(&mut self, Explain { text, image, accepted }: Explain, _: &mut Context<Self>) -> Self::Result {
        let occasion = Occasion { image, accepted, limits: self.live.limits() };
        MessageResult(Explanation::new(&text, self.live.presets(), occasion))
    }
}
