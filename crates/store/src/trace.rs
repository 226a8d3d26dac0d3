//! The span around each statement. It costs a look at a flag unless traces are exported.

use tracing::Span;
use tracing::field::Empty;

/// A span for one statement to this kind of database, named by its verb and its main table.
pub(crate) fn span(sql: &str, system: &'static str) -> Span {
    let span = tracing::info_span!(
        target: "trace",
        "sql",
        otel.kind = "client",
        otel.name = Empty,
        otel.status_code = Empty,
        db.system = system,
        db.statement = sql,
        peer.service = system,
    );
    if !span.is_disabled() {
        span.record("otel.name", name(sql));
    }
    span
}

/// `SELECT video`, `INSERT video_like`, or the verb alone.
fn name(sql: &str) -> String {
    let spaced = sql.replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace();
    let verb = words.next().unwrap_or("SQL");
    let (mut before, mut depth, mut inner) = (verb, 0, None);
    for word in words {
        depth += i32::from(word == "(") - i32::from(word == ")");
        if ["FROM", "JOIN", "INTO", "UPDATE"].contains(&before) && word != "(" {
            let table = word.trim_matches(['`', '"', ',']);
            // What stands outside of brackets is the main table.
            if depth == 0 {
                return format!("{verb} {table}");
            }
            inner = inner.or(Some(table));
        }
        before = word;
    }
    inner.map_or_else(|| verb.to_owned(), |table| format!("{verb} {table}"))
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_statement_is_named_by_its_verb_and_its_table() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT"),
            ("SELECT id, name FROM user WHERE id = ? LIMIT 1", "SELECT user"),
            ("SELECT u.id, EXISTS (SELECT 1 FROM follow) FROM user u LIMIT 1", "SELECT user"),
            ("SELECT 1 FROM user_stat LIMIT 1 FOR UPDATE", "SELECT user_stat"),
            (
                "SELECT MAX(at) FROM (SELECT MAX(created_at) AS at FROM message) ends LIMIT 1",
                "SELECT message",
            ),
            ("SELECT p.id FROM (SELECT ? AS id) p LEFT JOIN video v ON v.id = p.id LIMIT 1", "SELECT video"),
            ("INSERT INTO video_like (user_id) VALUES (?)", "INSERT video_like"),
            ("INSERT INTO `user` (`name`) VALUES (?)", "INSERT user"),
            ("UPDATE user_stat SET work_count = 1", "UPDATE user_stat"),
            ("DELETE FROM follow", "DELETE follow"),
            ("COMMIT", "COMMIT"),
            ("", "SQL"),
        ] {
            assert_eq!(name(sql), expected, "{sql}");
        }
    }
}
