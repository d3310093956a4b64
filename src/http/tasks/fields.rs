//! What a client says about a new task, as a query or as the parts of a form: the same names with the same meaning.

use serde::Deserialize;

use crate::actors::frontend::{Parameters, Wanted};
use crate::domain::error_code::ErrorCode;
use crate::domain::pipeline::Accepted;
use crate::domain::task::{InvalidPriority, InvalidRetention};
use crate::domain::webhook::InvalidWebhookId;
use crate::http::problem::Problem;

/// What is said so far; nothing may be said twice.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fields {
    /// A pipeline in either form, or the name of a preset.
    pipeline: Option<String>,
    /// The name of a preset.
    preset: Option<String>,
    /// Pipelines by the names of their results, in either form.
    variants: Option<String>,
    /// A JSON object or a text of the client's own.
    metadata: Option<String>,
    /// How long the task is kept once it has ended.
    expires_in: Option<String>,
    /// How soon it gets its turn.
    priority: Option<String>,
    /// The id of the webhook that is told when the task has ended.
    webhook: Option<String>,
}

impl Fields {
    /// Takes what a part of a form says.
    ///
    /// # Errors
    /// When no field has that name, or it was said already.
    pub(super) fn set(&mut self, name: &str, text: String) -> Result<(), Problem> {
        let field = match name {
            "pipeline" => &mut self.pipeline,
            "preset" => &mut self.preset,
            "variants" => &mut self.variants,
            "metadata" => &mut self.metadata,
            "expires_in" => &mut self.expires_in,
            "webhook" => &mut self.webhook,
            "priority" => &mut self.priority,
            _ => {
                let known = "the parts of a task are image, pipeline, preset, variants, metadata, expires_in, priority and webhook";
                return Err(invalid(format!("the form has a part called {name:?}; {known}")));
            }
        };
        match field.replace(text) {
            None => Ok(()),
            Some(_) => Err(invalid(format!("{name} is given twice; give it once, in the query or as a part of the form"))),
        }
    }

    /// What it all means for a client that takes these formats.
    ///
    /// # Errors
    /// When it contradicts itself, or the metadata cannot be kept.
    pub(super) fn parameters(&self, accepted: Accepted) -> Result<Parameters, Problem> {
        let wanted = match (&self.pipeline, &self.preset, &self.variants) {
            (None, None, None) => Wanted::Default,
            (Some(pipeline), None, None) => Wanted::Pipeline(pipeline.clone()),
            (None, Some(preset), None) => Wanted::Preset(preset.clone()),
            (None, None, Some(variants)) => Wanted::Variants(variants.clone()),
            _ => return Err(invalid("give one of pipeline, preset and variants; a pipeline or a preset can be one of the variants")),
        };
        let metadata = self.metadata.as_deref().map(str::parse).transpose().map_err(|error| invalid(format!("{error}")))?;
        let expires_in = self.expires_in.as_deref().map(str::parse).transpose();
        let expires_in = expires_in.map_err(|error: InvalidRetention| invalid(format!("expires_in: {error}")))?;
        let priority = self.priority.as_deref().map(str::parse).transpose();
        let priority = priority.map_err(|error: InvalidPriority| invalid(format!("priority: {error}")))?.unwrap_or_default();
        let webhook = self.webhook.as_deref().map(str::parse).transpose();
        let webhook = webhook.map_err(|error: InvalidWebhookId| invalid(format!("webhook: {error}")))?;
        Ok(Parameters { wanted, accepted, metadata, priority, expires_in, webhook })
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ErrorCode::InvalidRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(parts: &[(&str, &str)]) -> Result<Parameters, String> {
        let mut fields = Fields::default();
        for (name, text) in parts {
            fields.set(name, (*text).to_owned()).map_err(|problem| problem.detail)?;
        }
        fields.parameters(Accepted::None).map_err(|problem| problem.detail)
    }

    #[test]
    fn one_way_to_say_what_is_wanted() {
        let wanted = |parts: &[_]| meaning(parts).map(|parameters| parameters.wanted);
        assert_eq!(wanted(&[]), Ok(Wanted::Default));
        assert_eq!(wanted(&[("preset", "small")]), Ok(Wanted::Preset("small".into())));
        assert_eq!(wanted(&[("metadata", "x"), ("variants", "a=png")]), Ok(Wanted::Variants("a=png".into())));
        for parts in [[("pipeline", "invert"), ("preset", "small")], [("variants", "a=png"), ("pipeline", "invert")]] {
            assert!(wanted(&parts).is_err_and(|detail| detail.starts_with("give one of pipeline, preset and variants")), "{parts:?}");
        }
    }

    #[test]
    fn what_is_unknown_said_twice_or_cannot_be_kept_is_refused() {
        for (parts, detail) in [
            (&[("pipelin", "invert")][..], "a part called \"pipelin\"; the parts of a task are image"),
            (&[("pipeline", "invert"), ("pipeline", "invert")], "pipeline is given twice"),
            (&[("metadata", "{")], "must be a JSON object"),
            (&[("priority", "urgent")], "expected low, normal or high"),
            (&[("webhook", "https://example.com")], "webhook: not the id of a webhook"),
            (&[("expires_in", "soon")], "expires_in: expected \"never\", a number of seconds, or a time"),
        ] {
            let refused = meaning(parts).expect_err("a refusal");
            assert!(refused.contains(detail), "{refused}");
        }
    }
}
