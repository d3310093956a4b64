//! Pixels, and nothing else: probe a header, decode, apply the operations of a pipeline, encode. No actor, no thread, no
//! global state, no I/O but the writer that is handed in. A decoder may panic or allocate more than it should: the caller
//! runs this in a process that may die.
//!
//! What happens to every image, whatever its pipeline says:
//! * The pixel type stays (gray, alpha, 8, 16 or 32 bits a channel) until an operation or the output needs another; see `encode`.
//! * The result is upright: the orientation that the file asks for is applied, because metadata is not carried over.
//! * The colours that a file describes by a profile are converted to sRGB, see `profile`: before the first step that looks at colours, but after
//!   the steps that only shrink or turn. A profile that is not understood, and one that is to be kept, is carried over where the
//!   output can hold it and it still describes the pixels. All other metadata is dropped,
//!   but for the names of who made the image and who holds the rights, where the pipeline asks for them.
//! * Several pipelines for one image share its decoding and the steps with which they begin alike.
//! * Where the pipeline begins by shrinking the image enough, only as many of its pixels are decoded as that needs.
//! * A file that is cut off or damaged is an error, never half a picture.

mod area;
mod assets;
#[cfg(any(feature = "avif", feature = "libaom"))]
mod avif;
mod bytes;
mod decode;
mod details;
mod encode;
mod error;
mod frame;
mod glance;
mod gradual;
mod interest;
mod jpeg;
mod metadata;
mod ops;
mod point;
mod probe;
mod profile;
mod program;
mod results;
mod run;
mod text;

pub use assets::{Assets, probe_asset};
pub use details::details;
pub use error::ImagingError;
pub use metadata::check_metadata;
pub use probe::probe;
pub use run::{OutputInfo, run, run_all};
