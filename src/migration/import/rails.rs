//! Rails: `structure.sql` becomes one migration, because nothing can translate Ruby.

use super::files::Files;
use super::found::{Found, Import, Script, number, other_file, split_digits};
use crate::postgres::psql::lexer::{self, Item};
use crate::sys::error::{Error, Result};

/// The schema as Rails dumps it in SQL.
const STRUCTURE: &str = "structure.sql";

pub(super) fn read(files: &Files) -> Result<Import> {
    let mut import = Import::default();
    if files.bytes(STRUCTURE).is_none() {
        return Err(without_structure());
    }
    let (text, contains) = base(&files.text(STRUCTURE)?)?;
    for name in files.names().filter(|name| *name != STRUCTURE) {
        let version = name.strip_prefix("migrate/").and_then(split_digits);
        let why = match version {
            Some((version, _)) if contains.iter().any(|known| known == version) => {
                "a migration in Ruby; the base migration contains it"
            }
            Some(_) => {
                "a migration in Ruby, and structure.sql does not contain it: migrate, and dump it"
            }
            None if name == "schema.rb" => "structure.sql takes its place",
            None => other_file(name),
        };
        import.leave(name, why);
    }
    let newest = contains.iter().max_by_key(|version| (version.len(), (*version).clone()));
    let Some(newest) = newest.cloned() else {
        return Err(Error::conflict("structure.sql names no version of a migration")
            .hint("dump it with `bin/rails db:schema:dump`"));
    };
    import.migrations.push(Found {
        key: newest.clone(),
        version: vec![number(&newest).to_owned()],
        description: "rails_structure".to_owned(),
        up: Script::whole(STRUCTURE, text),
        down: None,
        checksums: Vec::new(),
        contains,
    });
    Ok(import)
}

fn without_structure() -> Error {
    Error::missing("there is no structure.sql, and migrations in Ruby cannot be translated")
        .hint("set config.active_record.schema_format = :sql, and run `bin/rails db:schema:dump`")
        .hint("or start from a database: database new DIR --from URL")
}

/// The text without the versions that it inserts and the locks of psql, and these versions.
fn base(text: &str) -> Result<(String, Vec<String>)> {
    let script = lexer::scan(text).map_err(|open| {
        Error::conflict(format!("{STRUCTURE}:{}: unterminated {}", open.line, open.what))
            .hint("dump it with `bin/rails db:schema:dump`")
    })?;
    let (mut kept, mut versions, mut from) = (String::new(), Vec::new(), 0);
    for item in &script.items {
        let span = item.span();
        let taken_out = match item {
            Item::Statement(statement) => {
                let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
                let table =
                    |word: &&str| word.trim_matches('"').eq_ignore_ascii_case("schema_migrations");
                let is_insert =
                    words.starts_with(&["INSERT", "INTO"]) && words.iter().take(4).any(table);
                if is_insert {
                    let quoted = text[span.clone()].split('\'').skip(1).step_by(2);
                    versions.extend(quoted.map(str::to_owned));
                }
                is_insert
            }
            Item::Meta(meta) => matches!(meta.command.as_str(), "restrict" | "unrestrict"),
        };
        if taken_out {
            kept.push_str(&text[from..span.start]);
            from = span.end;
        }
    }
    kept.push_str(&text[from..]);
    Ok((kept, versions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structure_is_the_base_and_names_its_versions() {
        let structure = "\\restrict x\nCREATE TABLE a ();\n\\unrestrict x\n\
            SET search_path TO \"$user\", public;\n\
            INSERT INTO \"schema_migrations\" (version) VALUES\n('20240102000000'),\n('20240101000000');\n";
        let files = Files::of(&[
            ("structure.sql", structure),
            ("migrate/20240101000000_a.rb", ""),
            ("migrate/20240103000000_b.rb", ""),
            ("schema.rb", ""),
        ]);
        let import = read(&files).expect("read");
        let base = &import.migrations[0];
        assert_eq!((base.key.as_str(), base.contains.len()), ("20240102000000", 2));
        assert!(!base.up.text.contains("INSERT") && !base.up.text.contains("restrict"), "{base:?}");
        assert!(import.not_taken[0].why.contains("contains it"), "{import:?}");
        assert!(import.not_taken[1].why.contains("does not contain"), "{import:?}");
    }

    #[test]
    fn ruby_alone_cannot_be_translated() {
        let error = read(&Files::of(&[("schema.rb", "")])).expect_err("ruby");
        assert!(error.message().contains("no structure.sql"), "{error}");
        assert!(read(&Files::of(&[("structure.sql", "A;")])).is_err());
    }
}
