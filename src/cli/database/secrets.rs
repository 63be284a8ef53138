//! `database secrets`: arguments, prompt, output.

use std::path::Path;

use crate::cli::args::secrets::{Language, SecretsVerb};
use crate::cli::output::export;
use crate::cli::output::export::Format;
use crate::cli::output::{table, ui};
use crate::cli::path::absolute;
use crate::cli::prompt;
use crate::cli::resolve::Resolve;
use crate::command::secrets;
use crate::postgres::connection::conninfo::Conninfo;
use crate::secret::{Listed, Store, Supply};
use crate::sys::error::{Error, Result};
use crate::sys::process::Environment;

pub(in crate::cli) fn run(resolve: &Resolve, verb: SecretsVerb) -> Result<()> {
    match verb {
        SecretsVerb::Load { dotenv_file, allow_empty, bundle } => {
            let bundle = resolve.bundle(bundle)?;
            let supply = Supply { allow_empty, ..resolve.secrets(dotenv_file.as_deref()) };
            let conninfo = target(resolve)?;
            resolve.refuse_remote(&conninfo)?;
            let count = secrets::load(&conninfo, &supply, bundle)?;
            ui::status(&format!("loaded {}", counted(count)));
            Ok(())
        }
        SecretsVerb::List { json } => in_store(resolve, |store| list(&store.list()?, json)),
        SecretsVerb::Get { name } => in_store(resolve, |store| {
            let value = store.get(&name)?;
            ui::data(|out| writeln!(out, "{}", value.expose()))
        }),
        SecretsVerb::Set { name } => {
            let value = prompt::secret(&name)?;
            change(resolve, |store| store.set(&name, &value))
        }
        SecretsVerb::Unset { name } => change(resolve, |store| store.unset(&name)),
        SecretsVerb::Rotate { drop_old } => {
            resolve.refuse_remote(&connection(resolve)?)?;
            change(resolve, |store| rotate(store, drop_old))
        }
        SecretsVerb::Export { format } => in_store(resolve, |store| export(store, format)),
        SecretsVerb::Keygen { file } => keygen(resolve, file.as_deref()),
        SecretsVerb::Seal { file, output } => {
            let (output, count) = secrets::seal(&file, output.as_deref(), &resolve.keys())?;
            ui::status(&format!("sealed {} in {}", counted(count), output.display()));
            Ok(())
        }
        SecretsVerb::Run { command } => in_store(resolve, |store| {
            // its secrets are in the database already, or meant for another one
            let all = resolve.env.all().filter(|(name, _)| name != "HECTIC_DOTENV_CONTENT");
            let environment = Environment::unscrubbed(all);
            Err(secrets::run(store, &command, environment)?)
        }),
    }
}

fn connection(resolve: &Resolve) -> Result<Conninfo> {
    if resolve.project_url()?.is_none() {
        return Err(Error::missing("PGURL or DB_URL is required")
            .hint("export DB_URL='postgresql://USER@localhost/DATABASE?host=DIRECTORY'"));
    }
    resolve.connection()
}

/// The connection of a verb that writes.
fn target(resolve: &Resolve) -> Result<Conninfo> {
    let conninfo = connection(resolve)?;
    resolve.refuse_staging(&conninfo)?;
    Ok(conninfo)
}

fn change(resolve: &Resolve, work: impl FnOnce(&mut Store) -> Result<()>) -> Result<()> {
    target(resolve)?;
    in_store(resolve, work)
}

fn in_store(resolve: &Resolve, work: impl FnOnce(&mut Store) -> Result<()>) -> Result<()> {
    let (conninfo, keys) = (connection(resolve)?, resolve.keys());
    work(&mut Store::require(&conninfo, &keys)?)
}

fn counted(count: usize) -> String {
    if count == 1 { "1 secret".to_owned() } else { format!("{count} secrets") }
}

fn list(listed: &[Listed], json: bool) -> Result<()> {
    if json {
        let all = listed
            .iter()
            .map(|one| serde_json::json!({ "name": one.name, "updated": one.updated }));
        let all = serde_json::Value::Array(all.collect());
        return ui::data(|out| writeln!(out, "{all:#}"));
    }
    let rows = listed.iter().map(|one| [one.name.clone(), one.updated.clone()]);
    let text = table::render(&["NAME", "UPDATED"], rows);
    ui::data(|out| out.write_all(text.as_bytes()))
}

fn rotate(store: &mut Store, drop_old: bool) -> Result<()> {
    let rotated = store.rotate(drop_old)?;
    for (database, resealed) in &rotated.resealed {
        ui::status(&format!("{database}: {resealed} sealed again"));
    }
    ui::status(match rotated.dropped {
        true => {
            "the old keys are removed from the cluster; secrets in older backups and snapshots cannot be opened any more"
        }
        false => {
            "the old keys still open older secrets, for example in backups; --drop-old removes them"
        }
    });
    Ok(())
}

fn export(store: &mut Store, format: Language) -> Result<()> {
    let mut variables: Vec<_> = store
        .all()?
        .into_iter()
        .map(|entry| (entry.name, entry.value.expose().to_owned()))
        .collect();
    let format = match format {
        Language::Dotenv => Format::Dotenv,
        Language::Json => Format::Json,
        Language::Sh => {
            variables.retain(|(name, _)| {
                let is_variable = !name.contains('.');
                if !is_variable {
                    tracing::warn!("{name} is left out: shells do not allow such a variable name");
                }
                is_variable
            });
            Format::Sh
        }
    };
    let text = export::render(format, &variables);
    ui::data(|out| out.write_all(text.as_bytes()))
}

fn keygen(resolve: &Resolve, file: Option<&Path>) -> Result<()> {
    let file = file.map(absolute).or_else(|| resolve.keys().project).ok_or_else(|| {
        Error::missing("no key file is named").hint("name one, or set HECTIC_SECRET_KEY_FILE")
    })?;
    secrets::keygen(&file)?;
    ui::status(&format!(
        "made {}: share it with your team, but not through the repository",
        file.display()
    ));
    Ok(())
}
