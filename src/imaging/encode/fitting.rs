//! The highest quality with which a result fits into so many bytes.

use crate::imaging::error::ImagingError;

/// Encodes with qualities of 1 to `highest` until it has the best that has at most `max_bytes`: at most eight times, because
/// a better quality is taken to be a larger file.
pub(super) fn fit(
    max_bytes: u64,
    highest: u8,
    mut encode: impl FnMut(u8) -> Result<Vec<u8>, ImagingError>,
) -> Result<Vec<u8>, ImagingError> {
    let mut best = None;
    // What fits lies below `low`, what does not from `high` on.
    let (mut low, mut high) = (1, highest + 1);
    let mut quality = highest;
    while low < high {
        let file = encode(quality)?;
        let length = file.len() as u64;
        if length <= max_bytes {
            best = Some(file);
            low = quality + 1;
        } else if quality == 1 {
            return Err(too_long(max_bytes, length));
        } else {
            high = quality;
        }
        quality = low + high.saturating_sub(low) / 2;
    }
    Ok(best.expect("the search goes down to 1 until something fits, and gives up there"))
}

fn too_long(max_bytes: u64, length: u64) -> ImagingError {
    ImagingError::Operation(format!("max_bytes is {max_bytes}, and even with a quality of 1 the result has {length} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file has ten times its quality in bytes. Returns the quality that was found and how often it was encoded.
    fn search(max_bytes: u64, highest: u8) -> (Result<usize, String>, usize) {
        let mut tries = 0;
        let found = fit(max_bytes, highest, |quality| {
            tries += 1;
            Ok(vec![0; usize::from(quality) * 10])
        });
        (found.map(|file| file.len() / 10).map_err(|error| error.to_string()), tries)
    }

    #[test]
    fn the_best_quality_that_fits_is_found_in_eight_tries() {
        for highest in 1..=100 {
            for best in 1..=highest {
                let (found, tries) = search(u64::from(best) * 10 + 9, highest);
                assert_eq!(found, Ok(usize::from(best)), "of {highest}");
                assert!(tries <= 8, "{best} of {highest}: {tries}");
            }
        }
    }

    #[test]
    fn what_fits_at_once_is_encoded_once() {
        assert_eq!(search(800, 80), (Ok(80), 1));
    }

    #[test]
    fn what_never_fits_says_how_long_it_is() {
        let (found, tries) = search(9, 100);
        assert_eq!(found, Err("max_bytes is 9, and even with a quality of 1 the result has 10 bytes".to_owned()));
        assert!(tries <= 8, "{tries}");
        assert!(search(9, 1).0.is_err());
    }
}
