//! Several pipelines for one image as a tree: the steps with which they begin alike are done once.
//!
//! A [`Tree`] says what is decoded and what is shared; the memory (`cost`) and the pixels (`imaging`) both follow it. Pipelines that
//! take the file in another way (another frame, another orientation) cannot share anything and have a tree of their own.

use super::cost::{ImageInfo, NoSuchFrame};
use super::{Input, Pipeline, Scale, Step};

/// Pipelines that begin with the same pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree<'p> {
    /// How the file is taken; its frames are those that are decoded, see [`ImageInfo::frames`].
    pub input: Input,
    /// The scale that it is decoded at: the smallest that leaves enough for every pipeline.
    pub scale: Scale,
    /// The steps from there on.
    pub root: Node<'p>,
}

/// Steps that are done once, and what comes of the image after them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node<'p> {
    /// The steps in their order.
    pub steps: Vec<&'p Step>,
    /// The pipelines that end here, as indices into the list that the tree was made of.
    pub ends: Vec<usize>,
    /// Where the others go on, each with other steps.
    pub branches: Vec<Node<'p>>,
}

impl<'p> Tree<'p> {
    /// The trees of some pipelines on an image, in the order of the first pipeline of each.
    ///
    /// # Errors
    /// When one of the pipelines asks for a frame that is not there.
    pub fn grow(info: &ImageInfo, pipelines: &[&'p Pipeline]) -> Result<Vec<Self>, NoSuchFrame> {
        let mut groups: Vec<(Input, Vec<usize>)> = Vec::new();
        for (index, pipeline) in pipelines.iter().enumerate() {
            let input = Input { frames: info.frames(pipeline)?, ..pipeline.input() };
            match groups.iter_mut().find(|(other, _)| *other == input) {
                Some((_, members)) => members.push(index),
                None => groups.push((input, vec![index])),
            }
        }
        let tree = |(input, members): (Input, Vec<usize>)| {
            let scales = members.iter().map(|index| info.scale(pipelines[*index]));
            let scale = scales.min_by_key(|scale| scale.divisor()).unwrap_or(Scale::Full);
            let paths = members.iter().map(|index| (*index, pipelines[*index].steps())).collect();
            Self { input, scale, root: Node::of(paths) }
        };
        Ok(groups.into_iter().map(tree).collect())
    }
}

impl<'p> Node<'p> {
    /// The tree of some pipelines, each given by its index and the steps that are left of it.
    fn of(mut paths: Vec<(usize, &'p [Step])>) -> Self {
        let mut node = Self::default();
        while let Some(step) = shared(&paths) {
            node.steps.push(step);
            paths.iter_mut().for_each(|(_, steps)| *steps = &steps[1..]);
        }
        let mut branches: Vec<Vec<(usize, &'p [Step])>> = Vec::new();
        for (index, steps) in paths {
            match (steps.first(), branches.iter_mut().find(|branch| branch[0].1.first() == steps.first())) {
                (None, _) => node.ends.push(index),
                (Some(_), Some(branch)) => branch.push((index, steps)),
                (Some(_), None) => branches.push(vec![(index, steps)]),
            }
        }
        node.branches = branches.into_iter().map(Self::of).collect();
        node
    }

    /// How many images come of the one after the steps.
    #[must_use]
    pub fn children(&self) -> usize {
        self.ends.len() + self.branches.len()
    }

    /// The indices of all pipelines that pass through here.
    #[must_use]
    pub fn members(&self) -> Vec<usize> {
        self.ends.iter().copied().chain(self.branches.iter().flat_map(Self::members)).collect()
    }
}

/// The step with which all of some pipelines go on.
fn shared<'p>(paths: &[(usize, &'p [Step])]) -> Option<&'p Step> {
    let (_, first) = paths.first()?;
    let step = first.first()?;
    paths.iter().all(|(_, steps)| steps.first() == Some(step)).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::format::Format;
    use crate::domain::pipeline::Frames;

    const GIF: ImageInfo = ImageInfo {
        format: Format::Gif,
        width: 1600,
        height: 1200,
        bytes_per_pixel: 4,
        encoded_bytes: 0,
        decoder_bytes: 0,
        header_bytes: 0,
        turned: false,
        flipped: false,
        alpha: false,
        scales: false,
        frames: 5,
        duration_ms: 0,
    };
    const JPEG: ImageInfo = ImageInfo { format: Format::Jpeg, scales: true, frames: 1, ..GIF };

    fn grown(info: &ImageInfo, texts: &[&str]) -> Vec<(Frames, Scale, String)> {
        let pipelines: Vec<Pipeline> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let trees = Tree::grow(info, &pipelines.iter().collect::<Vec<_>>()).unwrap();
        trees.iter().map(|tree| (tree.input.frames, tree.scale, drawn(&tree.root))).collect()
    }

    /// The names of the steps, then the ends and branches in brackets.
    fn drawn(node: &Node<'_>) -> String {
        let steps: Vec<&str> = node.steps.iter().map(|step| step.name()).collect();
        let ends = node.ends.iter().map(usize::to_string);
        let children: Vec<String> = ends.chain(node.branches.iter().map(drawn)).collect();
        format!("{}[{}]", steps.join("/"), children.join(" "))
    }

    #[test]
    fn what_pipelines_begin_with_is_done_once() {
        let one = |texts: &[&str]| grown(&JPEG, texts).into_iter().map(|(_, _, tree)| tree).collect::<Vec<_>>().join(" | ");
        assert_eq!(one(&["invert/blur:2"]), "invert/blur[0]");
        assert_eq!(one(&["invert/blur:2", "invert/blur:3", "invert"]), "invert[2 blur[0] blur[1]]");
        assert_eq!(one(&["jpeg", "webp", "invert/png"]), "[0 1 invert[2]]");
        assert_eq!(one(&["blur:1/invert/sepia", "blur:1/invert/hue:5", "blur:1/sepia"]), "blur[invert[sepia[0] hue[1]] sepia[2]]");
        assert_eq!(one(&["invert", "input:orient=false/invert"]), "invert[0] | invert[1]");
    }

    #[test]
    fn the_scale_leaves_enough_for_all() {
        let scale = |texts: &[&str]| grown(&JPEG, texts)[0].1;
        assert_eq!(scale(&["resize:100x", "resize:200x"]), Scale::Quarter);
        assert_eq!(scale(&["resize:100x", "resize:200x", "invert"]), Scale::Full);
    }

    #[test]
    fn animations_and_their_first_frame_are_decoded_apart() {
        let trees = grown(&GIF, &["webp", "jpeg", "gif", "input:frames=first/webp"]);
        assert_eq!(trees, [(Frames::All, Scale::Full, "[0 2]".into()), (Frames::One(0), Scale::Full, "[1 3]".into())]);
        let missing: Pipeline = "input:frames=5/webp".parse().unwrap();
        assert_eq!(Tree::grow(&GIF, &[&missing]), Err(NoSuchFrame { asked: 5, frames: 5 }));
    }

    #[test]
    fn every_pipeline_ends_once() {
        let pipelines: Vec<Pipeline> =
            ["invert/blur:2", "invert/blur:2/png", "invert", "png", "jpeg"].iter().map(|text| text.parse().unwrap()).collect();
        let trees = Tree::grow(&JPEG, &pipelines.iter().collect::<Vec<_>>()).unwrap();
        let mut members = trees[0].root.members();
        members.sort_unstable();
        assert_eq!(members, [0, 1, 2, 3, 4]);
    }
}
