//! From tokens to the bytes of the file.

use std::io::{self, Write};

use super::bits::BitWriter;
use super::codes::Codes;
use super::header::Frame;
use super::tokens::{CHUNK, Counts, END, FULL, Tokens};
use crate::domain::pipeline::cost::JPEG_SYMBOLS;
use crate::imaging::jpeg::marker;

/// Of how many chunks codes are made, at most.
const MOST_CHUNKS: usize = JPEG_SYMBOLS as usize / CHUNK;

/// The scan of a file, and the file around it.
pub(super) struct Scan<'a, W> {
    frame: Frame<'a>,
    /// For each block of an MCU, in their order, which pair of tables it is coded with.
    order: Vec<usize>,
    pub(super) tokens: Tokens,
    /// Chunks that wait for their codes.
    waiting: Vec<Box<[u8]>>,
    /// How many may wait.
    pub(super) most: usize,
    /// The codes of DC and of AC coefficients of each pair of tables, once they are made.
    codes: Option<Vec<[Codes; 2]>>,
    bits: BitWriter,
    out: W,
}

impl<'a, W> Scan<'a, W> {
    pub(super) fn new(frame: Frame<'a>, order: Vec<usize>, out: W) -> Self {
        let bits = BitWriter::default();
        Self { frame, order, tokens: Tokens::new(), waiting: Vec::new(), most: MOST_CHUNKS, codes: None, bits, out }
    }
}

impl<W: Write> Scan<'_, W> {
    /// Sees to it that the tokens of another MCU have room.
    #[inline(always)]
    pub(super) fn make_room(&mut self) -> io::Result<()> {
        if self.tokens.has_room_for(self.order.len()) { Ok(()) } else { self.next_chunk() }
    }

    #[cold]
    fn next_chunk(&mut self) -> io::Result<()> {
        if self.codes.is_none() {
            self.waiting.push(self.tokens.chunk().into());
            if self.waiting.len() == self.most {
                self.make_codes(true)?;
            }
        } else {
            self.write_chunk()?;
        }
        self.tokens.clear();
        Ok(())
    }

    /// Makes the codes and writes what has come so far but for the current chunk. If more is to come, every symbol that a
    /// picture can have gets a code.
    fn make_codes(&mut self, more: bool) -> io::Result<()> {
        let pairs = if self.frame.has_color { 2 } else { 1 };
        let counts = &mut self.tokens.counts[..pairs];
        if more {
            counts.iter_mut().for_each(allow_all);
        }
        let codes: Vec<_> = counts.iter().map(|Counts { dc, ac }| [Codes::new(dc), Codes::new(ac)]).collect();
        self.out.write_all(&self.frame.header(&codes))?;
        for chunk in std::mem::take(&mut self.waiting) {
            encode(&chunk, &self.order, &codes, &mut self.bits);
            self.flush()?;
        }
        self.codes = Some(codes);
        Ok(())
    }

    fn write_chunk(&mut self) -> io::Result<()> {
        if let Some(codes) = &self.codes {
            encode(self.tokens.chunk(), &self.order, codes, &mut self.bits);
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.bits.bytes)?;
        self.bits.bytes.clear();
        Ok(())
    }

    /// Writes the rest of the file.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.codes.is_none() {
            self.make_codes(false)?;
        }
        self.write_chunk()?;
        self.bits.align();
        self.bits.bytes.extend([0xff, marker::EOI]);
        self.flush()?;
        self.out.flush()
    }
}

/// Counts every symbol once more: sizes of a difference of means go up to 11 bits, those of other coefficients up to 10.
fn allow_all(counts: &mut Counts) {
    counts.dc[..=11].iter_mut().for_each(|count| *count += 1);
    let runs = (0..16).flat_map(|run| (1..=10).map(move |size| run << 4 | size));
    runs.chain([END.into(), 0xf0]).for_each(|symbol: usize| counts.ac[symbol] += 1);
}

/// The bits of whole MCUs.
fn encode(tokens: &[u8], order: &[usize], codes: &[[Codes; 2]], bits: &mut BitWriter) {
    // Of each token four bytes are read.
    let mut padded = [0; CHUNK + 4];
    padded[..tokens.len()].copy_from_slice(tokens);
    let mut at = 0;
    let mut next = |codes: &Codes, bits: &mut BitWriter| {
        let token = padded[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let symbol = token as u8;
        let entry = codes.entries[usize::from(symbol)];
        let size = u32::from(symbol & 15);
        bits.put(entry.code | token >> 8 & ((1 << size) - 1), entry.len);
        at += 1 + (size as usize).div_ceil(8);
        (symbol, at)
    };
    let mut read = 0;
    while read < tokens.len() {
        for tables in order {
            let [dc, ac] = &codes[*tables];
            next(dc, bits);
            loop {
                let (symbol, end) = next(ac, bits);
                if matches!(symbol, END | FULL) {
                    read = end;
                    break;
                }
            }
        }
    }
}
