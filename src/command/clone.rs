//! `database clone`: copies of the project's database, one for each test.

use std::time::Duration;

use crate::command::content::Content;
use crate::command::content::clones::Clones;
use crate::environment::clone::{CloneDatabase, CloneOptions, CloneSource, Database, Role};
use crate::environment::development::Development;
use crate::sys::error::Result;

/// Makes a clone with this content.
pub fn make(
    development: Development,
    content: Content,
    options: &CloneOptions,
) -> Result<CloneDatabase> {
    Clones::open(development, content)?.make(options)
}

/// Provides the template of clones with this content, and returns the name of the database.
pub fn template(development: Development, content: Content) -> Result<String> {
    Ok(Clones::open(development, content)?.prepare()?.name)
}

/// The clones in the development cluster.
pub fn list(development: &Development) -> Result<Vec<Database>> {
    let mut all = source(development)?.databases()?;
    all.retain(|database| database.is(Role::Clone));
    Ok(all)
}

/// Drops these clones, or all of them. Returns the names.
pub fn drop(development: &Development, names: Option<&[String]>) -> Result<Vec<String>> {
    let source = source(development)?;
    match names {
        Some(names) => source.drop(names),
        None => {
            let all = source.databases()?.into_iter();
            let clones = all.filter(|database| database.is(Role::Clone));
            source.drop(&clones.map(|database| database.name).collect::<Vec<_>>())
        }
    }
}

/// Lets these clones stay for `ttl`.
pub fn keep(development: &Development, names: &[String], ttl: Duration) -> Result<()> {
    source(development)?.keep(names, ttl)
}

/// Drops the clones that are over. Returns the names.
pub fn prune(development: &Development) -> Result<Vec<String>> {
    source(development)?.prune()
}

fn source(development: &Development) -> Result<CloneSource> {
    let plan = development.plan()?;
    let database = &development.spec.settings.database;
    let options = development.options.as_deref();
    Ok(CloneSource::new(development.running()?, database, plan.role(), options))
}
