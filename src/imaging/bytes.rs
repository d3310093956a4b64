//! The bytes of a file, taken one after the other: how files made of blocks with a length are walked over without decoding any.

/// What is left of a file.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next so many; `None`, and nothing is taken, where there are fewer.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next one.
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// Data of a GIF: blocks of up to 255 bytes, each behind its length, up to the empty one at their end; with all lengths.
    pub(super) fn sub_blocks(&mut self) -> Option<&'a [u8]> {
        let start = self.0;
        loop {
            let length = self.byte()?;
            self.take(length.into())?;
            if length == 0 {
                return start.get(..start.len() - self.0.len());
            }
        }
    }

    /// The first block of such data, all of which is taken.
    pub(super) fn first_of_sub_blocks(&mut self) -> Option<&'a [u8]> {
        let [length, blocks @ ..] = self.sub_blocks()? else { return None };
        blocks.get(..(*length).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_in_blocks_is_taken_to_its_end_or_not_understood() {
        let data = [2, 7, 8, 1, 9, 0, 5];
        let mut bytes = Bytes(&data);
        assert_eq!(bytes.sub_blocks(), Some(&data[..6]));
        assert_eq!(bytes.byte(), Some(5));
        assert_eq!(Bytes(&data).first_of_sub_blocks(), Some(&[7, 8][..]));
        assert_eq!(Bytes(&[0]).first_of_sub_blocks(), Some(&[][..]));
        for cut in 0..6 {
            assert_eq!(Bytes(&data[..cut]).sub_blocks(), None, "{cut}");
        }
    }
}
