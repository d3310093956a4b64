//! Named pipelines: the one section whose keys the user makes up.

use serde_json::Value as Json;

use crate::config::kind::{BadValue, Kind, PipelineText};
use crate::config::raw::Raw;
use crate::config::schema::{Key, Section};
use crate::domain::pipeline::{InvalidPresetName, PresetName, Presets};

/// The section as `config.toml` shows it: the one preset that is always there.
pub(crate) const SECTION: Section = Section {
    name: "presets",
    doc: &[
        " Presets: pipelines with a name, which a request may give in place of a pipeline. Add your own as further keys;",
        " a name must not be an operation's or a format's.",
    ],
    keys: &[Key {
        path: "presets.default",
        doc: &[" The pipeline of a request that names none."],
        live: true,
        default: DEFAULT,
        kind: &PipelineText,
    }],
};

/// What is known of every other preset.
pub(crate) static KEY: Key =
    Key { path: "presets.<name>", doc: &[" A pipeline of your own."], live: true, default: DEFAULT, kind: &PipelineText };

/// Red and blue swapped, in the format of the original.
const DEFAULT: &str = "swap_channels";

/// Whether a preset may have this name.
pub(crate) fn check_name(name: &str) -> Result<(), InvalidPresetName> {
    name.parse::<PresetName>().map(drop)
}

/// Adds or replaces one preset.
pub(crate) fn set(presets: &mut Presets, name: &str, raw: &Raw) -> Result<(), BadValue> {
    let name: PresetName = name.parse().map_err(|why: InvalidPresetName| BadValue(why.to_string()))?;
    presets.insert(name, PipelineText.read(raw)?);
    Ok(())
}

/// The text of one preset, if there is one of this name.
pub(crate) fn get(presets: &Presets, name: &str) -> Option<Json> {
    presets.get(name).map(|pipeline| PipelineText.print(pipeline))
}

/// Only `default`.
pub(crate) fn defaults() -> Presets {
    let mut presets = Presets::default();
    set(&mut presets, "default", &Raw::Untyped(DEFAULT.to_owned())).expect("the default preset is valid, which a test holds");
    presets
}
