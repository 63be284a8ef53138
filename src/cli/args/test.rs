//! The arguments of `database test`, and those of `check --test`.

#![expect(clippy::doc_markdown, reason = "clap shows doc comments as help, as they are")]

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use crate::project::test::choose::Request;
use crate::project::test::select::{Choice, Shard};

/// The format of the report.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum TestFormat {
    /// Text for people.
    #[default]
    Text,
    /// One stream of TAP, in which each file is a test.
    Tap,
    /// One JSON object.
    Json,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TestArguments {
    /// Run the tests with this in their paths [default: test.sql if it exists, else all]
    #[arg(value_name = "FILTER")]
    pub(in crate::cli) filters: Vec<OsString>,
    /// Run all files below db/test, even if there is a test.sql
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Run only the files that failed when they ran last
    #[arg(long)]
    pub(in crate::cli) failed: bool,
    /// Run the files in an order that this number decides
    #[arg(long, value_name = "SEED")]
    pub(in crate::cli) shuffle: Option<u64>,
    /// Run only a part of the files: part I of N parts
    #[arg(long, value_name = "I/N")]
    pub(in crate::cli) shard: Option<Shard>,
    /// Run the files one after the other in the database itself, not each in a clone
    #[arg(long, conflicts_with = "jobs")]
    pub(in crate::cli) in_place: bool,
    /// Set the psql variable USE_MOCK=1 when the clones' template is hydrated
    #[arg(short, long, conflicts_with = "in_place")]
    pub(in crate::cli) mock: bool,
    /// The number of files that run at the same time [default: the number of CPUs]
    #[arg(short, long, value_name = "N")]
    pub(in crate::cli) jobs: Option<NonZeroUsize>,
    /// End a file that takes longer, such as 30s
    #[arg(long, value_name = "DURATION")]
    pub(in crate::cli) timeout: Option<String>,
    /// The format of the report
    #[arg(id = "test-format", long = "format", value_name = "FORMAT")]
    pub(in crate::cli) format: Option<TestFormat>,
    /// Write the report as JUnit XML to this file, too
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Show the time of each file
    #[arg(long)]
    pub(in crate::cli) timer: bool,
}

impl TestArguments {
    /// Whether nobody wants another report than the output of the tests.
    pub(in crate::cli) fn is_plain(&self) -> bool {
        self.format.is_none() && self.junit.is_none() && !self.timer && self.timeout.is_none()
    }

    /// The files that the user wants.
    pub(in crate::cli) fn request(&self) -> Request {
        Request {
            choice: Choice {
                filters: self.filters.clone(),
                only: None,
                shuffle: self.shuffle,
                shard: self.shard,
            },
            all: self.all,
            failed: self.failed,
        }
    }
}

/// The tests of `check`.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct CheckTestArguments {
    /// Run the tests afterwards, each file in a copy of the database
    #[arg(long)]
    pub(in crate::cli) test: bool,
    /// The number of files that run at the same time [default: the number of CPUs]
    #[arg(short, long, value_name = "N", requires = "test")]
    pub(in crate::cli) jobs: Option<NonZeroUsize>,
    /// End a file of tests that takes longer, such as 30s
    #[arg(long, value_name = "DURATION", requires = "test")]
    pub(in crate::cli) timeout: Option<String>,
    /// The format of the report about the tests
    #[arg(
        id = "test-format",
        long = "format",
        value_name = "FORMAT",
        default_value = "text",
        requires = "test"
    )]
    pub(in crate::cli) format: TestFormat,
    /// Write the report as JUnit XML to this file, too
    #[arg(long, value_name = "FILE", requires = "test")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Show the time of each file of tests
    #[arg(long, requires = "test")]
    pub(in crate::cli) timer: bool,
}
