//! One typed section per service. Rules between sections lie in `checks`.

mod data;
mod janitor;
mod limits;
mod log;
mod nodes;
pub(crate) mod presets;
mod s3;
mod server;
mod tasks;
mod uploads;
mod watch;
mod webhooks;
mod workers;

pub use data::DataConfig;
pub use janitor::JanitorConfig;
pub use limits::{AssetLimits, LimitsConfig};
pub use log::{LogConfig, LogFormat};
pub use nodes::NodesConfig;
pub use s3::S3Config;
pub use server::ServerConfig;
pub use tasks::TasksConfig;
pub use uploads::UploadConfig;
pub use watch::WatchConfig;
pub use webhooks::WebhooksConfig;
pub use workers::WorkersConfig;

use crate::config::schema::Section;

/// Every section, in the order of `config.toml`.
pub(crate) static SECTIONS: [&Section; 13] = [
    &ServerConfig::SECTION,
    &DataConfig::SECTION,
    &S3Config::SECTION,
    &UploadConfig::SECTION,
    &TasksConfig::SECTION,
    &WorkersConfig::SECTION,
    &LimitsConfig::SECTION,
    &presets::SECTION,
    &WatchConfig::SECTION,
    &WebhooksConfig::SECTION,
    &JanitorConfig::SECTION,
    &NodesConfig::SECTION,
    &LogConfig::SECTION,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_reads_back_from_its_normal_form() {
        for key in SECTIONS.iter().flat_map(|section| section.keys) {
            let value = key.default_value();
            assert_eq!(key.check_json(&value).as_ref(), Ok(&value), "{}", key.path);
        }
    }

    #[test]
    fn every_key_is_documented_and_lies_in_its_section() {
        for section in SECTIONS {
            assert!(!section.doc.is_empty(), "[{}]", section.name);
            for key in section.keys {
                assert!(!key.doc.is_empty(), "{}", key.path);
                assert_eq!(key.path, format!("{}.{}", section.name, key.name()));
            }
        }
    }
}
