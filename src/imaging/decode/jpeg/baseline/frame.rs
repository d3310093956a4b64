//! The header of a baseline file: everything before its entropy-coded data.

use super::huffman::Table;
use crate::imaging::decode::jpeg::segments::{Segment, Segments};
use crate::imaging::jpeg::marker;

/// A colour component.
pub(super) struct Component {
    id: u8,
    /// Blocks of the component in one MCU, along each axis: 1, 2 or 4.
    pub(super) horizontal: usize,
    pub(super) vertical: usize,
    /// Which of the quantisation tables.
    pub(super) steps: usize,
    /// Which of the Huffman tables, for each kind.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// Quantisation steps in the order of the file.
pub(super) type Steps = [u16; 64];

/// The tables that are in force when a scan begins.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) steps: [Option<Steps>; 4],
    pub(super) dc: [Option<Box<Table>>; 4],
    pub(super) ac: [Option<Box<Table>>; 4],
    /// MCUs between restart markers; 0: there are none.
    pub(super) restart_interval: u32,
}

/// The transform in the segment of Adobe (T.872, 6.5.3) that every decoder assumes without it.
const YCBCR: u8 = 1;

/// A frame whose only scan holds all of its components, and what it takes to decode it.
pub(super) struct Frame<'a> {
    pub(super) width: u16,
    pub(super) height: u16,
    /// One (gray) or three.
    pub(super) components: Vec<Component>,
    pub(super) tables: Tables,
    /// The entropy-coded data and what follows it.
    pub(super) scan: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a header. `None` when it is none that this decoder knows, or damaged.
    pub(super) fn read(input: &'a [u8]) -> Option<Self> {
        if !input.starts_with(&[0xff, marker::SOI]) {
            return None;
        }
        let mut tables = Tables::default();
        let mut frame = None;
        for Segment { marker, payload, end, .. } in Segments::new(input) {
            match marker {
                // Baseline, and extended sequential, which adds tables and 12 bits.
                marker::SOF0 | marker::SOF1 if frame.is_none() => frame = Some(frame_header(payload)?),
                marker::DHT => huffman_tables(payload, &mut tables)?,
                marker::DQT => quantisation_tables(payload, &mut tables)?,
                marker::DRI => tables.restart_interval = u16::from_be_bytes(payload.try_into().ok()?).into(),
                marker::SOS => {
                    let (width, height, mut components) = frame?;
                    scan_header(payload, &mut components)?;
                    let complete = components.iter().all(|component| {
                        tables.steps[component.steps].is_some() && tables.dc[component.dc].is_some() && tables.ac[component.ac].is_some()
                    });
                    return complete.then_some(Self { width, height, components, tables, scan: input.get(end..)? });
                }
                marker::APP14 if payload.starts_with(b"Adobe") && payload.get(11) != Some(&YCBCR) => return None,
                marker::COM | marker::APP0..=marker::APP15 => {}
                _ => return None,
            }
        }
        None
    }

    /// The largest sampling factor along each axis.
    pub(super) fn sampling(&self) -> (usize, usize) {
        let largest = |factor: fn(&Component) -> usize| self.components.iter().map(factor).max().unwrap_or(1);
        (largest(|component| component.horizontal), largest(|component| component.vertical))
    }
}

/// B.2.2.
fn frame_header(payload: &[u8]) -> Option<(u16, u16, Vec<Component>)> {
    let [8, h1, h0, w1, w0, count, ref listed @ ..] = *payload else { return None };
    let (height, width) = (u16::from_be_bytes([h1, h0]), u16::from_be_bytes([w1, w0]));
    let (listed, rest) = listed.as_chunks::<3>();
    if width == 0 || height == 0 || !matches!(count, 1 | 3) || listed.len() != usize::from(count) || !rest.is_empty() {
        return None;
    }
    let mut components = listed.iter().map(|component| component_of(*component)).collect::<Option<Vec<_>>>()?;
    if let [only] = &mut *components {
        // The blocks of a lone component are not interleaved, whatever its factors (A.2.2).
        (only.horizontal, only.vertical) = (1, 1);
    }
    // Every encoder gives luma the most samples, and other decoders give up where it has less.
    let luma_leads =
        components.iter().all(|other| other.horizontal <= components[0].horizontal && other.vertical <= components[0].vertical);
    // By these names some encoders say that the components are red, green and blue.
    let is_rgb = components.iter().map(|component| component.id).eq(*b"RGB");
    let blocks: usize = components.iter().map(|component| component.horizontal * component.vertical).sum();
    (blocks <= 10 && luma_leads && !is_rgb).then_some((width, height, components))
}

fn component_of([id, sampling, table]: [u8; 3]) -> Option<Component> {
    let factor = |bits: u8| matches!(bits, 1 | 2 | 4).then_some(usize::from(bits));
    let (horizontal, vertical) = (factor(sampling >> 4)?, factor(sampling & 15)?);
    (table < 4).then_some(Component { id, horizontal, vertical, steps: table.into(), dc: 0, ac: 0 })
}

/// B.2.3. All components in their order, whole.
fn scan_header(payload: &[u8], components: &mut [Component]) -> Option<()> {
    let (&count, rest) = payload.split_first()?;
    let (listed, rest) = rest.split_at_checked(2 * components.len())?;
    if usize::from(count) != components.len() || *rest != [0, 63, 0] {
        return None;
    }
    for (component, [id, tables]) in components.iter_mut().zip(listed.as_chunks().0) {
        (component.dc, component.ac) = (usize::from(tables >> 4), usize::from(tables & 15));
        if component.id != *id || component.dc > 3 || component.ac > 3 {
            return None;
        }
    }
    Some(())
}

/// B.2.4.1.
fn quantisation_tables(mut payload: &[u8], tables: &mut Tables) -> Option<()> {
    while let Some((kind, rest)) = payload.split_first() {
        let slot = tables.steps.get_mut(usize::from(kind & 15))?;
        let mut steps = [0; 64];
        payload = match kind >> 4 {
            0 => {
                let (bytes, rest) = rest.split_first_chunk::<64>()?;
                steps.iter_mut().zip(bytes).for_each(|(step, byte)| *step = u16::from(*byte));
                rest
            }
            1 => {
                let (bytes, rest) = rest.split_first_chunk::<128>()?;
                steps.iter_mut().zip(bytes.as_chunks().0).for_each(|(step, bytes)| *step = u16::from_be_bytes(*bytes));
                rest
            }
            _ => return None,
        };
        *slot = Some(steps);
    }
    Some(())
}

/// B.2.4.2.
fn huffman_tables(mut payload: &[u8], tables: &mut Tables) -> Option<()> {
    while let Some((kind, rest)) = payload.split_first() {
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let (symbols, rest) = rest.split_at_checked(counts.iter().map(|count| usize::from(*count)).sum())?;
        payload = rest;
        let table = Some(Box::new(Table::new(counts, symbols)?));
        match kind >> 4 {
            // What is more than the 15 bits of a difference would be taken for a run.
            0 if symbols.iter().all(|size| usize::from(*size) < 16) => *tables.dc.get_mut(usize::from(kind & 15))? = table,
            1 => *tables.ac.get_mut(usize::from(kind & 15))? = table,
            _ => return None,
        }
    }
    Some(())
}
