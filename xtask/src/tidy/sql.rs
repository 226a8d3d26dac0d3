//! SQL stands in the store alone, and a statement that reads rows says how many at most.

use super::Violation;
use super::lexer::Literal;
use super::source::Source;

const VERBS: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
const STORE: &str = "crates/store/src/";
/// Beside the store: the servers are asked whether they live, and the benchmark fills tables without the
/// platform and keeps, as baselines, what others do. This crate's own tests hold statements as examples.
const EXEMPT: &[&str] = &["bench/", "crates/servers/", "xtask/"];

/// The comment, before the text in the same Rust statement, that takes the place of a LIMIT.
const REASON: &str = "// bounded: ";

/// Statements outside the store, and unlimited ones inside.
pub fn check(source: &Source) -> Vec<Violation> {
    if !source.path.contains("/src/") || EXEMPT.iter().any(|of| source.path.starts_with(of)) {
        return Vec::new();
    }
    let statements = source.literals.iter().filter(|literal| is_sql(&literal.text));
    if !source.path.starts_with(STORE) {
        return statements.map(|literal| misplaced(source, literal)).collect();
    }
    if source.is_test() {
        return Vec::new();
    }
    let texts =
        statements.filter(|literal| unlimited(&statement(source, literal))).map(|literal| literal.start);
    let lists = texts.chain(built_lists(source)).filter(|&at| !has_reason(source, at));
    let text = format!("reads rows without LIMIT, add one or `{REASON}why` before the statement");
    lists.map(|at| Violation::new(&source.path, source.line(at), &text)).collect()
}

fn misplaced(source: &Source, literal: &Literal) -> Violation {
    let text = "SQL outside the store, give the store a method for it";
    Violation::new(&source.path, source.line(literal.start), text)
}

fn is_sql(text: &str) -> bool {
    let first = text.trim_start().split_once(char::is_whitespace).map(|(first, _)| first);
    first.is_some_and(|first| VERBS.contains(&first))
}

/// Where the query builder reads a list without `.limit(…)`.
fn built_lists(source: &Source) -> impl Iterator<Item = usize> {
    let lists = source.code.match_indices(".all(").map(|(at, _)| at);
    lists.filter(|&at| {
        let statement = &source.code[statement_start(source, at)..at];
        statement.contains("find") && !statement.contains(".limit(")
    })
}

/// The whole text a literal begins: itself, or with all that `concat!` joins to it.
fn statement(source: &Source, first: &Literal) -> String {
    let Some(before) = source.code[..first.start].trim_end().strip_suffix("concat!(") else {
        return first.text.clone();
    };
    let open = before.len() + "concat!".len();
    let end = open + closing(&source.code[open..]);
    let parts = source.literals.iter().filter(|literal| (open..end).contains(&literal.start));
    parts.map(|literal| literal.text.as_str()).collect()
}

/// The length of a text up to the bracket that closes its first one.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    let closed = |byte: u8| {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    };
    text.bytes().position(closed).unwrap_or(text.len())
}

/// Whether a SELECT reads rows and has no LIMIT of its own; those of its subqueries do not count.
fn unlimited(statement: &str) -> bool {
    let mut depth = 0;
    let outer = statement.chars().filter(|&c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    let outer: String = outer.collect();
    let words = outer.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    // A count is one row, unless it is one a group.
    let one_row = words.starts_with(&["SELECT", "COUNT"]) && !words.contains(&"GROUP");
    words.contains(&"SELECT") && words.contains(&"FROM") && !words.contains(&"LIMIT") && !one_row
}

fn has_reason(source: &Source, at: usize) -> bool {
    let before = &source.text[statement_start(source, at)..at];
    before.lines().any(|line| line.trim_start().starts_with(REASON))
}

fn statement_start(source: &Source, at: usize) -> usize {
    source.code[..at].rfind([';', '{', '}']).map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Source::new(path, text)).len()
    }

    fn stored(text: &str) -> usize {
        found("crates/store/src/like.rs", text)
    }

    #[test]
    fn sql_outside_the_store_is_found() {
        let text = r#"run("DELETE FROM user WHERE id = ?")"#;
        assert_eq!(found("crates/services/src/user.rs", text), 1);
        assert_eq!(stored(text), 0);
        assert_eq!(found("crates/servers/src/mariadb.rs", text), 0);
        assert_eq!(found("bench/src/baseline.rs", text), 0);
        assert_eq!(found("crates/gateway/src/user.rs", r#"route("DELETE"); say("Select one")"#), 0);
    }

    #[test]
    fn a_list_needs_a_limit() {
        assert_eq!(stored(r#"rows("SELECT id FROM user ORDER BY id")"#), 1);
        assert_eq!(stored(r#"rows("SELECT id FROM user ORDER BY id LIMIT ?")"#), 0);
        assert_eq!(stored(r#"row("SELECT 1 ")"#), 0, "no table is read");
        assert_eq!(stored(r#"row("SELECT COUNT(*) FROM user")"#), 0, "one row");
        assert_eq!(stored(r#"rows("SELECT COUNT(*) FROM user GROUP BY city")"#), 1);
        assert_eq!(stored(r#"rows("WITH a AS (SELECT 1 FROM b LIMIT 1) SELECT * FROM a")"#), 1);
    }

    #[test]
    fn a_built_list_needs_a_limit() {
        assert_eq!(stored("user::Entity::find().all(session)"), 1);
        assert_eq!(stored("user::Entity::find().limit(5).all(session)"), 0);
        assert_eq!(stored("let found = one(); ids.iter().all(|id| id > 0)"), 0);
    }

    #[test]
    fn a_limit_inside_a_subquery_is_not_the_lists() {
        assert_eq!(stored(r#"rows("SELECT id FROM user WHERE id = (SELECT a FROM b LIMIT 1)")"#), 1);
    }

    #[test]
    fn joined_texts_are_one_statement() {
        assert_eq!(stored(r#"concat!("SELECT ", columns!(), " FROM user", " LIMIT ?"); f(" LIMIT ")"#), 0);
        assert_eq!(stored(r#"concat!("SELECT ", columns!(), " FROM user"); f(" LIMIT ")"#), 1);
    }

    #[test]
    fn a_reason_before_the_statement_is_enough() {
        assert_eq!(stored("// bounded: one row a migration\nrows(\"SELECT name FROM migration\")"), 0);
        assert_eq!(stored("// bounded: few\nlet sql = concat!(\n\"SELECT name FROM \", \"t\")"), 0);
        assert_eq!(stored("// bounded: few\nf();\nlet sql = \"SELECT name FROM t\""), 1, "another's reason");
        assert_eq!(stored("// all of them\nrows(\"SELECT name FROM migration\")"), 1);
    }
}
