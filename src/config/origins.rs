//! Which pages of other sites a browser lets talk to the server.

use std::fmt;
use std::str::FromStr;

/// Origins in the sense of RFC 6454.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// None: browsers keep the pages of other sites away.
    #[default]
    None,
    /// Every one.
    Any,
    /// These, such as `https://app.example.org`.
    Listed(Vec<String>),
}

/// The text lists no origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a list of origins")]
pub struct InvalidOrigins;

impl FromStr for Origins {
    type Err = InvalidOrigins;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "" => Ok(Self::None),
            "*" => Ok(Self::Any),
            list => {
                let origins: Vec<String> = list.split(',').map(|origin| origin.trim().to_owned()).collect();
                if origins.iter().all(|origin| is_origin(origin)) { Ok(Self::Listed(origins)) } else { Err(InvalidOrigins) }
            }
        }
    }
}

/// A scheme, a host, perhaps a port, and nothing behind: as browsers write it in `Origin`.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':' | b'[' | b']'))
    })
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Any => f.write_str("*"),
            Self::Listed(origins) => f.write_str(&origins.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_read_what_they_print() {
        for text in ["", "*", "https://app.example.org", "http://localhost:3000,https://[::1]:8443"] {
            assert_eq!(text.parse::<Origins>().map(|origins| origins.to_string()).as_deref(), Ok(text));
        }
        for text in ["app.example.org", "https://", "https://a/", "https://A.example.org", "https://a,", "null", "https://*.example.org"] {
            assert_eq!(text.parse::<Origins>(), Err(InvalidOrigins), "{text}");
        }
    }
}
