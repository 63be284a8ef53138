//! `migrator verify`.

use super::{Cli, print};
use crate::cli::output::{migrator as report, ui};
use crate::command::content::Content;
use crate::command::migrator::verify::Verify;
use crate::environment::private;
use crate::project::source::Source;
use crate::sys::error::{Error, Kind, Result};

impl Cli<'_> {
    /// The sources of the project, for a cluster that has the bundle already.
    fn sources(&self) -> Result<Content> {
        let resolve = self.settings.resolve();
        let workspace = resolve.workspace()?;
        Ok(Content {
            bundle: None,
            secrets: resolve.secrets(None),
            source: Some(Source::of(&workspace, false, Some("/dev/null".into()))?),
            patch: None,
            inherits: Vec::new(),
            cached: resolve.caches(false)?,
            project: Some(workspace.root),
        })
    }

    pub(super) fn verify(&self, after_hydrate: bool) -> Result<()> {
        let resolve = self.settings.resolve();
        let bundle = self.settings.project().bundle()?;
        let verify = Verify {
            project: self.settings.project(),
            private: private::PrivateClusterSpec {
                options: self.settings.options()?,
                ..resolve.private(Some(bundle))?
            },
            toolchain: resolve.toolchain()?,
            content: after_hydrate.then(|| self.sources()).transpose()?,
            settings: self.settings.server().to_vec(),
        };
        let json = self.global.json;
        let verdicts = verify.run(&mut |verdict| {
            if !json {
                // verification goes on without a reader of its output
                let _ = print(&report::verdict(verdict));
            }
        })?;
        if json {
            self.json(&verdicts)?;
        }
        let failed = verdicts.iter().filter(|verdict| !verdict.reversible);
        let failed: Vec<&str> = failed.map(|verdict| verdict.name.as_str()).collect();
        if failed.is_empty() {
            ui::status(&format!("verified: {} migrations can be undone", verdicts.len()));
            return Ok(());
        }
        Err(Error::new(Kind::Migration, format!("{} of {} migrations cannot be undone", failed.len(), verdicts.len()))
            .detail(failed.join("\n"))
            .hint("correct their down files: a down must undo everything that its up did, and nothing else"))
    }
}
