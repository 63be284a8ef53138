//! `migrator`: see `db_tool::cli`.

fn main() -> std::process::ExitCode {
    db_tool::cli::migrator()
}
