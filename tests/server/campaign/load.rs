//! Load for the proofs: pictures, clients that upload as fast as they may, and what was acknowledged to them.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use image::{DynamicImage, ImageFormat, RgbImage};
use safelight::domain::blob::BlobKey;

use crate::harness::{Server, eventually};
use crate::images;

/// Pictures of many sizes, from one piece of a body to several, each with its right result.
pub struct Album(Vec<Picture>);

struct Picture {
    file: Vec<u8>,
    swapped: RgbImage,
}

impl Album {
    /// So many pictures, no two alike.
    pub fn new(count: usize) -> Self {
        Self((0..count as u32).map(|number| Picture::new(number, 60 + number % 7 * 70, 40 + number % 11 * 40)).collect())
    }

    /// The same, but none of more than 25 kB: for loads that last.
    pub fn of_small(count: usize) -> Self {
        Self((0..count as u32).map(|number| Picture::new(number, 16 + number % 7 * 10, 16 + number % 11 * 8)).collect())
    }

    /// The file of an upload; uploads beyond the last picture begin again at the first.
    pub fn file(&self, upload: usize) -> &[u8] {
        &self.0[upload % self.0.len()].file
    }

    /// What was acknowledged must be on the disk, byte for byte.
    pub fn assert_original(&self, data: &Path, acknowledged: &Acknowledged) {
        let key = BlobKey::Original(acknowledged.id.parse().expect("an id"));
        let shard = &acknowledged.id[acknowledged.id.len() - 2..];
        let stored = fs::read(data.join("blobs").join(shard).join(key.to_string()));
        let stored = stored.unwrap_or_else(|error| panic!("the original of {}: {error}", acknowledged.id));
        assert!(stored == self.file(acknowledged.upload), "the original of {} is damaged", acknowledged.id);
    }

    /// Waits for the end of the task, which must be the right picture.
    pub fn assert_result(&self, server: &Server, acknowledged: &Acknowledged) {
        let Acknowledged { id, upload } = acknowledged;
        assert_eq!(server.wait(id), "finished", "{}", server.task(id));
        let image = eventually("the result", || Some(server.image(id)).filter(|answer| answer.status == 200));
        let expected = &self.0[upload % self.0.len()].swapped;
        assert!(images::decode(&image.body).to_rgb8() == *expected, "the pixels of {id}");
    }
}

impl Picture {
    fn new(number: u32, width: u32, height: u32) -> Self {
        // Noise, which no compression makes small: the usual ones come to 10 to 800 kB.
        let mut noise = fastrand::Rng::with_seed(number.into());
        let mut swapped = RgbImage::from_fn(width, height, |_, _| image::Rgb([noise.u8(..), noise.u8(..), noise.u8(..)]));
        let file = images::encode(&DynamicImage::from(swapped.clone()), ImageFormat::Png);
        swapped.pixels_mut().for_each(|pixel| pixel.0.reverse());
        Self { file, swapped }
    }
}

/// An upload that was answered with 202.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Acknowledged {
    pub id: String,
    /// The number of the upload, and by it of the picture.
    pub upload: usize,
}

/// How the clients get on.
#[derive(Default)]
pub struct Progress {
    in_flight: AtomicUsize,
    sent: AtomicUsize,
    acknowledged: AtomicUsize,
}

impl Progress {
    /// Uploads whose answer has not come.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Uploads answered with 202.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }
}

/// Lets `clients` upload until the server is gone, while `during` runs; gives what was acknowledged,
/// and how many uploads were sent at all.
pub fn upload_while(server: &Server, album: &Album, clients: usize, during: impl FnOnce(&Progress)) -> (Vec<Acknowledged>, usize) {
    let progress = Progress::default();
    let acknowledged = thread::scope(|threads| {
        let clients: Vec<_> = (0..clients).map(|_| threads.spawn(|| client(server, album, &progress))).collect();
        during(&progress);
        clients.into_iter().flat_map(|client| client.join().expect("a client does not panic")).collect()
    });
    (acknowledged, progress.sent.load(Ordering::SeqCst))
}

fn client(server: &Server, album: &Album, progress: &Progress) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::new();
    loop {
        let upload = progress.sent.fetch_add(1, Ordering::SeqCst);
        progress.in_flight.fetch_add(1, Ordering::SeqCst);
        let answer = server.upload_to_ending(album.file(upload), "swap_channels");
        progress.in_flight.fetch_sub(1, Ordering::SeqCst);
        match answer {
            Some(answer) if answer.status == 202 => {
                acknowledged.push(Acknowledged { id: answer.text(), upload });
                progress.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Some(answer) => assert!(matches!(answer.status, 503 | 507), "{}", answer.text()),
            // No answer: the server is gone, or about to be.
            None if server.try_get("/livez").is_none() => return acknowledged,
            None => {}
        }
    }
}

/// Every task of the server with its state, over all pages.
pub fn states(server: &Server) -> std::collections::HashMap<String, String> {
    let (mut states, mut path) = (std::collections::HashMap::new(), "/v1/tasks?limit=500".to_owned());
    loop {
        let page = server.get_json(&path);
        for task in page["tasks"].as_array().expect("a page has tasks") {
            let word = |name: &str| task[name].as_str().unwrap_or_default().to_owned();
            states.insert(word("id"), word("state"));
        }
        let Some(next) = page["next"].as_u64() else { return states };
        path = format!("/v1/tasks?limit=500&cursor={next}");
    }
}
