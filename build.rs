//! Compiles what is in C: the calls to libaom, where the feature asks for them.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "libaom")]
    libaom();
}

#[cfg(feature = "libaom")]
fn libaom() {
    const SOURCE: &str = "src/imaging/avif/aom.c";
    println!("cargo:rerun-if-changed={SOURCE}");
    // Stills have a mode of their own since 3.1.
    let library = match pkg_config::Config::new().atleast_version("3.1").probe("aom") {
        Ok(library) => library,
        Err(error) => panic!("the feature `libaom` needs libaom 3.1 or newer with its headers (Debian: libaom-dev): {error}"),
    };
    cc::Build::new().file(SOURCE).includes(library.include_paths).std("c11").compile("safelight_aom");
    // Once more, after what refers to it.
    println!("cargo:rustc-link-lib=aom");
}
