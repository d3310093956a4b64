//! Huffman codes for symbols of known frequency, of 16 bits at most (T.81, annex C and K.2).

/// The longest code that a file may have.
const LONGEST: usize = 16;

/// In place of a symbol: takes the code of all ones, which must stay unused.
const RESERVED: usize = 256;

/// The codes of one table.
#[derive(Clone)]
pub(super) struct Codes {
    /// By symbol.
    pub(super) entries: [Entry; 256],
    /// How many codes there are of each length, 1 to 16.
    pub(super) counts: [u8; LONGEST],
    /// The symbols in the order of their codes.
    pub(super) symbols: Vec<u8>,
}

/// A code with room for the bits that follow it.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry {
    /// The code, shifted by as many bits as follow it: those that the lower half of the symbol says.
    pub(super) code: u32,
    /// The bits of both. None for a symbol that has no code.
    pub(super) len: u32,
}

impl Codes {
    /// The shortest for symbols that occur so often. A symbol that does not occur has none.
    pub(super) fn new(counts: &[u32; 256]) -> Self {
        let mut lengths = lengths(counts);
        lengths.sort_unstable();
        let mut codes = Self { entries: [Entry::default(); 256], counts: [0; LONGEST], symbols: Vec::new() };
        let (mut code, mut before) = (0, 0);
        for (length, symbol) in lengths.into_iter().filter(|(_, symbol)| *symbol != RESERVED) {
            code <<= length - before;
            before = length;
            let following = symbol as u32 & 15;
            codes.entries[symbol] = Entry { code: code << following, len: length + following };
            codes.counts[length as usize - 1] += 1;
            codes.symbols.push(symbol as u8);
            code += 1;
        }
        codes
    }
}

/// The length of the code of each symbol that occurs, and of the reserved one, which is among the longest and comes last.
///
/// By "package-merge" (Larmore and Hirschberg, "A fast algorithm for optimal length-limited Huffman codes", Journal of the ACM 37, 1990):
/// what is cheapest of the symbols and of the pairs of the list before is listed once for each bit that a code may have; a
/// symbol's code is as long as it is often among what is needed.
fn lengths(counts: &[u32; 256]) -> Vec<(u32, usize)> {
    let occurring = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let mut leaves: Vec<(u64, usize)> = occurring.map(|(symbol, count)| (u64::from(*count), symbol)).collect();
    leaves.push((0, RESERVED));
    leaves.sort_unstable();
    let weights: Vec<u64> = leaves.iter().map(|(count, _)| *count).collect();

    let mut list = weights.clone();
    let mut are_leaves = vec![vec![true; list.len()]];
    for _ in 1..LONGEST {
        let pairs = list.as_chunks::<2>().0.iter().map(|[a, b]| a + b).collect();
        let merged = merge(&weights, pairs);
        list = merged.iter().map(|(weight, _)| *weight).collect();
        are_leaves.push(merged.iter().map(|(_, is_leaf)| *is_leaf).collect());
    }

    let mut lengths: Vec<(u32, usize)> = leaves.iter().map(|(_, symbol)| (0, *symbol)).collect();
    let mut needed = 2 * (leaves.len() - 1);
    for are_leaves in are_leaves.iter().rev() {
        let count = are_leaves[..needed].iter().filter(|is_leaf| **is_leaf).count();
        lengths[..count].iter_mut().for_each(|(length, _)| *length += 1);
        needed = 2 * (needed - count);
    }
    lengths
}

/// Two ordered lists as one, with the mark of the first.
fn merge(leaves: &[u64], pairs: Vec<u64>) -> Vec<(u64, bool)> {
    let mut merged: Vec<_> = leaves.iter().map(|weight| (*weight, true)).chain(pairs.into_iter().map(|weight| (weight, false))).collect();
    merged.sort_by_key(|(weight, is_leaf)| (*weight, !is_leaf));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(usize, u32)]) -> [u32; 256] {
        let mut counts = [0; 256];
        of.iter().for_each(|(symbol, count)| counts[*symbol] = *count);
        counts
    }

    /// The bits that codes need for all symbols, by Huffman's own algorithm without a limit: the sum of the inner nodes.
    fn least(counts: &[u32; 256]) -> u64 {
        let mut nodes: Vec<u64> = counts.iter().filter(|count| **count > 0).map(|count| u64::from(*count)).chain([0]).collect();
        let mut sum = 0;
        while nodes.len() > 1 {
            nodes.sort_unstable_by_key(|node| std::cmp::Reverse(*node));
            let pair = nodes.pop().unwrap() + nodes.pop().unwrap();
            sum += pair;
            nodes.push(pair);
        }
        sum
    }

    fn bits(counts: &[u32; 256], codes: &Codes) -> u64 {
        let length = |symbol: usize| u64::from(codes.entries[symbol].len) - (symbol as u64 & 15);
        (0..256).filter(|symbol| counts[*symbol] > 0).map(|symbol| u64::from(counts[symbol]) * length(symbol)).sum()
    }

    /// Whether every code stands alone: none begins another, and none is all ones.
    fn assert_sound(codes: &Codes) {
        let mut kraft = 0;
        let mut next = 0u32;
        for (length, count) in (1..).zip(codes.counts) {
            next = (next << 1) + u32::from(count);
            assert!(next < 1 << length, "the code of all ones is free");
            kraft += u32::from(count) << (16 - length);
        }
        assert!(kraft < 1 << 16);
        assert_eq!(codes.symbols.len(), codes.counts.iter().map(|count| usize::from(*count)).sum::<usize>());
    }

    #[test]
    fn one_symbol_takes_one_bit_and_the_other_bit_stays_free() {
        let codes = Codes::new(&counts(&[(0x21, 7)]));
        assert_eq!((codes.entries[0x21].code, codes.entries[0x21].len), (0b00, 2));
        assert_eq!((codes.counts[0], codes.symbols.as_slice()), (1, [0x21].as_slice()));
    }

    #[test]
    fn frequent_symbols_have_short_codes() {
        // 4, 2, 1 and the reserved one: 0, 10, 110, 111.
        let codes = Codes::new(&counts(&[(0x00, 1), (0x10, 4), (0x20, 2)]));
        let entry = |symbol: usize| (codes.entries[symbol].code, codes.entries[symbol].len);
        assert_eq!((entry(0x10), entry(0x20), entry(0x00)), ((0b0, 1), (0b10, 2), (0b110, 3)));
        assert_eq!(codes.symbols, [0x10, 0x20, 0x00]);
    }

    #[test]
    fn they_are_as_short_as_can_be_where_none_is_too_long() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..200 {
            let mut counts = [0; 256];
            (0..random.usize(1..100)).for_each(|_| counts[random.usize(..256)] = random.u32(1..50));
            let codes = Codes::new(&counts);
            assert_sound(&codes);
            assert_eq!(bits(&counts, &codes), least(&counts));
        }
    }

    #[test]
    fn no_code_is_longer_than_a_file_may_have() {
        // Frequencies of Fibonacci's numbers, for which codes without a limit are as long as there are symbols.
        let mut counts = [0; 256];
        let (mut a, mut b) = (1, 1);
        for count in counts.iter_mut().take(40) {
            *count = a;
            (a, b) = (b, a + b);
        }
        let codes = Codes::new(&counts);
        assert_sound(&codes);
        assert_eq!(codes.symbols.len(), 40);
        assert!(bits(&counts, &codes) < least(&counts) + least(&counts) / 100);
        assert_sound(&Codes::new(&[1; 256]));
    }
}
