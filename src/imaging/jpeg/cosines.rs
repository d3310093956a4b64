//! The factors of the cosine transform of eight points, for both directions.
//!
//! They are those of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP 1989), as the
//! Independent JPEG Group's library has them.

/// Bits after the point that the factors have.
pub(in crate::imaging) const POINT: u32 = 13;

/// Bits after the point that are kept between the two passes.
pub(in crate::imaging) const BETWEEN: u32 = 2;

/// What the coefficient of each row contributes to the samples in its columns.
pub(in crate::imaging) type Matrix<const N: usize> = [[i32; N]; N];

pub(in crate::imaging) const EIGHT: Matrix<8> = {
    let mut matrix = [[0; 8]; 8];
    let mut frequency = 0;
    while frequency < 8 {
        let mut unit = [0; 8];
        unit[frequency] = 1;
        matrix[frequency] = eight_points(unit);
        frequency += 1;
    }
    matrix
};

/// The flow graph of the paper.
const fn eight_points(c: [i32; 8]) -> [i32; 8] {
    let z1 = (c[2] + c[6]) * 4433; // 0.541196100
    let (even2, even3) = (z1 - c[6] * 15137, z1 + c[2] * 6270); // 1.847759065, 0.765366865
    let (even0, even1) = ((c[0] + c[4]) << POINT, (c[0] - c[4]) << POINT);
    let even = [even0 + even3, even1 + even2, even1 - even2, even0 - even3];

    let z5 = (c[7] + c[3] + c[5] + c[1]) * 9633; // 1.175875602
    let (z1, z2) = ((c[7] + c[1]) * -7373, (c[5] + c[3]) * -20995); // 0.899976223, 2.562915447
    let (z3, z4) = ((c[7] + c[3]) * -16069 + z5, (c[5] + c[1]) * -3196 + z5); // 1.961570560, 0.390180644
    let odd = [
        c[1] * 12299 + z1 + z4, // 1.501321110
        c[3] * 25172 + z2 + z3, // 3.072711026
        c[5] * 16819 + z2 + z4, // 2.053119869
        c[7] * 2446 + z1 + z3,  // 0.298631336
    ];
    [
        even[0] + odd[0],
        even[1] + odd[1],
        even[2] + odd[2],
        even[3] + odd[3],
        even[3] - odd[3],
        even[2] - odd[2],
        even[1] - odd[1],
        even[0] - odd[0],
    ]
}
