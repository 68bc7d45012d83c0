//! Settings of the database server that decide whether an answered booking survives a crash.

use super::conn::AnyConn;
use super::{Lane, Store, StoreError};
use diesel::prelude::*;
use diesel::sql_types::Text;

/// Whether a commit is on disk when it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Durability {
    /// It is.
    Safe,
    /// It is not: these settings are off.
    Unsafe(Vec<&'static str>),
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

impl Store {
    /// Whether the server keeps what it answered. SQLite does, because we set it so.
    ///
    /// # Errors
    /// Those of the database.
    pub fn durability(&self) -> Result<Durability, StoreError> {
        self.on(Lane::Reads).query(|tx| {
            if let AnyConn::Sqlite(_) = tx.conn {
                return Ok(Durability::Safe);
            }
            let mut off = Vec::new();
            for name in ["fsync", "synchronous_commit", "full_page_writes"] {
                let sql = format!("SELECT current_setting('{name}') AS value");
                let setting: Setting = tx.run(|c| diesel::sql_query(sql).get_result(c))?;
                if setting.value == "off" {
                    off.push(name);
                }
            }
            Ok(if off.is_empty() { Durability::Safe } else { Durability::Unsafe(off) })
        })
    }

    /// Whether the database answers and takes writes; a standby does not.
    ///
    /// # Errors
    /// `Unavailable` or `Exhausted` when it cannot be reached.
    pub fn takes_writes(&self) -> Result<bool, StoreError> {
        self.on(Lane::Claims).query(|tx| match tx.conn {
            AnyConn::Sqlite(_) => tx.run(|c| diesel::sql_query("SELECT 1").execute(c)).map(|_| true),
            AnyConn::Pg(_) => {
                let sql = "SELECT current_setting('transaction_read_only') AS value";
                let setting: Setting = tx.run(|c| diesel::sql_query(sql).get_result(c))?;
                Ok(setting.value == "off")
            }
        })
    }
}
