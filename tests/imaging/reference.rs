//! docs/operations.md and its pictures, written from the declarations that the parser uses. `make operations` writes them anew;
//! this test fails while they are not what it would write.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, Rgba, RgbaImage};
use safelight::domain::pipeline::{Declaration, Input, Output, OutputChoice, Parameter, Pipeline, Step};

use crate::common::{file, run_with};
use safelight::domain::format::Format;

/// Set by `make operations`.
const WRITE: &str = "SAFELIGHT_WRITE_DOCS";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The operations that a release has.
fn operations() -> impl Iterator<Item = &'static Declaration> {
    Step::declarations().filter(|declaration| !declaration.name.starts_with("fault_"))
}

/// A small scene: a sky, a hill, a sun, a house with a red roof, and a border that is not symmetric.
fn scene() -> DynamicImage {
    let (width, height) = (144, 96);
    let scene = RgbaImage::from_fn(width, height, |x, y| {
        let (fx, fy) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let hill = 0.72 + 0.12 * (fx * 5.0).sin();
        let sun = (f64::from(x) - 112.0).hypot(f64::from(y) - 22.0);
        let colour = |r: f64, g: f64, b: f64| Rgba([r, g, b, 255.0].map(|sample: f64| sample.round().clamp(0.0, 255.0) as u8));
        if (40..=72).contains(&x) && (40..=72).contains(&y) {
            let window = (46..=54).contains(&x) && (50..=58).contains(&y);
            if window { colour(40.0, 50.0, 70.0) } else { colour(235.0, 225.0, 200.0 - 40.0 * fx) }
        } else if y < 40 && y > 24 && x.abs_diff(56) < (y - 24) * 5 / 4 {
            colour(190.0, 45.0, 35.0 + 60.0 * fy)
        } else if sun < 11.0 {
            colour(255.0, 225.0, 90.0)
        } else if fy > hill {
            colour(60.0 + 40.0 * fx, 140.0 - 60.0 * (fy - hill), 50.0)
        } else {
            colour(90.0 + 120.0 * fy, 150.0 + 70.0 * fy, 235.0)
        }
    });
    DynamicImage::ImageRgba8(scene).into_rgb8().into()
}

/// The asset of the examples: a ring around a dot on nothing, with soft edges.
fn logo() -> DynamicImage {
    let side = 96;
    let logo = RgbaImage::from_fn(side, side, |x, y| {
        let from_middle = (f64::from(x) + 0.5 - 48.0).hypot(f64::from(y) + 0.5 - 48.0);
        let covered = |inner: f64, outer: f64| (from_middle - inner + 0.5).clamp(0.0, 1.0) * (outer - from_middle + 0.5).clamp(0.0, 1.0);
        let (ring, dot) = (covered(30.0, 46.0), covered(-1.0, 18.0));
        let colour = if dot > ring { [230, 60, 40] } else { [255, 255, 255] };
        Rgba([colour[0], colour[1], colour[2], (ring.max(dot) * 255.0).round() as u8])
    });
    logo.into()
}

fn joined(text: &[&str]) -> String {
    text.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn row(parameter: &Parameter) -> String {
    let short = parameter.short.map(|short| format!(" or `{short}`")).unwrap_or_default();
    let default = match parameter.default_value() {
        Some(value) => format!("`{value}`"),
        None if parameter.is_required() => "required".to_owned(),
        None => "none".to_owned(),
    };
    format!("| `{}`{short} | {} | {} | {default} |\n", parameter.name, joined(parameter.text), parameter.expected())
}

/// One declaration; `picture`: the file of what its first example makes of the scene.
fn section(page: &mut String, declaration: &Declaration, picture: Option<&str>) {
    write!(page, "### `{}`\n\n{}\n\n", declaration.name, joined(declaration.text)).expect("a String takes it");
    if !declaration.parameters.is_empty() {
        page.push_str("| argument | meaning | value | default |\n|---|---|---|---|\n");
        declaration.parameters.iter().for_each(|parameter| page.push_str(&row(parameter)));
        page.push('\n');
    }
    for example in declaration.examples {
        let whole = if declaration.name == Input::NAME { format!("{example}/png") } else { (*example).to_owned() };
        let pipeline: Pipeline = whole.parse().expect("examples are pipelines");
        let json = serde_json::to_string(&pipeline).expect("it prints");
        write!(page, "```text\n{example}\n{json}\n```\n\n").expect("a String takes it");
    }
    if let Some(picture) = picture {
        write!(page, "![before](operations/before.png) ![{}]({picture})\n\n", declaration.examples[0]).expect("a String takes it");
    }
}

/// The page, and the pictures by the names of their files.
fn reference() -> (String, Vec<(String, Vec<u8>)>) {
    let mut page = "# Operations\n\n\
        Written by `make operations` from the declarations that the parser reads pipelines by: do not edit. How a pipeline is put together is\n\
        in [pipelines.md](pipelines.md). The first argument of an operation may be given without its name where the examples do so. Each\n\
        example is shown in both forms; the JSON form has every default. The pictures show the first.\n\n\
        ## Input\n\n"
        .to_owned();
    section(&mut page, Input::declaration(), None);
    page.push_str("## Steps\n\n");
    let (before, logo) = (file(&scene(), Format::Png), file(&logo(), Format::Png));
    let mut pictures = vec![("operations/before.png".to_owned(), before.clone())];
    for declaration in operations() {
        let pipeline = format!("{}/png", declaration.examples[0]);
        let (after, _) = run_with(&before, &pipeline, &[("logo", &logo)]).expect("the scene can be processed");
        let name = format!("operations/{}.png", declaration.name);
        section(&mut page, declaration, Some(&name));
        pictures.push((name, after));
    }
    page.push_str("## Outputs\n\n");
    for output in OutputChoice::declarations() {
        if Output::is_built(output.name) { section(&mut page, output, None) } else { page.push_str(&kept(output.name)) }
    }
    (page.trim_end().to_owned() + "\n", pictures)
}

/// What the page says about an output, as it is, where this build cannot read examples of it.
fn kept(name: &str) -> String {
    let written = fs::read_to_string(docs().join("operations.md")).unwrap_or_default();
    let Some((_, rest)) = written.split_once(&format!("### `{name}`\n")) else { return String::new() };
    let section = rest.split_once("\n### ").map_or(rest, |(section, _)| section);
    format!("### `{name}`\n{section}\n")
}

#[test]
fn the_page_of_operations_says_what_the_parser_does() {
    let (page, pictures) = reference();
    if std::env::var_os(WRITE).is_some() {
        let _ = fs::remove_dir_all(docs().join("operations"));
        fs::create_dir_all(docs().join("operations")).expect("docs can be written");
        fs::write(docs().join("operations.md"), &page).expect("docs can be written");
        pictures.iter().for_each(|(name, bytes)| fs::write(docs().join(name), bytes).expect("docs can be written"));
    }
    let written = fs::read_to_string(docs().join("operations.md")).unwrap_or_default();
    assert!(written == page, "docs/operations.md is not what the declarations say: run `make operations`");
    for (name, bytes) in &pictures {
        // Pixels, not bytes: another version of the encoder may pack them otherwise.
        let written = fs::read(docs().join(name)).ok().and_then(|bytes| image::load_from_memory(&bytes).ok());
        let expected = image::load_from_memory(bytes).expect("it was just written");
        assert!(written.as_ref() == Some(&expected), "docs/{name} is not what the operation does: run `make operations`");
    }
    let there = fs::read_dir(docs().join("operations")).expect("the pictures are there").count();
    assert_eq!(there, pictures.len(), "docs/operations has a picture of no operation: run `make operations`");
}
