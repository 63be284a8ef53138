//! The dotenv grammar.
