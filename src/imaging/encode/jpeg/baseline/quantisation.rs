//! Quantisation: the tables of a quality, and division by them.

/// Steps of luma (T.81, table K.1), row by row.
const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22,
    37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/// Steps of chroma (T.81, table K.2), row by row.
const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// The steps of luma and of chroma for a quality of 1 to 100, row by row: those of the specification for 50, scaled as the Independent
/// JPEG Group's library does.
pub(super) fn tables(quality: u8) -> [[u8; 64]; 2] {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    [LUMA, CHROMA].map(|table| table.map(|step| ((u32::from(step) * percent + 50) / 100).clamp(1, 255) as u8))
}

/// What the transform's results are larger than the coefficients by.
const SCALE: u16 = 8;

/// How each coefficient is divided, row by row.
///
/// The quotient of a value below 2^15 by a divisor of up to 2^b is the product with 2^(15+b) / divisor, rounded up, shifted down by
/// 15 + b: the error that the rounding brings stays below what would carry it to the next number. The shift is done by two products of
/// which the upper 16 bits are taken, for which there are vector instructions.
pub(super) struct Steps {
    /// Half the divisor, added so that the quotient is rounded.
    pub(super) halves: [u16; 64],
    pub(super) reciprocals: [u16; 64],
    pub(super) shifts: [u16; 64],
}

impl Steps {
    pub(super) fn new(table: &[u8; 64]) -> Self {
        let divisors = table.map(|step| SCALE * u16::from(step));
        // The number of bits that hold what is less than the divisor: at least 3.
        let bits = |divisor: u16| u16::BITS - (divisor - 1).leading_zeros();
        Self {
            halves: divisors.map(|divisor| divisor / 2),
            reciprocals: divisors.map(|divisor| (1u32 << (15 + bits(divisor))).div_ceil(divisor.into()) as u16),
            shifts: divisors.map(|divisor| 1 << (17 - bits(divisor))),
        }
    }

    /// A result of the transform, of less than 2^14, as the coefficient that is nearest; halves are rounded away from zero.
    #[inline(always)]
    pub(super) fn divide(&self, value: i16, place: usize) -> i16 {
        let upper = |a: u16, b: u16| ((u32::from(a) * u32::from(b)) >> 16) as u16;
        let product = upper(value.unsigned_abs().wrapping_add(self.halves[place]), self.reciprocals[place]);
        let quotient = upper(product, self.shifts[place]) as i16;
        if value < 0 { -quotient } else { quotient }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_divided_and_rounded_exactly() {
        for step in 1..=255u8 {
            let steps = Steps::new(&[step; 64]);
            let divisor = 8 * i32::from(step);
            for value in -(1i32 << 14) + 1..1 << 14 {
                let expected = (value.abs() + divisor / 2) / divisor * value.signum();
                assert_eq!(i32::from(steps.divide(value as i16, 0)), expected, "{value} / {divisor}");
            }
        }
    }

    #[test]
    fn the_tables_are_those_of_the_specification_at_50_and_go_to_the_bounds() {
        assert_eq!(tables(50), [LUMA, CHROMA]);
        assert_eq!(tables(100), [[1; 64]; 2]);
        assert_eq!(tables(1), [[255; 64]; 2]);
        // By hand: 200 - 2 * 75 = 50 %, 5000 / 25 = 200 %.
        assert_eq!(tables(75)[0][..4], [8, 6, 5, 8]);
        assert_eq!(tables(25)[1][..4], [34, 36, 48, 94]);
    }
}
