//! Upload, ask, download, and the words of the classic routes.

use image::ImageFormat;

use crate::harness::Server;
use crate::images;

#[test]
fn an_image_comes_back_with_red_and_blue_swapped() {
    let server = Server::new();
    let picture = images::rgb(64, 48);
    let answer = server.process(&images::encode(&picture, ImageFormat::Png), "");
    assert_eq!(answer.header("content-type"), "image/png");
    let mut expected = picture.into_rgb8();
    expected.pixels_mut().for_each(|pixel| pixel.0.reverse());
    assert_eq!(images::decode(&answer.body).into_rgb8(), expected);
}

#[test]
fn classic_words() {
    let server = Server::new();
    let unknown = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    for path in [format!("/image/isReady?id={unknown}"), format!("/image/get?id={unknown}"), "/image/isReady?id=x".to_owned()] {
        let answer = server.get(&path);
        assert_eq!((answer.status, answer.text().as_str()), (404, "not found"), "{path}");
    }
    let cut = &images::small_png()[..60];
    let id = server.upload(cut, "");
    assert_eq!(server.wait(&id), "failed: corrupt_image");
    let answer = server.image(&id);
    assert_eq!((answer.status, answer.text().as_str()), (422, "failed: corrupt_image"));
}
