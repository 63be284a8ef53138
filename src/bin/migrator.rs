//! The `migrator` program.

fn main() -> std::process::ExitCode {
    db_tool::cli::migrator()
}
