//! One connection inside one transaction, and how a statement travels over a connection.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::sqlx::mysql::MySqlConnection;
use sea_orm::sqlx::{self, MySql, query::Query};
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use tokio::sync::Mutex;

use crate::failure::Fault;

/// A connection with a transaction on it. Dropped, it is closed, and the server rolls back.
pub(crate) struct Lane(Mutex<Inside>);

struct Inside {
    connection: MySqlConnection,
    fault: Option<Fault>,
}

impl Lane {
    pub(super) fn new(connection: MySqlConnection) -> Self {
        Self(Mutex::new(Inside { connection, fault: None }))
    }

    pub(super) fn into_parts(self) -> (MySqlConnection, Option<Fault>) {
        let inside = self.0.into_inner();
        (inside.connection, inside.fault)
    }

    pub(crate) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut inside = self.0.lock().await;
        let result = execute(&mut inside.connection, &statement).await;
        inside.fault = result.as_ref().err().map(Fault::of);
        result.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))))
    }

    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut inside = self.0.lock().await;
        let result = query(&mut inside.connection, &statement).await;
        inside.fault = result.as_ref().err().map(Fault::of);
        result.map_err(query_error)
    }
}

pub(super) fn execute<'c>(
    connection: &'c mut MySqlConnection,
    statement: &'c Statement,
) -> BoxFuture<'c, Result<ExecResult, sqlx::Error>> {
    Box::pin(async move { prepared(statement).execute(connection).await.map(ExecResult::from) })
}

/// All rows, also where one is wanted: what is left unread would be the next statement's.
pub(super) fn query<'c>(
    connection: &'c mut MySqlConnection,
    statement: &'c Statement,
) -> BoxFuture<'c, Result<Vec<QueryResult>, sqlx::Error>> {
    Box::pin(async move {
        let rows = prepared(statement).fetch_all(connection).await?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    })
}

fn prepared(statement: &Statement) -> Query<'_, MySql, SqlxValues> {
    let values = statement.values.clone().unwrap_or_else(|| sea_orm::sea_query::Values(Vec::new()));
    sqlx::query_with(sqlx::AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}

pub(super) fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}
