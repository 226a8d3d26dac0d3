//! Opening: from an address to a store, or one line that says why not.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm_migration::MigratorTrait;

use crate::changes::Changes;
use crate::coalesce::Coalesced;
use crate::config::{Address, Config};
use crate::database::{Database, Engine};
use crate::migrations::{Migrator, is_applied};
use crate::session::Probe;
use crate::sqlite::{Readers, Sqlite};
use crate::writer::Writer;
use crate::{Store, mysql, sqlite};

/// Why the database cannot be used at all; the text is for the operator and holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address names no database this build knows.
    #[error("store.url must be `sqlite:PATH` or `mysql://USER@HOST:PORT/NAME`, not `{0}`")]
    Url(String),
    /// A password where everybody reads it.
    #[error("store.url must not hold a password: put it into a file and name that in store.password_file")]
    PasswordInUrl,
    /// Something after the `?` that would be passed over.
    #[error("store.url takes `socket=PATH` and `ssl-ca=FILE` after the `?`, not `{0}`")]
    UrlOption(String),
    /// A file the configuration names cannot be used.
    #[error("{key} names `{}`: {problem}", file.display())]
    File {
        /// The configuration's key.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Nobody answers, or nobody who proves to be the right one.
    #[error("the database server at {place} cannot be reached")]
    Unreachable {
        /// Host and port, or socket.
        place: String,
        /// What the network said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server would not keep its promises.
    #[error("the database server at {place} has {name} = `{value}`; dytt needs {right}")]
    Setting {
        /// Host and port, or socket.
        place: String,
        /// The server's variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// The right one.
        right: &'static str,
    },
    /// The database user may not do something that is needed.
    #[error("the database server at {place} does not allow what dytt needs: {message}")]
    Forbidden {
        /// Host and port, or socket.
        place: String,
        /// Who may not do what, in the server's words.
        message: String,
    },
    /// Another process has been at the schema for too long.
    #[error("another process has been migrating the database at {place} for {seconds} s")]
    Locked {
        /// Host and port, or socket.
        place: String,
        /// How long was waited.
        seconds: i64,
    },
    /// There is nothing to look at.
    #[error("there is no database yet")]
    Missing,
    /// The schema is not this version's.
    #[error("the database was written by another version of dytt; `dytt migrate up` brings it to this one")]
    Pending,
    /// The database did not open or could not be brought to this version's schema.
    #[error("open the database")]
    Database(#[from] sea_orm::DbErr),
    /// The database file did not open.
    #[error("open the database")]
    Sqlite(#[from] rusqlite::Error),
}

impl Store {
    /// Opens the database, creating it and applying pending migrations. Several processes may do so at once.
    ///
    /// # Errors
    /// [`OpenError`], before anything was changed or with each finished migration whole.
    pub async fn open(config: &Config, data_dir: &Path) -> Result<Self, OpenError> {
        let (probe, changes) = (Arc::new(Probe::default()), Arc::new(Changes::default()));
        let engine = match config.address()? {
            Address::Sqlite(path) => {
                let path = data_dir.join(path);
                let migrating = sqlite::migrating(&path, false).await?;
                Migrator::up(&migrating, None).await?;
                migrating.close_by_ref().await?;
                let readers = Readers::start(&path, Duration::from_millis(config.read_wait_ms))?;
                let (connection, wait) = (Sqlite::open(&path, false)?, config.write_wait_ms);
                let (probe, changes) = (Arc::clone(&probe), Arc::clone(&changes));
                let writer = Writer::start(connection, probe, changes, Duration::from_millis(wait));
                Engine::Sqlite(Box::new(readers), Box::new(writer))
            }
            Address::MySql(place) => {
                let place = config.complete(*place, data_dir)?;
                mysql::up(&place).await?;
                Engine::MySql(Arc::new(mysql::connect(&place, config).await?))
            }
        };
        let database = Arc::new(Database { engine, probe, changes });
        let coalesced = Arc::new(Coalesced::start(&database, Duration::from_millis(config.write_wait_ms)));
        Ok(Self { database, pages: Arc::default(), coalesced, trending: Arc::default() })
    }

    /// Opens a database that is there and current, and changes nothing: for looking at a platform.
    ///
    /// # Errors
    /// [`OpenError::Missing`] when there is none, [`OpenError::Pending`] when another version wrote it.
    pub async fn attach(config: &Config, data_dir: &Path) -> Result<Self, OpenError> {
        if Self::migrations(config, data_dir).await?.iter().any(|(_, applied)| !applied) {
            return Err(OpenError::Pending);
        }
        Self::open(config, data_dir).await
    }

    /// The name of each migration and whether this database has it.
    ///
    /// # Errors
    /// [`OpenError::Missing`] when there is none, or why it does not open.
    pub async fn migrations(config: &Config, data_dir: &Path) -> Result<Vec<(String, bool)>, OpenError> {
        let all = match config.address()? {
            Address::Sqlite(path) => {
                let path = data_dir.join(path);
                if !path.exists() {
                    return Err(OpenError::Missing);
                }
                let reader = sqlite::migrating(&path, true).await?;
                let all = Migrator::get_migration_with_status_read_only(&reader).await?;
                reader.close_by_ref().await?;
                all
            }
            Address::MySql(place) => mysql::migrations(&config.complete(*place, data_dir)?).await?,
        };
        Ok(all.iter().map(|one| (one.name().to_owned(), is_applied(one))).collect())
    }
}
