//! Files for the tests: any sampling factors and restart interval, blocks of random coefficients, codes of all lengths.

/// What a file is to look like.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) width: u16,
    pub(super) height: u16,
    /// Of each component: horizontal, vertical.
    pub(super) sampling: Vec<(u8, u8)>,
    pub(super) restart_interval: u16,
    pub(super) contrast: Contrast,
    pub(super) seed: u64,
}

/// How large coefficients are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contrast {
    /// Such that samples stay within 8 bits.
    Soft,
    /// As large as 8 bits allow one coefficient to be, so that samples are often cut off at both ends. The crate `jpeg-decoder`
    /// overflows there: it is no judge of these.
    Hard,
}

/// Bits of entropy-coded data.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    window: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, bits: u32, count: u32) {
        (self.window, self.count) = (self.window << count | u64::from(bits), self.count + count);
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.window >> self.count) as u8;
            self.bytes.push(byte);
            if byte == 0xff {
                self.bytes.push(0);
            }
        }
    }

    /// Ones up to the next byte.
    fn align(&mut self) {
        let missing = (8 - self.count) % 8;
        self.put((1 << missing) - 1, missing);
    }
}

/// The symbols of a table with the number of codes of each length, most of the symbols with long codes.
struct Codes {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

impl Codes {
    fn dc() -> Self {
        Self { counts: [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], symbols: (0..12).collect() }
    }

    fn ac() -> Self {
        let coefficients = (0..16).flat_map(|run| (1..11).map(move |size| run << 4 | size));
        let symbols: Vec<u8> = [0, 0xf0].into_iter().chain(coefficients).collect();
        assert_eq!(symbols.len(), 162);
        Self { counts: [0, 2, 0, 4, 0, 0, 0, 16, 0, 0, 0, 64, 0, 0, 0, 76], symbols }
    }

    fn put(&self, symbol: u8, bits: &mut Bits) {
        let (mut code, mut index) = (0, 0);
        for (length, count) in (1..).zip(self.counts) {
            for listed in &self.symbols[index..index + usize::from(count)] {
                if *listed == symbol {
                    return bits.put(code, length);
                }
                code += 1;
            }
            index += usize::from(count);
            code <<= 1;
        }
        panic!("{symbol} has no code");
    }

    fn segment(&self, kind: u8) -> Vec<u8> {
        segment(0xc4, &[&[kind], self.counts.as_slice(), &self.symbols].concat())
    }
}

fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).expect("segments are short").to_be_bytes();
    [&[0xff, marker], length.as_slice(), payload].concat()
}

/// The bytes of a file.
pub(super) fn file(picture: &Picture) -> Vec<u8> {
    let Picture { width, height, sampling, restart_interval, .. } = picture;
    let mut frame = [&[8], height.to_be_bytes().as_slice(), &width.to_be_bytes(), &[sampling.len() as u8]].concat();
    let mut scan = vec![sampling.len() as u8];
    for (id, (horizontal, vertical)) in (1..).zip(sampling) {
        frame.extend([id, horizontal << 4 | vertical, 0]);
        scan.extend([id, 0]);
    }
    scan.extend([0, 63, 0]);
    // Coarser for the high frequencies, as is usual.
    let steps: Vec<u8> = [0].into_iter().chain((0..64).map(|place| 3 + place / 8)).collect();
    let (dc, ac) = (Codes::dc(), Codes::ac());
    [
        b"\xff\xd8".to_vec(),
        segment(0xdb, &steps),
        segment(0xc0, &frame),
        dc.segment(0x00),
        ac.segment(0x10),
        segment(0xdd, &restart_interval.to_be_bytes()),
        segment(0xda, &scan),
        blocks(picture, &dc, &ac),
        b"\xff\xd9".to_vec(),
    ]
    .concat()
}

fn blocks(picture: &Picture, dc: &Codes, ac: &Codes) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(picture.seed);
    let mut bits = Bits::default();
    let lone = picture.sampling.len() == 1;
    let largest = |factor: fn(&(u8, u8)) -> u8| if lone { 1 } else { picture.sampling.iter().map(factor).max().expect("a component") };
    let mcus = |length: u16, factor: u8| u32::from(length).div_ceil(8 * u32::from(factor));
    let total = mcus(picture.width, largest(|factors| factors.0)) * mcus(picture.height, largest(|factors| factors.1));
    let mut predictions = vec![0; picture.sampling.len()];
    for mcu in 0..total {
        if mcu > 0 && picture.restart_interval > 0 && mcu % u32::from(picture.restart_interval) == 0 {
            bits.align();
            bits.bytes.extend([0xff, 0xd0 + ((mcu / u32::from(picture.restart_interval) - 1) % 8) as u8]);
            predictions.fill(0);
        }
        for ((horizontal, vertical), prediction) in picture.sampling.iter().zip(&mut predictions) {
            for _ in 0..if lone { 1 } else { horizontal * vertical } {
                block(&mut random, picture.contrast, prediction, (dc, ac), &mut bits);
            }
        }
    }
    bits.align();
    bits.bytes
}

fn block(random: &mut fastrand::Rng, contrast: Contrast, prediction: &mut i32, (dc, ac): (&Codes, &Codes), bits: &mut Bits) {
    let mean = match contrast {
        Contrast::Soft => random.i32(-100..100),
        Contrast::Hard => random.i32(-340..340),
    };
    coefficient(dc, 0, mean - *prediction, bits);
    *prediction = mean;
    let mut place = 1;
    let count = random.usize(0..64);
    for _ in 0..count {
        let run = if count < 20 { random.usize(0..20) } else { random.usize(0..2) };
        if place + run > 63 {
            break;
        }
        if run >= 16 {
            ac.put(0xf0, bits);
        }
        let largest = match contrast {
            Contrast::Soft => 1 + 60 / (1 + place as i32 * place as i32),
            Contrast::Hard => 90,
        };
        let value = random.i32(1..=largest) * if random.bool() { 1 } else { -1 };
        coefficient(ac, run as u8 % 16, value, bits);
        place += run + 1;
    }
    if place < 64 {
        ac.put(0, bits);
    }
}

fn coefficient(codes: &Codes, run: u8, value: i32, bits: &mut Bits) {
    let size = 32 - value.unsigned_abs().leading_zeros();
    codes.put(run << 4 | size as u8, bits);
    let written = if value < 0 { value + (1 << size) - 1 } else { value };
    bits.put(written as u32, size);
}
