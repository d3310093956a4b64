//! EXIF data made by hand, as cameras write it.

/// The whole degrees, minutes and seconds of a place, which no other number of a file happens to be.
pub(crate) const PLACE: [u32; 3] = [0x2b67_d1a3, 0x2b67_d1a4, 0x2b67_d1a5];
pub(crate) const CAMERA: &str = "Nocam Sevenhundred";

/// The type of a value, how many there are, and their bytes.
type Value = (u16, u32, Vec<u8>);

/// EXIF data in either order of bytes: who and where, and an orientation. A TIFF file of one white pixel, too.
pub(crate) fn exif(big_endian: bool) -> Vec<u8> {
    let writer = Writer { big_endian };
    let gps = [(1_u16, text("N")), (2, writer.tenths(&PLACE))];
    let photograph = [
        (33_434_u16, writer.tenths(&[2])),
        (33_437, writer.tenths(&[28])),
        (34_855, writer.short(400)),
        (36_867, text("2024:05:31 17:04:59")),
        (37_386, writer.tenths(&[350])),
        (42_033, text("SERIAL 4711")),
        (42_036, text("Nolens 35mm")),
    ];
    let main = |photograph_at: usize, gps_at: usize| {
        vec![
            (256_u16, writer.short(1)),
            (257, writer.short(1)),
            (258, writer.short(8)),
            (259, writer.short(1)),
            (262, writer.short(1)),
            (271, text(CAMERA)),
            (273, writer.long(8)),
            (274, writer.short(6)),
            (277, writer.short(1)),
            (278, writer.short(1)),
            (279, writer.short(1)),
            (315, text("Ann Other")),
            (33_432, text("(c) 2024 Ann Other, all rights reserved")),
            (34_665, writer.long(photograph_at as u32)),
            (34_853, writer.long(gps_at as u32)),
        ]
    };
    // A pixel after the header, then the directories.
    let second = 10 + writer.directory(10, &main(0, 0)).len();
    let third = second + writer.directory(second, &photograph).len();
    let header = if big_endian { b"MM\0*\0\0\0\x0a\xff\0" } else { b"II*\0\x0a\0\0\0\xff\0" };
    let directories = [writer.directory(10, &main(second, third)), writer.directory(second, &photograph), writer.directory(third, &gps)];
    [&header[..], &directories.concat()].concat()
}

fn text(text: &str) -> Value {
    (2, text.len() as u32 + 1, [text.as_bytes(), b"\0"].concat())
}

struct Writer {
    big_endian: bool,
}

impl Writer {
    /// The last bytes of a number.
    fn number(&self, bytes: usize, value: u32) -> Vec<u8> {
        let digits = value.to_be_bytes()[4 - bytes..].to_vec();
        if self.big_endian { digits } else { digits.into_iter().rev().collect() }
    }

    fn short(&self, value: u32) -> Value {
        (3, 1, self.number(2, value))
    }

    fn long(&self, value: u32) -> Value {
        (4, 1, self.number(4, value))
    }

    /// Fractions with a denominator of ten.
    fn tenths(&self, values: &[u32]) -> Value {
        let bytes = values.iter().flat_map(|value| [self.number(4, *value), self.number(4, 10)].concat()).collect();
        (5, values.len() as u32, bytes)
    }

    /// A directory at a place, with its values behind it.
    fn directory(&self, at: usize, entries: &[(u16, Value)]) -> Vec<u8> {
        let (mut head, mut values) = (self.number(2, entries.len() as u32), Vec::new());
        let behind = at + 2 + 12 * entries.len() + 4;
        for (tag, (kind, count, value)) in entries {
            head.extend([self.number(2, (*tag).into()), self.number(2, (*kind).into()), self.number(4, *count)].concat());
            if value.len() <= 4 {
                head.extend([&value[..], &[0; 4][value.len()..]].concat());
            } else {
                head.extend(self.number(4, (behind + values.len()) as u32));
                values.extend(value);
                values.resize(values.len().next_multiple_of(2), 0);
            }
        }
        [head, vec![0; 4], values].concat()
    }
}
