//! The `database` program.

fn main() -> std::process::ExitCode {
    db_tool::cli::database()
}
