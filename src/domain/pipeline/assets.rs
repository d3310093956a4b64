//! The assets that a pipeline names.

use super::{Pipeline, Step};
use crate::domain::asset::{AssetRef, AssetVersion};

impl Pipeline {
    /// How many assets the steps of a pipeline may name.
    pub const MAX_ASSETS: usize = 8;

    /// The assets that the steps name, each once, in the order in which they come first.
    #[must_use]
    pub fn assets(&self) -> Vec<AssetRef> {
        Self::assets_of([self])
    }

    /// The assets that some pipelines name, each once, in the order in which they come first.
    #[must_use]
    pub fn assets_of<'p>(pipelines: impl IntoIterator<Item = &'p Self>) -> Vec<AssetRef> {
        let mut assets = Vec::new();
        for asset in pipelines.into_iter().flat_map(Self::steps).filter_map(Step::asset) {
            if !assets.contains(asset) {
                assets.push(asset.clone());
            }
        }
        assets
    }

    /// The same pipeline with one version of every asset: the one that `version` says.
    ///
    /// # Errors
    /// The first that `version` gives.
    pub fn pinned<E>(mut self, mut version: impl FnMut(&AssetRef) -> Result<AssetVersion, E>) -> Result<Self, E> {
        for asset in self.steps.iter_mut().filter_map(Step::asset_mut) {
            asset.version = Some(version(asset)?);
        }
        Ok(self)
    }

    /// How many bytes longer its text is, in either form, when every asset has its version.
    pub(super) fn room_for_versions(&self) -> usize {
        self.steps.iter().filter_map(Step::asset).filter(|asset| asset.version.is_none()).count() * AssetRef::VERSION_LEN
    }
}

impl Step {
    /// The asset that the step needs.
    #[must_use]
    pub fn asset(&self) -> Option<&AssetRef> {
        match self {
            Self::Watermark(step) => Some(&step.asset),
            _ => None,
        }
    }

    fn asset_mut(&mut self) -> Option<&mut AssetRef> {
        match self {
            Self::Watermark(step) => Some(&mut step.asset),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(text: &str) -> Pipeline {
        text.parse().unwrap()
    }

    #[test]
    fn each_asset_is_named_once() {
        let names: Vec<String> =
            pipeline("watermark:b/invert/watermark:a/watermark:b,tile=true").assets().iter().map(AssetRef::to_string).collect();
        assert_eq!(names, ["b", "a"]);
        assert_eq!(pipeline("invert").assets(), []);
    }

    #[test]
    fn a_pinned_pipeline_names_versions_and_is_read_back() {
        let version = AssetVersion::random();
        let pinned = pipeline("watermark:a/watermark:b").pinned(|_| Ok::<_, ()>(version)).unwrap();
        let expected = format!("watermark:a@{version}/watermark:b@{version}");
        assert_eq!(pinned, pipeline(&expected));
        assert_eq!(pinned.to_string().parse(), Ok(pinned.clone()));
        assert_eq!(pipeline("watermark:a").pinned(|_| Err(7)), Err(7));
    }

    #[test]
    fn what_is_accepted_is_read_back_once_it_is_pinned() {
        // As many assets as there may be, and texts that grow until no more is accepted.
        let steps: Vec<String> = (0..8).map(|n| format!("watermark:{}", "abcdefgh".chars().nth(n).unwrap())).collect();
        let caption = |length: usize| format!("{}/text:{}", steps.join("/"), "x".repeat(length));
        let mut texts = 0;
        let text = |count: usize| format!("{}{}", caption(256), format!("/text:{}", "y".repeat(256)).repeat(count));
        while text(texts).parse::<Pipeline>().is_ok() {
            texts += 1;
        }
        assert!(texts > 0);
        let longest =
            (1..=256).rev().find_map(|length| format!("{}/text:{}", text(texts - 1), "z".repeat(length)).parse::<Pipeline>().ok());
        let longest = longest.unwrap_or_else(|| pipeline(&text(texts - 1)));
        let pinned = longest.pinned(|_| Ok::<_, ()>(AssetVersion::random())).unwrap();
        assert_eq!(pinned.to_string().parse(), Ok(pinned.clone()));
        assert_eq!(serde_json::to_string(&pinned).unwrap().parse(), Ok(pinned));
    }

    #[test]
    fn there_are_no_more_assets_than_travel_with_a_job() {
        let steps = |count: usize| (0..count).map(|n| format!("watermark:a{n}")).collect::<Vec<_>>().join("/");
        assert!(steps(8).parse::<Pipeline>().is_ok());
        assert!(steps(9).parse::<Pipeline>().unwrap_err().to_string().contains("at most 8 assets"));
    }
}
