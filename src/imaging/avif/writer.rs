//! The file around coded images (ISO/IEC 14496-12, 23008-12, and the AV1 Image File Format 1.1).

use super::{Chroma, Cicp};

/// A coded image, 8 bits to a sample.
pub(in crate::imaging) struct Coded {
    /// The AV1 stream.
    pub(in crate::imaging) stream: Vec<u8>,
    /// How its chroma is stored.
    pub(in crate::imaging) chroma: Chroma,
}

/// A file of one image of that size.
pub(in crate::imaging) fn write(size: (u32, u32), color: &Coded, alpha: Option<&Coded>, cicp: Cicp, icc_profile: Option<&[u8]>) -> Vec<u8> {
    let streams: Vec<&[u8]> = [Some(color), alpha].into_iter().flatten().map(|coded| without_delimiter(&coded.stream)).collect();
    let type_box = boxed(b"ftyp", &[b"avif\0\0\0\0avifmif1miaf"]);
    let properties = properties(size, color, alpha, cicp, icc_profile);
    let meta = |data_at: usize| meta(&streams, &properties, data_at);
    let data_at = type_box.len() + meta(0).len() + 8;
    [type_box, meta(data_at), boxed(b"mdat", &streams)].concat()
}

/// The delimiter between pictures has no place in a file of stills (AVIF, 2.1).
fn without_delimiter(stream: &[u8]) -> &[u8] {
    stream.strip_prefix(&[0x12, 0]).unwrap_or(stream)
}

fn boxed(kind: &[u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let length = 8 + body.iter().map(|part| part.len()).sum::<usize>();
    [&(length as u32).to_be_bytes()[..], kind, &body.concat()].concat()
}

/// A box with a version and flags.
fn full(kind: &[u8; 4], version: u8, body: &[&[u8]]) -> Vec<u8> {
    boxed(kind, &[&[version, 0, 0, 0][..], &body.concat()])
}

/// What the file says about its items: the colours are number 1, alpha is number 2.
fn meta(streams: &[&[u8]], properties: &[u8], mut data_at: usize) -> Vec<u8> {
    let handler = full(b"hdlr", 0, &[b"\0\0\0\0pict", &[0; 13]]);
    let primary = full(b"pitm", 0, &[&[0, 1]]);
    let (mut places, mut items) = (Vec::new(), Vec::new());
    for (number, stream) in (1..).zip(streams) {
        places.extend([0, number, 0, 0, 0, 1]);
        places.extend((data_at as u32).to_be_bytes());
        places.extend((stream.len() as u32).to_be_bytes());
        items.extend(full(b"infe", 2, &[&[0, number, 0, 0], b"av01\0"]));
        data_at += stream.len();
    }
    let count = [0, streams.len() as u8];
    // Offsets and lengths have four bytes.
    let locations = full(b"iloc", 0, &[&[0x44, 0], &count, &places]);
    let items = full(b"iinf", 0, &[&count, &items]);
    let references = full(b"iref", 0, &[&boxed(b"auxl", &[&[0, 2, 0, 1, 0, 1]])]);
    let references = if streams.len() > 1 { references } else { Vec::new() };
    full(b"meta", 0, &[&handler, &primary, &locations, &items, &references, properties])
}

fn properties(size: (u32, u32), color: &Coded, alpha: Option<&Coded>, cicp: Cicp, icc_profile: Option<&[u8]>) -> Vec<u8> {
    const ESSENTIAL: u8 = 0x80;
    let configuration = |coded: &Coded| {
        let (profile, chroma) = match coded.chroma {
            Chroma::None => (0, 0b1_1100),
            Chroma::Quarter => (0, 0b0_1100),
            Chroma::Half => (2, 0b0_1000),
            Chroma::Full => (1, 0),
        };
        // Level 31 is without limits.
        boxed(b"av1C", &[&[0x81, profile << 5 | 31, chroma, 0]])
    };
    let depths = |coded: &Coded| full(b"pixi", 0, &[if coded.chroma == Chroma::None { &[1, 8][..] } else { &[3, 8, 8, 8] }]);
    let space = [cicp.primaries, cicp.transfer, cicp.matrix].map(u16::to_be_bytes).concat();
    let mut all = vec![
        full(b"ispe", 0, &[&size.0.to_be_bytes(), &size.1.to_be_bytes()]),
        configuration(color),
        depths(color),
        boxed(b"colr", &[b"nclx", &space, &[u8::from(cicp.full_range) << 7]]),
    ];
    let mut of_color = vec![1, 2 | ESSENTIAL, 3, 4];
    if let Some(profile) = icc_profile {
        all.push(boxed(b"colr", &[b"prof", profile]));
        of_color.push(5);
    }
    let mut associations = [&[0, 1, of_color.len() as u8][..], &of_color].concat();
    if let Some(alpha) = alpha {
        let first = all.len() as u8 + 1;
        all.extend([configuration(alpha), depths(alpha), full(b"auxC", 0, &[super::ALPHA, b"\0"])]);
        associations.extend([0, 2, 4, 1, first | ESSENTIAL, first + 1, first + 2]);
    }
    let items = [0, 0, 0, 1 + u8::from(alpha.is_some())];
    boxed(b"iprp", &[&boxed(b"ipco", &[&all.concat()]), &full(b"ipma", 0, &[&items, &associations])])
}
