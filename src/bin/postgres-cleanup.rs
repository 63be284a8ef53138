//! The `postgres-cleanup` program.

fn main() -> std::process::ExitCode {
    db_tool::cli::postgres_cleanup()
}
