//! Where an endpoint may be, as far as its URL tells. What its name stands for is asked when it is registered and at every delivery.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// An absolute URL of `https` or `http`, read by the rules of browsers (url.spec.whatwg.org): whatever way a host is spelled in, such as
/// `0x7f.1`, it is the host that is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    /// The longest one, in bytes.
    pub const MAX: usize = 2048;

    /// The URL in its one normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether what is sent there can be read on the way.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not the URL of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebhookUrl {
    /// No URL at all, or one that is relative.
    #[error("the URL cannot be read: expected one such as https://example.com/hooks")]
    Unreadable,
    /// Longer than it may be.
    #[error("the URL is longer than {} bytes", WebhookUrl::MAX)]
    TooLong,
    /// Neither of the two.
    #[error("the URL must begin with https://")]
    Scheme,
    /// It carries a name and a password.
    #[error("the URL must not carry a user name or a password; what is sent there is signed")]
    Credentials,
    /// Port 0.
    #[error("nothing can listen on port 0")]
    Port,
    /// What follows a `#` is never sent.
    #[error("the URL must not have a fragment (#): it would never be sent")]
    Fragment,
}

impl FromStr for WebhookUrl {
    type Err = InvalidWebhookUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX {
            return Err(InvalidWebhookUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| InvalidWebhookUrl::Unreadable)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidWebhookUrl::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidWebhookUrl::Credentials);
        }
        if url.port() == Some(0) {
            return Err(InvalidWebhookUrl::Port);
        }
        if url.fragment().is_some() {
            return Err(InvalidWebhookUrl::Fragment);
        }
        // Its normal form is longer where characters were escaped.
        if url.as_str().len() > Self::MAX { Err(InvalidWebhookUrl::TooLong) } else { Ok(Self(url)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_form() {
        for (text, form) in [
            ("https://example.com", "https://example.com/"),
            ("HTTPS://Example.COM:443/a b?c=d", "https://example.com/a%20b?c=d"),
            ("https://b\u{fc}cher.example/", "https://xn--bcher-kva.example/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("https://[::FFFF:10.0.0.1]:8443/", "https://[::ffff:a00:1]:8443/"),
        ] {
            let url: WebhookUrl = text.parse().expect(text);
            assert_eq!(url.as_str(), form);
            assert_eq!(form.parse(), Ok(url));
        }
        assert!("http://example.com/".parse::<WebhookUrl>().is_ok_and(|url| url.is_plain()));
        assert!("https://example.com/".parse::<WebhookUrl>().is_ok_and(|url| !url.is_plain()));
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        use InvalidWebhookUrl::{Credentials, Fragment, Port, Scheme, TooLong, Unreadable};
        let (long, escaped) =
            (format!("https://example.com/{}", "a".repeat(2048)), format!("https://example.com/{}", "\u{fc}".repeat(1000)));
        for (text, why) in [
            ("", Unreadable),
            ("/hooks", Unreadable),
            ("https://", Unreadable),
            ("https://1.2.3.256/", Unreadable),
            ("ftp://example.com/", Scheme),
            ("file:///etc/passwd", Scheme),
            ("https://user@example.com/", Credentials),
            ("https://:secret@example.com/", Credentials),
            ("https://example.com:0/", Port),
            ("https://example.com/#there", Fragment),
            (&long, TooLong),
            (&escaped, TooLong),
        ] {
            assert_eq!(text.parse::<WebhookUrl>(), Err(why), "{text}");
        }
    }
}
