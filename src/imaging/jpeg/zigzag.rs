//! The order of a block's coefficients in the file (ITU-T T.81, figure 5).

/// Where in a block (row by row) each coefficient belongs.
pub(in crate::imaging) const NATURAL: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56,
    57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// By the last coefficient that is not zero: how many rows and columns of the block are not all zero, at most.
pub(in crate::imaging) const EXTENT: [(u8, u8); 64] = {
    let mut extents = [(1, 1); 64];
    let mut place = 1;
    while place < 64 {
        let (rows, columns) = extents[place - 1];
        let (row, column) = (NATURAL[place] / 8 + 1, NATURAL[place] % 8 + 1);
        extents[place] = (if row > rows { row } else { rows }, if column > columns { column } else { columns });
        place += 1;
    }
    extents
};
