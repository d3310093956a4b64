//! Rotation by any angle. Quarter turns, which mix no pixels, are in `orient`.
//!
//! Each pixel of the result is interpolated where its middle lies in the source, by the cubic convolution of R. G. Keys (Cubic
//! Convolution Interpolation for Digital Image Processing, 1981; a = -1/2, the spline of Catmull and Rom): sixteen neighbours, colours
//! multiplied by their alpha. A pixel on an edge of the image gets the background by the part of it that lies outside, measured across the edge.
//!
//! The result is made in tiles. The part of the source that a tile comes from is taken in once, as floats that stay in the cache,
//! whatever the pixel type and however steep the angle.

use image::DynamicImage;

use super::orient;
use crate::domain::pipeline::ops::Rotate;
use crate::domain::pipeline::{Angle, Color};
use crate::imaging::area::{self, EverySample, Grid, Loop, load, store, widest};
use crate::imaging::point::{Channels, Sample};

/// The sides of a tile in pixels.
const TILE: usize = 64;

/// How many pixels of the source are taken in around those that the middles of a tile lie on: two that have a weight, and one for
/// the rounding of floats.
const MARGIN: i64 = 3;

pub(super) fn rotate(image: &mut DynamicImage, step: &Rotate) {
    match *step {
        Rotate::Quarter(rotation) => orient::turn(image, rotation),
        Rotate::Free(angle, background) => {
            let (width, height) = step.canvas((image.width(), image.height()));
            if let Some(turned) = area::each(image, &Turn { angle, background, width, height }) {
                *image = turned;
            }
        }
    }
}

/// A turn onto a canvas of that width and height.
struct Turn {
    angle: Angle,
    background: Color,
    width: u32,
    height: u32,
}

impl EverySample<DynamicImage> for Turn {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) -> DynamicImage {
        let Color([r, g, b, a]) = self.background;
        let channels = Channels { colour: grid.channels.colour || r != g || g != b, alpha: grid.channels.alpha || a < 255 };
        let samples = match channels.count() {
            1 => self.turned::<T, 1>(&grid, channels),
            2 => self.turned::<T, 2>(&grid, channels),
            _ => self.turned::<T, 4>(&grid, channels),
        };
        T::image((self.width, self.height), channels, samples)
    }
}

impl Turn {
    /// `N` floats to a pixel: as many as it has channels, but four where there are three.
    fn turned<T: Sample, const N: usize>(&self, grid: &Grid<'_, T>, channels: Channels) -> Vec<T> {
        let (width, height) = (self.width as usize, self.height as usize);
        let geometry = Geometry::new(self, (grid.width, grid.height));
        let [r, g, b, a] = self.background.0.map(|channel| f32::from(channel) / 255.0);
        let background = lanes::<N>([r * a, g * a, b * a, a]);
        let mut samples = vec![T::default(); width * height * channels.count()];
        let mut window = Window::<N>::default();
        let mut row = [[0.0; N]; TILE];
        for top in (0..height).step_by(TILE) {
            for left in (0..width).step_by(TILE) {
                let (right, bottom) = ((left + TILE).min(width), (top + TILE).min(height));
                let place = geometry.place((left, top), (right - 1, bottom - 1));
                if place != Place::Outside {
                    window.take(grid, geometry.bounds((left, top), (right - 1, bottom - 1)));
                }
                let row = &mut row[..right - left];
                for y in top..bottom {
                    match place {
                        Place::Outside => row.fill(background),
                        Place::Inside => window.interpolate(&geometry, (left, y), row),
                        Place::Edge => {
                            window.interpolate(&geometry, (left, y), row);
                            window.lay_over(&geometry, (left, y), background, row);
                        }
                    }
                    put(row, channels, &mut samples[(y * width + left) * channels.count()..]);
                }
            }
        }
        samples
    }
}

/// Red, green, blue and alpha as a pixel of a window. One of fewer than four floats has no colours: a gray, and perhaps alpha.
#[inline(always)]
fn lanes<const N: usize>([r, g, b, a]: [f32; 4]) -> [f32; N] {
    let all = if N < 4 { [r, a, 0.0, 0.0] } else { [r, g, b, a] };
    std::array::from_fn(|lane| all[lane])
}

