//! What each method's documentation says about its statements, read from the source.

use std::path::Path;

/// A public method of the store.
#[derive(Debug)]
pub(super) struct Method {
    pub(super) name: String,
    /// Whether it goes through the writer.
    pub(super) mutates: bool,
    /// The first number of statements its documentation states.
    pub(super) statements: Option<u64>,
    /// How many more it says they are on MySQL.
    pub(super) more_on_mysql: u64,
}

/// Every `pub async fn` that takes the store, but for `close`, which sends none, and `import`, which sends as many
/// as it is given.
pub(super) fn methods() -> Vec<Method> {
    let mut methods = Vec::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in [source.clone(), source.join("feed"), source.join("video"), source.join("webhook")] {
        for entry in std::fs::read_dir(folder).expect("list the sources") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                read(&std::fs::read_to_string(path).expect("read a source"), &mut methods);
            }
        }
    }
    methods
}

fn read(source: &str, methods: &mut Vec<Method>) {
    for (at, _) in source.match_indices("    pub async fn ") {
        let (before, after) = source.split_at(at);
        let text = after.split("\n    }\n").next().unwrap_or(after);
        let (head, _) = text.split_once('{').expect("a body");
        let name = head.trim().trim_start_matches("pub async fn ").split('(').next().unwrap_or_default();
        if !head.contains("&self") || ["close", "import"].contains(&name) {
            continue;
        }
        let doc: Vec<_> =
            before.trim_end().lines().rev().map_while(|line| line.trim().strip_prefix("///")).collect();
        let words: Vec<_> = doc.iter().rev().flat_map(|line| line.split_whitespace()).collect();
        let statements =
            words.windows(2).filter(|pair| pair[1].starts_with("statement")).find_map(|pair| number(pair[0]));
        let on_mysql = words.windows(4).find(|words| words[0] == "on" && words[1] == "MySQL");
        let more_on_mysql = match on_mysql.map(|words| (words[2], words[3])) {
            Some(("one", "more.") | ("one", "more;")) => 1,
            Some(("two", "more.")) => 2,
            _ => 0,
        };
        let mutates = text.contains(".write");
        methods.push(Method { name: name.into(), mutates, statements, more_on_mysql });
    }
}

fn number(word: &str) -> Option<u64> {
    let words = [
        "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve",
        "Twenty",
    ];
    let place = words.iter().position(|known| *known == word);
    place.map(|place| if place == 12 { 20 } else { place as u64 + 1 }).or_else(|| word.parse().ok())
}
