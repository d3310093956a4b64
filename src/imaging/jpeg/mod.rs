//! What the decoder and the encoder of JPEG share: the markers of a file, the order of a block's coefficients, the factors of the
//! cosine transform.

pub(super) mod cosines;
pub(super) mod marker;
pub(super) mod zigzag;
