//! Types whose values are words.

use std::fmt;

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

/// A type whose values are words.
trait Words: Copy + fmt::Debug + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

impl<T: Words> Argument for T {
    fn expected() -> String {
        format!("one of {}", Self::words().join(", "))
    }

    fn words() -> Vec<&'static str> {
        T::WORDS.iter().map(|(word, _)| *word).collect()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        T::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
    }

    fn scalar(&self) -> Scalar {
        Scalar::Word(self.word().to_owned())
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::sample::select(T::WORDS).prop_map(|(_, value)| value).boxed()
    }
}

/// Declares a type whose values are words.
macro_rules! words {
    ($(#[$doc:meta])* pub enum $type:ident { $($(#[$about:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$about])* $value,)+ }

        impl Words for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value),)+];
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// The direction in which an image is mirrored.
    pub enum Direction {
        /// Left and right change places.
        Horizontal = "horizontal",
        /// Top and bottom change places.
        Vertical = "vertical",
    }
}

words! {
    /// How an image is brought to a box of a width and a height.
    pub enum Fit {
        /// The aspect ratio stays; the result is as large as fits into the box.
        Inside = "inside",
        /// The aspect ratio stays; the result is as small as contains the box.
        Outside = "outside",
        /// The result fills the box; what sticks out is cropped.
        Cover = "cover",
        /// The aspect ratio stays; the result is the box, and what the image leaves free of it has the background's colour.
        Contain = "contain",
        /// The result fills the box; the aspect ratio becomes the box's.
        Fill = "fill",
    }
}

words! {
    /// What a resize may leave out to be faster.
    pub enum ResizeQuality {
        /// As few pixels are decoded as the result has, or a little more.
        Fast = "fast",
        /// At least twice as many pixels are decoded along each axis as the result has: the difference to all of them is hard to see.
        Default = "default",
        /// All pixels are decoded.
        Best = "best",
    }
}

words! {
    /// What happens to the colours of a file that has a colour profile.
    pub enum Profile {
        /// They are converted to sRGB, and the profile is dropped.
        Srgb = "srgb",
        /// They stay, and the profile goes with them where the output can hold it.
        Keep = "keep",
    }
}

words! {
    /// The formats that a client takes beside those that all do.
    pub enum Accepted {
        /// None.
        None = "none",
        /// WebP.
        Webp = "webp",
        /// AVIF.
        Avif = "avif",
        /// Both.
        AvifAndWebp = "avif;webp",
    }
}

impl Accepted {
    /// These.
    #[must_use]
    pub fn new(avif: bool, webp: bool) -> Self {
        match (avif, webp) {
            (false, false) => Self::None,
            (false, true) => Self::Webp,
            (true, false) => Self::Avif,
            (true, true) => Self::AvifAndWebp,
        }
    }

    /// Whether AVIF is among them.
    #[must_use]
    pub fn has_avif(self) -> bool {
        matches!(self, Self::Avif | Self::AvifAndWebp)
    }

    /// Whether WebP is among them.
    #[must_use]
    pub fn has_webp(self) -> bool {
        matches!(self, Self::Webp | Self::AvifAndWebp)
    }
}

words! {
    /// What becomes of the metadata of a file.
    pub enum Metadata {
        /// Nothing is kept.
        Strip = "strip",
        /// Who made the image and who holds the rights are kept, and nothing else.
        Copyright = "copyright",
    }
}

words! {
    /// How hard a lossless encoder looks for a smaller file.
    pub enum Compression {
        /// As fast as it can.
        Fast = "fast",
        /// Many times slower, a little smaller.
        Balanced = "balanced",
        /// Slower again, smallest.
        Best = "best",
    }
}

words! {
    /// A place in an image: its centre, an edge or a corner.
    pub enum Gravity {
        /// The middle.
        Center = "center",
        /// The middle of the top.
        North = "north",
        /// The top right corner.
        Northeast = "northeast",
        /// The middle of the right side.
        East = "east",
        /// The bottom right corner.
        Southeast = "southeast",
        /// The middle of the bottom.
        South = "south",
        /// The bottom left corner.
        Southwest = "southwest",
        /// The middle of the left side.
        West = "west",
        /// The top left corner.
        Northwest = "northwest",
    }
}

words! {
    /// How the part of an image that is kept is found by its pixels.
    pub enum Interest {
        /// What has the most information: sides that have the least are cut off.
        Entropy = "entropy",
        /// What draws the eye: edges, strong colours, skin.
        Attention = "attention",
    }
}

impl Gravity {
    /// Where something that leaves so much room (the larger width and height less the smaller, in pixels) begins: left and top.
    #[must_use]
    pub fn place(self, (width, height): (u32, u32)) -> (u32, u32) {
        use Gravity::{Center, East, North, Northeast, Northwest, South, Southeast, Southwest, West};
        let left = match self {
            Northwest | West | Southwest => 0,
            North | Center | South => width / 2,
            Northeast | East | Southeast => width,
        };
        let top = match self {
            Northwest | North | Northeast => 0,
            West | Center | East => height / 2,
            Southwest | South | Southeast => height,
        };
        (left, top)
    }
}
