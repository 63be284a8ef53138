//! The `postgres-init` program.

fn main() -> std::process::ExitCode {
    db_tool::cli::postgres_init()
}
