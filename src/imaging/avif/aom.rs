//! AV1 streams of stills by the system's libaom, called through `aom.c`, on the calling thread.
#![allow(unsafe_code)] // libaom is written in C. The calls take pointers to what lives as long as they last, and what they hand out is freed once.

use std::ffi::{c_int, c_void};
use std::{ptr, slice};

use super::planes::Planes;
use super::{Chroma, Cicp};

/// `struct planes` of `aom.c`.
#[repr(C)]
struct RawPlanes {
    data: [*const u8; 3],
    stride: [usize; 3],
    width: u32,
    height: u32,
    depth: u32,
    monochrome: u32,
    half_width: u32,
    half_height: u32,
    full_range: u32,
    primaries: u32,
    transfer: u32,
    matrix: u32,
}

impl RawPlanes {
    const EMPTY: Self = Self {
        data: [ptr::null(); 3],
        stride: [0; 3],
        width: 0,
        height: 0,
        depth: 0,
        monochrome: 0,
        half_width: 0,
        half_height: 0,
        full_range: 0,
        primaries: 0,
        transfer: 0,
        matrix: 0,
    };
}

/// `struct encoded` of `aom.c`.
#[repr(C)]
struct RawEncoded {
    context: *mut c_void,
    data: *const u8,
    length: usize,
}

/// `struct decoded` of `aom.c`.
#[repr(C)]
struct RawDecoded {
    context: *mut c_void,
    planes: RawPlanes,
}

unsafe extern "C" {
    fn safelight_aom_encode(planes: *const RawPlanes, quantizer: u32, speed: u32, out: *mut RawEncoded) -> c_int;
    fn safelight_aom_decode(data: *const u8, length: usize, out: *mut RawDecoded) -> c_int;
    fn safelight_aom_free(context: *mut c_void);
}

/// An error of libaom (`aom_codec_err_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imaging) enum Refusal {
    Memory,
    Unsupported,
    Other(c_int),
}

impl Refusal {
    fn check(code: c_int) -> Result<(), Self> {
        match code {
            0 => Ok(()),
            2 => Err(Self::Memory),
            4..=6 => Err(Self::Unsupported),
            other => Err(Self::Other(other)),
        }
    }
}

/// Encodes planes of colours or of alpha, with a quantiser of 0 (best) to 63 and a speed of 0 (slow) to 9.
pub(in crate::imaging) fn encode(planes: &Planes, quantizer: u8, speed: u8) -> Result<Vec<u8>, Refusal> {
    let mut raw = RawPlanes::EMPTY;
    for (place, plane) in planes.planes.iter().enumerate() {
        (raw.data[place], raw.stride[place]) = (plane.samples.as_ptr(), plane.width);
    }
    let (half_width, half_height) = planes.chroma.halves();
    let Some(first) = planes.planes.first() else { return Ok(Vec::new()) };
    (raw.width, raw.height, raw.depth) = (first.width as u32, first.height as u32, 8);
    raw.monochrome = (planes.chroma == Chroma::None).into();
    (raw.half_width, raw.half_height, raw.full_range) = (half_width.into(), half_height.into(), 1);
    (raw.primaries, raw.transfer, raw.matrix) = match planes.chroma {
        // Alpha and gray have no colours to describe.
        Chroma::None => (2, 2, 2),
        _ => (Cicp::SRGB.primaries.into(), Cicp::SRGB.transfer.into(), Cicp::SRGB.matrix.into()),
    };
    let mut out = RawEncoded { context: ptr::null_mut(), data: ptr::null(), length: 0 };
    // SAFETY: the planes have the sizes that `raw` says and live until the call returns; it writes nothing but `out`.
    let code = unsafe { safelight_aom_encode(&raw, quantizer.into(), speed.into(), &mut out) };
    let _context = Context(out.context);
    Refusal::check(code)?;
    // SAFETY: after a success `data` has `length` bytes, which belong to the context.
    Ok(unsafe { slice::from_raw_parts(out.data, out.length) }.to_vec())
}

/// Frees what a call left.
struct Context(*mut c_void);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it comes from a call that handed it out, is freed nowhere else, and may be null.
        unsafe { safelight_aom_free(self.0) }
    }
}

/// A decoded picture, in libaom's memory.
pub(in crate::imaging) struct Picture {
    planes: RawPlanes,
    _context: Context,
}

/// A row of samples.
#[derive(Clone, Copy)]
pub(in crate::imaging) enum Row<'a> {
    Bytes(&'a [u8]),
    /// More than 8 bits, two bytes each in the machine's order.
    Words(&'a [[u8; 2]]),
}

impl Picture {
    /// Decodes the first picture of a stream.
    pub(in crate::imaging) fn decode(stream: &[u8]) -> Result<Self, Refusal> {
        let mut out = RawDecoded { context: ptr::null_mut(), planes: RawPlanes::EMPTY };
        // SAFETY: the stream lives until the call returns; it writes nothing but `out`.
        let code = unsafe { safelight_aom_decode(stream.as_ptr(), stream.len(), &mut out) };
        let picture = Self { planes: out.planes, _context: Context(out.context) };
        Refusal::check(code).map(|()| picture)
    }

    /// Width and height in pixels.
    pub(in crate::imaging) fn size(&self) -> (u32, u32) {
        (self.planes.width, self.planes.height)
    }

    /// Bits of a sample.
    pub(in crate::imaging) fn depth(&self) -> u32 {
        self.planes.depth
    }

    pub(in crate::imaging) fn chroma(&self) -> Chroma {
        match (self.planes.monochrome, self.planes.half_width, self.planes.half_height) {
            (0, 0, _) => Chroma::Full,
            (0, _, 0) => Chroma::Half,
            (0, ..) => Chroma::Quarter,
            _ => Chroma::None,
        }
    }

    /// What the stream says about its samples.
    pub(in crate::imaging) fn cicp(&self) -> Cicp {
        let number = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        let RawPlanes { primaries, transfer, matrix, full_range, .. } = self.planes;
        Cicp { primaries: number(primaries), transfer: number(transfer), matrix: number(matrix), full_range: full_range != 0 }
    }

    /// A row of plane 0 (luma), 1 (Cb) or 2 (Cr).
    ///
    /// # Panics
    /// When there is no such plane or row.
    pub(in crate::imaging) fn row(&self, plane: usize, row: usize) -> Row<'_> {
        let (half_width, half_height) = if plane == 0 { (false, false) } else { self.chroma().halves() };
        let side = |side: u32, is_half: bool| if is_half { side.div_ceil(2) } else { side } as usize;
        let (width, height) = (side(self.planes.width, half_width), side(self.planes.height, half_height));
        let (data, stride) = (self.planes.data[plane], self.planes.stride[plane]);
        assert!(row < height && !data.is_null() && (plane == 0 || self.chroma() != Chroma::None), "no such row");
        let bytes = if self.planes.depth > 8 { 2 * width } else { width };
        // SAFETY: libaom says that the plane has `height` rows of `width` samples, `stride` bytes apart; they live as long as `self`.
        let row = unsafe { slice::from_raw_parts(data.add(row * stride), bytes) };
        if self.planes.depth > 8 { Row::Words(row.as_chunks().0) } else { Row::Bytes(row) }
    }
}