/// Puts pixels out, with or without alpha.
fn put<T: Sample, const N: usize>(row: &[[f32; N]], channels: Channels, samples: &mut [T]) {
    let samples = &mut samples[..row.len() * channels.count()];
    if N == channels.count() {
        store(row.as_flattened(), channels, samples);
    } else {
        let mut packed = [0.0; 3 * TILE];
        let pixels = packed.as_chunks_mut::<3>().0.iter_mut().zip(row);
        pixels.for_each(|(packed, pixel)| packed.copy_from_slice(&pixel[..3]));
        store(&packed[..samples.len()], channels, samples);
    }
}

/// A place in the source or in a window of it: pixels from the left and from the top, pixels being squares.
type Point<T> = (T, T);

/// Where pixels of the result come from.
struct Geometry {
    sin: f64,
    cos: f64,
    from: Point<f64>,
    to: Point<f64>,
}

/// Where the middles of some pixels lie in the source.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// So far inside that no part of the pixels is outside.
    Inside,
    /// So far outside that no part of the pixels is inside.
    Outside,
    /// Perhaps on an edge.
    Edge,
}

impl Geometry {
    fn new(turn: &Turn, (width, height): (usize, usize)) -> Self {
        let (sin, cos) = turn.angle.degrees().to_radians().sin_cos();
        Self { sin, cos, from: (width as f64, height as f64), to: (turn.width.into(), turn.height.into()) }
    }

    /// Where the middle of a pixel of the result lies in the source: both have their middle in the same place.
    fn source(&self, (x, y): Point<usize>) -> Point<f64> {
        let (x, y) = (x as f64 + 0.5 - self.to.0 / 2.0, y as f64 + 0.5 - self.to.1 / 2.0);
        (x * self.cos + y * self.sin + self.from.0 / 2.0, y * self.cos - x * self.sin + self.from.1 / 2.0)
    }

    /// The smallest rectangle of the source that the middles of pixels lie in: its first and its last corner. The pixels are a rectangle of
    /// the result, given by its first and its last.
    fn bounds(&self, first: Point<usize>, last: Point<usize>) -> (Point<f64>, Point<f64>) {
        let corners = [first, (last.0, first.1), (first.0, last.1), last].map(|corner| self.source(corner));
        let of = |pick: fn(f64, f64) -> f64| corners.into_iter().reduce(|a, b| (pick(a.0, b.0), pick(a.1, b.1))).unwrap_or_default();
        (of(f64::min), of(f64::max))
    }

    fn place(&self, first: Point<usize>, last: Point<usize>) -> Place {
        let (least, most) = self.bounds(first, last);
        let within =
            |margin: f64| least.0 >= margin && least.1 >= margin && most.0 <= self.from.0 - margin && most.1 <= self.from.1 - margin;
        let beyond = most.0 <= -0.5 || most.1 <= -0.5 || least.0 >= self.from.0 + 0.5 || least.1 >= self.from.1 + 0.5;
        match (within(0.5), beyond) {
            (true, _) => Place::Inside,
            (_, true) => Place::Outside,
            _ => Place::Edge,
        }
    }
}

/// A part of the source, each pixel `N` floats, colours multiplied by their alpha. Beyond an edge the image goes on as its last pixels are.
#[derive(Default)]
struct Window<const N: usize> {
    /// Where it begins in the source.
    left: i64,
    top: i64,
    width: usize,
    pixels: Vec<[f32; N]>,
    /// A row as it is loaded.
    row: Vec<f32>,
}

impl<const N: usize> Window<N> {
    /// Takes in what is needed to interpolate within bounds.
    fn take<T: Sample>(&mut self, grid: &Grid<'_, T>, (least, most): (Point<f64>, Point<f64>)) {
        let first = |place: f64| place.floor() as i64 - MARGIN;
        let length = |least: f64, most: f64| (most.floor() - least.floor()) as usize + 2 * MARGIN as usize + 1;
        (self.left, self.top) = (first(least.0), first(least.1));
        self.width = length(least.0, most.0);
        self.pixels.resize(self.width * length(least.1, most.1), [0.0; N]);
        let inside = |place: i64, length: usize| place.clamp(0, length as i64) as usize;
        // At least one column: there are pixels of the tile that touch the image.
        let (begin, end) = (inside(self.left, grid.width - 1), inside(self.left + self.width as i64, grid.width));
        let count = grid.channels.count();
        self.row.resize((end - begin) * count, 0.0);
        let before = (begin as i64 - self.left) as usize;
        for (y, to) in (self.top..).zip(self.pixels.chunks_exact_mut(self.width)) {
            let start = inside(y, grid.height - 1) * grid.width;
            load(&grid.samples[(start + begin) * count..(start + end) * count], grid.channels, &mut self.row);
            let (known, after) = to[before..].split_at_mut(end - begin);
            spread(&self.row, count, known);
            let (first, last) = (known[0], known[known.len() - 1]);
            after.fill(last);
            to[..before].fill(first);
        }
    }

