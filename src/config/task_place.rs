//! Where the rows are kept: in the data directory, or in a database that several servers share.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// Where tasks, settings, names of assets, API keys and webhooks are kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum TaskPlace {
    /// In an SQLite database in the data directory.
    #[default]
    Local,
    /// In a PostgreSQL database.
    Postgres(DatabaseUrl),
}

impl TaskPlace {
    /// Whether other servers may change what is kept there.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// The URL of a PostgreSQL database. It is printed without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Url);

impl DatabaseUrl {
    /// The whole URL, with its password.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        if shown.password().is_some() && shown.set_password(Some("hidden")).is_err() {
            return f.write_str("postgres://(hidden)");
        }
        // A password may also stand among the parameters.
        if shown.query_pairs().any(|(name, _)| name == "password") {
            shown.set_query(Some("hidden"));
        }
        shown.fmt(f)
    }
}

impl fmt::Display for TaskPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// As it is printed: a log must not tell a password.
impl fmt::Debug for TaskPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text named no place for tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place for tasks: expected \"local\" or the URL of a PostgreSQL database")]
pub struct InvalidTaskPlace;

impl FromStr for TaskPlace {
    type Err = InvalidTaskPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "local" {
            return Ok(Self::Local);
        }
        let url = Url::parse(text).map_err(|_| InvalidTaskPlace)?;
        let is_postgres = matches!(url.scheme(), "postgres" | "postgresql");
        if is_postgres { Ok(Self::Postgres(DatabaseUrl(url))) } else { Err(InvalidTaskPlace) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_what_it_prints_and_tells_no_password() {
        let shown = |text: &str| text.parse::<TaskPlace>().map(|place| place.to_string());
        for place in ["local", "postgres://host/db", "postgresql://u@%2Frun%2Fpostgresql/db", "postgres://u@h:5433/db?connect_timeout=3"] {
            assert_eq!(shown(place).as_deref(), Ok(place));
        }
        assert_eq!(shown("postgres://u:sesame@h/db").as_deref(), Ok("postgres://u:hidden@h/db"));
        assert_eq!(shown("postgres://h/db?user=u&password=sesame").as_deref(), Ok("postgres://h/db?hidden"));
        let place: TaskPlace = "postgres://u:sesame@h/db".parse().unwrap();
        assert!(!format!("{place:?}").contains("sesame"));
        assert!(matches!(place, TaskPlace::Postgres(url) if url.expose().contains("sesame")));
        for bad in ["", "sqlite", "mysql://h/db", "host/db"] {
            assert_eq!(shown(bad), Err(InvalidTaskPlace), "{bad}");
        }
    }
}
