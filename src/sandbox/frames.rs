//! How messages travel on the control channel: four bytes of length, little-endian, then as many bytes of JSON.
//! Who reads and writes the bytes is not decided here; both ends of the channel use the same two functions.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest payload of a frame, in bytes. Image bytes never travel here, so only a pipeline makes a frame long.
pub(super) const MAX_PAYLOAD: usize = 64 * 1024;

const HEADER: usize = 4;

/// The bytes are not a frame of this protocol.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The length is zero or beyond the maximum.
    #[error("a frame of {0} bytes; expected 1 to {MAX_PAYLOAD}")]
    Length(usize),
    /// The payload is not the expected JSON.
    #[error("not a message of the protocol: {0}")]
    Payload(#[from] serde_json::Error),
}

/// The frame that carries `message`.
///
/// # Errors
/// If the message does not fit into a frame.
pub(super) fn encode(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - HEADER;
    if length > MAX_PAYLOAD {
        return Err(FrameError::Length(length));
    }
    // Fits: MAX_PAYLOAD is far below u32::MAX.
    frame[..HEADER].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(frame)
}

/// The message in a payload.
///
/// # Errors
/// If it is not JSON or not such a message.
pub(super) fn decode<M: DeserializeOwned>(payload: &[u8]) -> Result<M, FrameError> {
    Ok(serde_json::from_slice(payload)?)
}

/// A frame that is arriving. It asks for exactly the bytes that belong to it, so that the next frame stays in the socket
/// together with the descriptors that travel with it, and a lying length costs no memory.
#[derive(Debug)]
pub(super) struct FrameBuffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl FrameBuffer {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; HEADER], filled: 0 }
    }

    /// Whether a frame has begun to arrive.
    pub(super) fn is_partial(&self) -> bool {
        self.filled > 0
    }

    /// Where the next bytes belong; never empty.
    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled..]
    }

    /// Counts `n` bytes that were read into [`Self::space`]; returns the payload when the frame is complete.
    ///
    /// # Errors
    /// If the header announces a length that no frame may have.
    pub(super) fn advance(&mut self, n: usize) -> Result<Option<Vec<u8>>, FrameError> {
        self.filled += n;
        if self.filled < self.bytes.len() {
            return Ok(None);
        }
        if self.filled > HEADER {
            let frame = std::mem::replace(self, Self::new());
            return Ok(Some(frame.bytes[HEADER..].to_vec()));
        }
        let mut header = [0; HEADER];
        header.copy_from_slice(&self.bytes);
        match u32::from_le_bytes(header) as usize {
            length @ 1..=MAX_PAYLOAD => self.bytes.resize(HEADER + length, 0),
            length => return Err(FrameError::Length(length)),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` in steps of at most `step` and returns the payloads that came out.
    fn feed(mut bytes: &[u8], step: usize) -> Result<Vec<Vec<u8>>, FrameError> {
        let (mut buffer, mut payloads) = (FrameBuffer::new(), Vec::new());
        while !bytes.is_empty() {
            let space = buffer.space();
            let n = space.len().min(step).min(bytes.len());
            space[..n].copy_from_slice(&bytes[..n]);
            payloads.extend(buffer.advance(n)?);
            bytes = &bytes[n..];
        }
        Ok(payloads)
    }

    #[test]
    fn frames_survive_any_fragmentation() {
        let stream = [encode(&"one").unwrap(), encode(&2).unwrap(), encode(&[3, 4]).unwrap()].concat();
        for step in 1..stream.len() {
            let payloads = feed(&stream, step).unwrap();
            assert_eq!(payloads, [&b"\"one\""[..], b"2", b"[3,4]"], "step {step}");
        }
    }

    #[test]
    fn a_lying_length_is_refused_before_anything_is_allocated() {
        for length in [0, MAX_PAYLOAD as u32 + 1, u32::MAX] {
            let mut buffer = FrameBuffer::new();
            buffer.space().copy_from_slice(&length.to_le_bytes());
            assert!(matches!(buffer.advance(4), Err(FrameError::Length(n)) if n == length as usize));
            assert!(buffer.bytes.capacity() < 64);
        }
    }

    proptest::proptest! {
        #[test]
        fn noise_neither_panics_nor_takes_memory(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..1000), step in 1_usize..100) {
            for payload in feed(&bytes, step).unwrap_or_default() {
                proptest::prop_assert!((1..=MAX_PAYLOAD).contains(&payload.len()));
            }
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_not_sent() {
        assert!(matches!(encode(&"x".repeat(MAX_PAYLOAD)), Err(FrameError::Length(_))));
        assert!(encode(&"x".repeat(MAX_PAYLOAD - 2)).is_ok());
    }
}