    /// A place of the source, in the window: pixels from the middle of its first one.
    fn local(&self, (x, y): Point<f64>) -> Point<f32> {
        ((x - 0.5 - self.left as f64) as f32, (y - 0.5 - self.top as f64) as f32)
    }

    /// Makes pixels of the result, in a row from one of them on. The window must have been taken for them.
    fn interpolate(&self, geometry: &Geometry, first: Point<usize>, row: &mut [[f32; N]]) {
        let start = self.local(geometry.source(first));
        let step = (geometry.cos as f32, -geometry.sin as f32);
        widest(Interpolation { pixels: &self.pixels, width: self.width, start, step, row });
    }

    /// Lays those pixels over a colour, as far as they are outside of the image.
    fn lay_over(&self, geometry: &Geometry, first: Point<usize>, background: [f32; N], row: &mut [[f32; N]]) {
        let start = self.local(geometry.source(first));
        let step = (geometry.cos as f32, -geometry.sin as f32);
        let (begin, end) = (self.local((0.0, 0.0)), self.local(geometry.from));
        for (index, pixel) in row.iter_mut().enumerate() {
            let (x, y) = (start.0 + index as f32 * step.0, start.1 + index as f32 * step.1);
            let covered = |place: f32, begin: f32, end: f32| ((place - begin).min(end - place) + 0.5).clamp(0.0, 1.0);
            let part = covered(x, begin.0, end.0) * covered(y, begin.1, end.1);
            for (value, background) in pixel.iter_mut().zip(background) {
                *value = *value * part + background * (1.0 - part);
            }
        }
    }
}

/// Gives each pixel of `count` floats the lanes that it has in a window.
fn spread<const N: usize>(row: &[f32], count: usize, to: &mut [[f32; N]]) {
    match count {
        1 => to.iter_mut().zip(row).for_each(|(to, gray)| *to = lanes([*gray, *gray, *gray, 1.0])),
        2 => to.iter_mut().zip(row.as_chunks().0).for_each(|(to, [gray, alpha])| *to = lanes([*gray, *gray, *gray, *alpha])),
        3 => to.iter_mut().zip(row.as_chunks().0).for_each(|(to, [r, g, b])| *to = lanes([*r, *g, *b, 1.0])),
        _ => to.iter_mut().zip(row.as_chunks().0).for_each(|(to, pixel)| *to = lanes(*pixel)),
    }
}

/// Pixels of a row, interpolated from rows of so many pixels: the first at a place in pixels from the middle of the first of them, each
/// further one a step away.
struct Interpolation<'a, const N: usize> {
    pixels: &'a [[f32; N]],
    width: usize,
    start: Point<f32>,
    step: Point<f32>,
    row: &'a mut [[f32; N]],
}

impl<const N: usize> Loop for Interpolation<'_, N> {
    #[inline(always)]
    fn run(self) {
        let Self { pixels, width, start, step, row } = self;
        for (index, result) in row.iter_mut().enumerate() {
            let (x, y) = (start.0 + index as f32 * step.0, start.1 + index as f32 * step.1);
            let (column, line) = (x as u32, y as u32);
            let (across, down) = (weights(x - column as f32), weights(y - line as f32));
            let first = (line as usize - 1) * width + column as usize - 1;
            let mut sum = [0.0; N];
            for (line, weight) in down.into_iter().enumerate() {
                let taps = pixels[first + line * width..].first_chunk::<4>().expect("the window has a margin");
                for lane in 0..N {
                    let line =
                        taps[0][lane] * across[0] + taps[1][lane] * across[1] + taps[2][lane] * across[2] + taps[3][lane] * across[3];
                    sum[lane] += line * weight;
                }
            }
            *result = sum;
        }
    }
}

/// Of four pixels in a row, by how far a place lies behind the second of them.
#[inline(always)]
fn weights(t: f32) -> [f32; 4] {
    let (square, cube) = (t * t, t * t * t);
    [square - 0.5 * (t + cube), 1.0 - 2.5 * square + 1.5 * cube, 0.5 * t + 2.0 * square - 1.5 * cube, 0.5 * (cube - square)]
}
