//! Makes what stands in for photographs, from fixed seeds: smooth noise of many sizes, hard edges, and the noise of a sensor.
//! `photographs DIRECTORY` writes a 12 and a 1 megapixel JPEG (4:2:0, quality 90), a 4 megapixel PNG and a GIF of 100 frames;
//! `photographs --gif DIRECTORY` writes only the GIF.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::{env, fs};

use bench_tools::Outcome;
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, Frame, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let directory = Path::new(arguments.last().ok_or("usage: photographs [--gif] DIRECTORY")?);
    fs::create_dir_all(directory)?;
    animation(&directory.join("anim_100.gif"))?;
    if arguments.len() == 1 {
        jpeg(&directory.join("p12_made.jpg"), &photograph(4000, 3000, 12))?;
        jpeg(&directory.join("p1_made.jpg"), &photograph(1200, 900, 1))?;
        photograph(2400, 1800, 4).save(directory.join("p4_made.png"))?;
    }
    Ok(())
}

fn jpeg(path: &Path, picture: &RgbImage) -> Outcome<()> {
    let mut encoder = Encoder::new_file(path, 90)?;
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    Ok(encoder.encode(picture, picture.width() as u16, picture.height() as u16, ColorType::Rgb)?)
}

/// A disc that crosses a photograph, 320 x 240 pixels, a frame every 40 ms.
fn animation(path: &Path) -> Outcome<()> {
    let background = photograph(320, 240, 100);
    let mut encoder = GifEncoder::new_with_speed(BufWriter::new(File::create(path)?), 10);
    encoder.set_repeat(Repeat::Infinite)?;
    for number in 0..100_i32 {
        let mut picture = background.clone();
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let (dx, dy) = (x as i32 - 3 * number - 10, y as i32 - 120 - (number % 20 - 10) * 4);
            if dx * dx + dy * dy < 45 * 45 {
                *pixel = Rgb([240, (dx + 128) as u8, (dy + 128) as u8]);
            }
        }
        let frame = Frame::from_parts(DynamicImage::ImageRgb8(picture).into_rgba8(), 0, 0, Delay::from_numer_denom_ms(40, 1));
        encoder.encode_frame(frame)?;
    }
    Ok(())
}

/// Noise of eight sizes, each finer one weaker, with discs of their own brightness laid over it.
fn photograph(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut random = fastrand::Rng::with_seed(seed);
    let octaves: Vec<Octave> = (0..8).map(|octave| Octave::new(2 << octave, &mut random)).collect();
    let mut disc = || (random.f32(), random.f32(), random.f32() * 0.15, [0; 3].map(|_| random.f32() * 80.0 - 40.0));
    let discs: Vec<_> = (0..24).map(|_| disc()).collect();
    let longest = width.max(height) as f32;
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / longest, y as f32 / longest);
        let mut colour = octaves.iter().zip(1..).fold([128.0; 3], |colour, (octave, weight)| {
            let level = octave.at(u, v);
            std::array::from_fn(|channel| colour[channel] + level[channel] * 100.0 / weight as f32)
        });
        for (across, down, radius, tint) in &discs {
            if (u - across).hypot(v - down) < *radius {
                colour = std::array::from_fn(|channel| colour[channel] + tint[channel]);
            }
        }
        Rgb(colour.map(|level| (level + random.f32() * 6.0 - 3.0).clamp(0.0, 255.0) as u8))
    })
}

/// Random colours on a grid, with a smooth course between them; the red, green and blue of a place are akin.
struct Octave {
    cells: usize,
    colours: Vec<[f32; 3]>,
}

impl Octave {
    fn new(cells: usize, random: &mut fastrand::Rng) -> Self {
        let mut colour = || {
            let gray = random.f32() - 0.5;
            [0; 3].map(|_| gray + (random.f32() - 0.5) * 0.3)
        };
        Self { cells, colours: (0..(cells + 2) * (cells + 2)).map(|_| colour()).collect() }
    }

    /// The colour at a place, `u` and `v` from 0 to 1; around zero.
    fn at(&self, u: f32, v: f32) -> [f32; 3] {
        let (x, y) = (u * self.cells as f32, v * self.cells as f32);
        let (column, row) = (x as usize, y as usize);
        let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
        let (right, down) = (smooth(x.fract()), smooth(y.fract()));
        let corner = |dx: usize, dy: usize| self.colours[(row + dy) * (self.cells + 2) + column + dx];
        let (a, b, c, d) = (corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1));
        std::array::from_fn(|i| {
            let (upper, lower) = (a[i] + (b[i] - a[i]) * right, c[i] + (d[i] - c[i]) * right);
            upper + (lower - upper) * down
        })
    }
}
