//! Logs: JSON lines on standard error, or lines for people where standard error is a terminal.
//!
//! Installed before Rocket starts, so that Rocket's own records come out in the same form; Rocket then keeps its logger
//! to itself. `http::request_log` logs requests: Rocket's lines about single requests have the raw path and query,
//! which can contain personal data, and are dropped regardless of the filter.

use std::io::{self, IsTerminal};
use std::panic;

use rocket::config::LogLevel;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// The variable that overrides the configured level, target by target.
const FILTER_VARIABLE: &str = "RUST_LOG";

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error("{FILTER_VARIABLE} is not a filter such as \"info\" or \"kurskoll=debug,sqlx=warn\"")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("{FILTER_VARIABLE} is not UTF-8")]
    FilterNotUtf8,
    #[error("logging was set up already")]
    AlreadySetUp(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts to log, at the configuration's `log_level` unless `RUST_LOG` says otherwise. Panics are logged as errors.
pub fn init(log_level: LogLevel) -> Result<(), LoggingError> {
    let filter = match std::env::var(FILTER_VARIABLE) {
        Ok(directives) if !directives.trim().is_empty() => directives,
        Ok(_) | Err(std::env::VarError::NotPresent) => default_directives(log_level),
        Err(std::env::VarError::NotUnicode(_)) => return Err(LoggingError::FilterNotUtf8),
    };
    let form = if io::stderr().is_terminal() { Form::Human } else { Form::Json };
    subscriber(form, EnvFilter::try_new(filter)?, io::stderr).try_init()?;
    log_panics();
    Ok(())
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Human,
    Json,
}

fn subscriber<W>(form: Form, filter: EnvFilter, writer: W) -> impl SubscriberInitExt + tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines: Box<dyn Layer<_> + Send + Sync> = match form {
        Form::Human => Box::new(tracing_subscriber::fmt::layer().with_writer(writer).with_span_events(FmtSpan::NONE)),
        Form::Json => Box::new(
            tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .with_writer(writer),
        ),
    };
    Registry::default().with(lines.with_filter(filter_fn(holds_no_raw_request))).with(filter)
}

/// What Rocket's level means here. Rocket calls its launch a warning and describes each route at `info`: neither is
/// wanted, its real warnings and errors are. Statements and frames of the libraries below show at no level of ours.
fn default_directives(log_level: LogLevel) -> String {
    let level = match log_level {
        LogLevel::Off => return LevelFilter::OFF.to_string(),
        LogLevel::Critical => return "warn,rocket::launch=error".to_owned(),
        LogLevel::Normal => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    format!("{level},rocket=warn,rocket::launch=error,hyper=warn,sqlx=warn,sea_orm=warn,sea_orm_migration=info")
}

/// Whether a record is anything but one of Rocket's about a single request. Those are: the server's chatter below a
/// warning; and the indented lines (their target ends in `::_`) of the server and of the code that Rocket generates for
/// our routes and guards, which logs in our own modules' name.
fn holds_no_raw_request(record: &Metadata<'_>) -> bool {
    let target = record.target();
    let is_rockets = target.starts_with("rocket::");
    let is_about_requests = target.starts_with("rocket::server") || target.starts_with("rocket::request");
    if target.ends_with("::_") {
        return is_rockets && !is_about_requests;
    }
    !is_about_requests || *record.level() <= Level::WARN
}

/// A panic is one record like any other, rather than loose text between the JSON lines.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let reason = panic.payload_as_str().unwrap_or("of another kind than text");
        let location = panic.location().map(ToString::to_string);
        tracing::error!(reason, location, "panicked");
    }));
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    /// Everything that was logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("lines").clone()).expect("text")
        }

        fn json(&self) -> Vec<Value> {
            self.text().lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
        }
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lines").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(form: Form, directives: &str, act: impl FnOnce()) -> Lines {
        let lines = Lines::default();
        let writer = lines.clone();
        let filter = EnvFilter::try_new(directives).expect("a filter");
        tracing::subscriber::with_default(subscriber(form, filter, move || writer.clone()), act);
        lines
    }

    #[test]
    fn a_line_is_one_json_object_with_the_span_that_it_belongs_to() {
        let lines = logged(Form::Json, "info", || {
            tracing::info_span!("request", request_id = "r-1").in_scope(|| tracing::warn!(status = 503, "not now"));
        });
        let lines = lines.json();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0]["message"], "not now");
        assert_eq!(lines[0]["status"], 503);
        assert_eq!(lines[0]["span"]["request_id"], "r-1");
        assert!(lines[0]["timestamp"].is_string());
    }

    #[test]
    fn a_terminal_gets_lines_for_people() {
        let text = logged(Form::Human, "info", || tracing::info!(port = 8000, "listening")).text();
        assert!(text.contains("INFO") && text.contains("listening"), "{text}");
        assert!(serde_json::from_str::<Value>(&text).is_err());
    }

    #[test]
    fn rockets_lines_about_single_requests_are_dropped_whatever_the_filter_asks_for() {
        let lines = logged(Form::Json, "trace", || {
            tracing::info!(target: "rocket::server", "GET /people?name=Somebody:");
            tracing::error!(target: "rocket::server::_", "No matching routes for GET /people/Somebody.");
            tracing::warn!(target: "rocket::request::request", "Hyper/Rocket URI validity discord");
            tracing::info!(target: "rocket::server::_", "Matched: /people/<name>");
            tracing::warn!(target: "kurskoll::http::api::_", "Parameter guard `name` is forwarding: Somebody");
            tracing::warn!(target: "rocket::server", "Received SIGTERM. Requesting shutdown.");
            tracing::error!(target: "rocket::config::config::_", "invalid type");
            tracing::debug!(target: "kurskoll::http", "ours");
        });
        let messages: Vec<Value> = lines.json().into_iter().map(|line| line["message"].clone()).collect();
        assert_eq!(
            messages,
            ["Hyper/Rocket URI validity discord", "Received SIGTERM. Requesting shutdown.", "invalid type", "ours"]
        );
    }

    #[test]
    fn the_configured_level_keeps_the_libraries_quiet() {
        let logged_at = |level: LogLevel| {
            logged(Form::Json, &default_directives(level), || {
                tracing::warn!(target: "rocket::launch", "Rocket has launched");
                tracing::info!(target: "rocket::rocket", "Routes:");
                tracing::info!(target: "sqlx::query", "SELECT");
                tracing::error!(target: "rocket::rkt", "a mount is wrong");
                tracing::warn!("a warning");
                tracing::info!("a line");
                tracing::debug!("a detail");
            })
            .json()
            .into_iter()
            .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
        };
        assert_eq!(logged_at(LogLevel::Off), [""; 0]);
        assert_eq!(logged_at(LogLevel::Critical), ["a mount is wrong", "a warning"]);
        assert_eq!(logged_at(LogLevel::Normal), ["a mount is wrong", "a warning", "a line"]);
        assert_eq!(logged_at(LogLevel::Debug), ["a mount is wrong", "a warning", "a line", "a detail"]);
    }
}
