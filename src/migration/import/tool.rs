//! The tools whose migrations `import` reads.

/// A tool for migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    Sqlx,
    Diesel,
    Dbmate,
    Goose,
    GolangMigrate,
    Flyway,
    Refinery,
    Graphile,
    Sqitch,
    Rails,
}

impl Tool {
    /// All tools, in the order of the help.
    pub const ALL: [Self; 10] = [
        Self::Sqlx,
        Self::Diesel,
        Self::Dbmate,
        Self::Flyway,
        Self::Goose,
        Self::GolangMigrate,
        Self::Refinery,
        Self::Rails,
        Self::Graphile,
        Self::Sqitch,
    ];

    /// The tool's name, as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlx => "sqlx",
            Self::Diesel => "diesel",
            Self::Dbmate => "dbmate",
            Self::Goose => "goose",
            Self::GolangMigrate => "golang-migrate",
            Self::Flyway => "flyway",
            Self::Refinery => "refinery",
            Self::Graphile => "graphile",
            Self::Sqitch => "sqitch",
            Self::Rails => "rails",
        }
    }

    /// The tool with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The table in which the tool records what is applied.
    pub fn table(self) -> &'static str {
        match self {
            Self::Sqlx => "_sqlx_migrations",
            Self::Diesel => "__diesel_schema_migrations",
            Self::Dbmate | Self::GolangMigrate | Self::Rails => "schema_migrations",
            Self::Flyway => "flyway_schema_history",
            Self::Refinery => "refinery_schema_history",
            Self::Graphile => "graphile_migrate.migrations",
            Self::Sqitch => "sqitch.changes",
            Self::Goose => "goose_db_version",
        }
    }

    /// The way in which the tool sends a migration to the server.
    pub fn sender(self) -> Sender {
        match self {
            Self::Sqlx
            | Self::Diesel
            | Self::Dbmate
            | Self::Goose
            | Self::Refinery
            | Self::Graphile => Sender::InTransaction,
            Self::Flyway => Sender::InTransactionIfPossible,
            Self::GolangMigrate => Sender::AsItIs,
            Self::Sqitch | Self::Rails => Sender::Psql,
        }
    }
}

impl std::fmt::Display for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The ways in which tools send a migration to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The tool opens a transaction around the migration, unless a mark says otherwise.
    InTransaction,
    /// The same, but it recognises statements that cannot run in a transaction. It understands
    /// `COPY … FROM STDIN`, as psql does.
    InTransactionIfPossible,
    /// The tool opens no transaction.
    AsItIs,
    /// psql runs the file, without a transaction of the tool.
    Psql,
}
