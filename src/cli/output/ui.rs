//! Output to people: data goes to standard output; status, warnings, hints and progress go to
//! standard error.
//!
//! Lower layers emit `tracing` events. The layer here turns them into lines, or into JSON objects
//! with `--log-format json`. A running step is a span; a terminal shows a spinner for it.
//! `anstream` decides about colours: none in a pipe, none with `NO_COLOR`.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::cli::env::no_tty;
use crate::postgres::psql::script::PSQL;
use crate::sys::error::{Error, Result};
use crate::sys::steps::{PROGRESS, RECORD, SPAN};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// The format of messages.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object on each line.
    Json,
}

/// The arguments of every program about its messages.
#[derive(Debug, Default, Clone, Copy, clap::Args)]
pub struct Voice {
    /// Print more messages
    #[arg(long, global = true)]
    pub verbose: bool,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// The format of messages
    #[arg(long = "log-format", global = true, value_name = "FORMAT", default_value = "text")]
    pub format: LogFormat,
}

/// Installs the subscriber that prints the events of this process.
pub fn install(voice: Voice) {
    let show_progress = !no_tty()
        && !voice.quiet
        && voice.format == LogFormat::Text
        && std::io::stderr().is_terminal();
    let layer = Ui { voice, spinner: show_progress.then(|| Mutex::new(None)) };
    // only tests call this twice, and the second call changes nothing
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
}

/// Prints one line of status.
pub fn status(line: &str) {
    tracing::info!("{line}");
}

/// Whether data on standard output may have colours.
pub fn is_coloured() -> bool {
    !no_tty() && anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Writes data to standard output. It is not an error if the reader has gone.
pub fn data(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints an error: its message, the details, and the hints.
pub fn error(error: &Error, code: i32, format: LogFormat) {
    let mut out = anstream::stderr().lock();
    if format == LogFormat::Json {
        let object = serde_json::json!({
            "level": "error", "message": error.message(), "details": error.details(),
            "hints": hints(error), "exit": code,
        });
        let _ = writeln!(out, "{object}");
        return;
    }
    let mut text = format!("{ERROR}error:{ERROR:#} {}\n", error.message());
    for detail in error.details().iter().filter(|detail| !detail.is_empty()) {
        for line in detail.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    for hint in hints(error) {
        let _ = writeln!(text, "{HINT}hint:{HINT:#} {hint}");
    }
    let _ = out.write_all(text.as_bytes());
}

/// The hints of an error. Every verb can find the disk full, and systems and servers report that in the
/// same words.
fn hints(error: &Error) -> Vec<&str> {
    const FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];
    let mut hints: Vec<&str> = error.hints().iter().map(String::as_str).collect();
    let mut said = error.details().iter().map(String::as_str).chain([error.message()]);
    let is_full = said.any(|text| FULL.iter().any(|words| text.contains(words)));
    if is_full && !hints.iter().any(|hint| hint.contains("space")) {
        hints.push("free some space on the disk, then repeat the command");
    }
    hints
}

struct Ui {
    voice: Voice,
    /// The spinner of the running step. The outer `None` means that steps are not shown.
    spinner: Option<Mutex<Option<ProgressBar>>>,
}

impl Ui {
    fn wants(&self, event: &Event<'_>) -> bool {
        let level = *event.metadata().level();
        let ours =
            event.metadata().target() == PSQL || event.metadata().target().starts_with("db_tool");
        ours && match level {
            Level::ERROR => true,
            _ if event.metadata().target() == RECORD && self.voice.format == LogFormat::Text => {
                self.voice.verbose
            }
            Level::WARN | Level::INFO => !self.voice.quiet,
            _ => self.voice.verbose,
        }
    }

    fn show_progress(&self, event: &Event<'_>) {
        let mut far = Message::default();
        event.record(&mut far);
        if let Some(Some(bar)) = self.spinner.as_ref().map(lock).as_deref() {
            let message = bar.message();
            let step = message.split_whitespace().next().unwrap_or_default();
            bar.set_message(format!("{step} {}", far.0));
        }
    }

    fn line(&self, event: &Event<'_>) -> String {
        let mut message = Message::default();
        event.record(&mut message);
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        if self.voice.format == LogFormat::Json {
            let mut object = Fields::default();
            object.0.insert("level".to_owned(), level.as_str().to_lowercase().into());
            event.record(&mut object);
            return serde_json::Value::Object(object.0).to_string();
        }
        if level == Level::WARN && target != PSQL {
            return format!("{WARNING}warning:{WARNING:#} {}", message.0);
        }
        message.0
    }
}

impl<S: Subscriber> Layer<S> for Ui {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == PROGRESS {
            return self.show_progress(event);
        }
        if !self.wants(event) {
            return;
        }
        let line = self.line(event);
        let print = || {
            let _ = writeln!(anstream::stderr(), "{line}");
        };
        match self.spinner.as_ref().map(lock).as_deref() {
            Some(Some(bar)) => bar.suspend(print),
            _ => print(),
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() != SPAN {
            return;
        }
        let Some(spinner) = &self.spinner else { return };
        let mut what = Message::default();
        attributes.record(&mut what);
        let bar = ProgressBar::new_spinner().with_message(what.0);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        *lock(spinner) = Some(bar);
    }

    fn on_close(&self, _: Id, _: Context<'_, S>) {
        if let Some(bar) = self.spinner.as_ref().and_then(|spinner| lock(spinner).take()) {
            bar.finish_and_clear();
        }
    }
}

/// a panic leaves the bar usable, so ignore poisoning
fn lock(spinner: &Mutex<Option<ProgressBar>>) -> MutexGuard<'_, Option<ProgressBar>> {
    spinner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The text of an event, or the name of a step.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if matches!(field.name(), "message" | "what") {
            self.0 = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if matches!(field.name(), "message" | "what") {
            value.clone_into(&mut self.0);
        }
    }
}

/// All fields of an event, for its JSON object.
#[derive(Default)]
struct Fields(serde_json::Map<String, serde_json::Value>);

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
