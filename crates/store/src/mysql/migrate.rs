//! Migrations on MySQL: one process at a time. A statement that changes the schema commits by itself there,
//! so each can be repeated, and a start that dies half way is finished by the next.

use sea_orm::sqlx::mysql::MySqlPoolOptions;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxMySqlConnector, Statement,
};
use sea_orm_migration::{Migration, MigratorTrait};

use super::server::{create, describe, reach};
use crate::OpenError;
use crate::config::MySql;
use crate::migrations::{Migrator, is_applied};

/// How long a start waits for another process that migrates.
const LOCK_SECONDS: i64 = 60;
/// Locks are the server's, not the database's, and their names are short.
const LOCK: &str = "CONCAT('dytt ', SHA1(DATABASE()))";

/// Every migration, with whether this database has it.
pub(crate) async fn migrations(place: &MySql) -> Result<Vec<Migration>, OpenError> {
    reach(place).await?;
    let connection = single(place);
    let all = status(place, &connection).await;
    connection.close_by_ref().await?;
    all
}

/// Makes the database if there is none and brings it to this version's schema.
pub(crate) async fn up(place: &MySql) -> Result<(), OpenError> {
    match reach(place).await {
        Err(OpenError::Missing) => create(place).await?,
        reached => drop(reached?),
    }
    let connection = single(place);
    let done = up_on(place, &connection).await;
    // The lock ends with the connection.
    connection.close_by_ref().await?;
    done
}

async fn up_on(place: &MySql, connection: &DatabaseConnection) -> Result<(), OpenError> {
    if status(place, connection).await?.iter().all(is_applied) {
        return Ok(());
    }
    let lock = format!("SELECT GET_LOCK({LOCK}, {LOCK_SECONDS}) AS got");
    let row = connection.query_one_raw(Statement::from_string(DbBackend::MySql, lock)).await?;
    let got: Option<i64> = row.map(|row| row.try_get("", "got")).transpose()?.flatten();
    if got != Some(1) {
        return Err(OpenError::Locked { place: place.place.clone(), seconds: LOCK_SECONDS });
    }
    Migrator::up(connection, None).await.map_err(|error| explain(place, error))
}

async fn status(place: &MySql, connection: &DatabaseConnection) -> Result<Vec<Migration>, OpenError> {
    let all = Migrator::get_migration_with_status_read_only(connection).await;
    all.map_err(|error| explain(place, error))
}

/// One connection, for a lock belongs to the one that took it.
fn single(place: &MySql) -> DatabaseConnection {
    let pool = MySqlPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    SqlxMySqlConnector::from_sqlx_mysql_pool(pool.connect_lazy_with(place.options.clone()))
}

fn explain(place: &MySql, error: DbErr) -> OpenError {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return OpenError::Database(error);
    };
    match std::sync::Arc::try_unwrap(cause) {
        Ok(cause) => describe(place, cause),
        Err(shared) => OpenError::Database(DbErr::Query(RuntimeErr::SqlxError(shared))),
    }
}
