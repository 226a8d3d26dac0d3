//! Configuration: defaults, a file, the environment and flags, in that order. Every key has a default, so
//! that a key without one is a mistake somebody made.

mod settings;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use config::{Config, Environment, File, FileFormat, Source, Value, ValueKind};

pub(crate) use settings::Settings;

const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// The flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Flags {
    /// A configuration file (TOML).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything is kept [default: ./dytt-data].
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// What this process runs: all, or a list such as gateway,user [default: all].
    // Commands have arguments of their own called `services`: under one id clap takes the one for the other.
    #[arg(id = "roles", long = "services", global = true, value_name = "LIST", value_delimiter = ',')]
    services: Option<Vec<String>>,
    /// Where this process's services listen for calls [default: 127.0.0.1:0].
    #[arg(long, global = true, value_name = "ADDR")]
    rpc_listen: Option<String>,
    /// Where the public HTTP port listens [default: 0.0.0.0:8080]; port 0 picks a free one.
    #[arg(long, global = true, value_name = "ADDR")]
    listen: Option<String>,
    /// Where liveness, readiness and metrics are [default: 127.0.0.1:8081].
    #[arg(long, global = true, value_name = "ADDR")]
    admin_listen: Option<String>,
}

impl Flags {
    /// For a command with a `--config` of its own, which clap hands to both.
    pub(crate) fn without_file(self) -> Self {
        Self { config: None, ..self }
    }

    fn overrides(&self) -> BTreeMap<String, Value> {
        let flags = [
            ("data_dir", &self.data_dir),
            ("server.listen", &self.listen),
            ("server.admin_listen", &self.admin_listen),
            ("rpc.listen", &self.rpc_listen),
        ];
        let given = flags.into_iter().filter_map(|(key, flag)| Some((key, flag.clone()?)));
        let given = given.map(|(key, text)| (key.to_owned(), text.into()));
        let services = self.services.clone().map(|services| ("services".to_owned(), services.into()));
        given.chain(services).collect()
    }
}

/// Every key with its value and the layer it came from.
#[derive(Debug)]
pub(crate) struct Loaded(BTreeMap<String, (Value, String)>);

/// Reads all layers.
///
/// # Errors
/// One line that names the key or the file.
pub(crate) fn load(flags: &Flags) -> Result<Loaded> {
    let file = flags.config.as_ref().map(|path| File::new(&path.to_string_lossy(), FileFormat::Toml));
    let environment = Environment::with_prefix("DYTT").prefix_separator("_").separator("__");
    let mut layers = Vec::new();
    if let (Some(file), Some(path)) = (file, &flags.config) {
        layers.push((path.display().to_string(), flat(file)?));
    }
    layers.push(("the environment".to_owned(), flat(environment)?));
    layers.push(("a flag".to_owned(), flags.overrides()));
    merge(layers)
}

fn merge(layers: Vec<(String, BTreeMap<String, Value>)>) -> Result<Loaded> {
    let defaults = flat(File::from_str(DEFAULTS, FileFormat::Toml))?;
    let mut all: BTreeMap<_, _> =
        defaults.into_iter().map(|(key, value)| (key, (value, "default".to_owned()))).collect();
    for (layer, values) in layers {
        for (key, value) in values {
            let Some((default, _)) = all.get(&key) else {
                let nearest = all
                    .keys()
                    .max_by(|a, b| strsim::jaro_winkler(a, &key).total_cmp(&strsim::jaro_winkler(b, &key)));
                bail!("{layer}: unknown key `{key}`, did you mean `{}`?", nearest.map_or("", String::as_str));
            };
            let value = fit(value, &default.kind);
            all.insert(key, (value, layer.clone()));
        }
    }
    Ok(Loaded(all))
}

impl Loaded {
    /// The effective configuration, a line a key.
    pub(crate) fn describe(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (key, (value, layer))| {
            let _infallible = writeln!(text, "{key} = {}  # {layer}", show(value));
            text
        })
    }

    /// The configuration as the program uses it.
    ///
    /// # Errors
    /// One line that names the key, what is wrong with its value and what would be right.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let mut builder = Config::builder();
        for (key, (value, _)) in &self.0 {
            builder = builder.set_override(key, value.clone())?;
        }
        builder.build()?.try_deserialize::<settings::Tree>()?.check()
    }
}

/// The environment knows only text: where the default is something else, the text is read as that. What
/// cannot be stays text, to be refused with its key's name.
fn fit(value: Value, default: &ValueKind) -> Value {
    let ValueKind::String(text) = &value.kind else { return value };
    let read = if let ValueKind::I64(_) = default {
        text.parse::<i64>().ok().map(Value::from)
    } else if let ValueKind::Float(_) = default {
        text.parse::<f64>().ok().map(Value::from)
    } else if let ValueKind::Boolean(_) = default {
        text.parse::<bool>().ok().map(Value::from)
    } else if let ValueKind::Array(_) = default {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned);
        Some(items.collect::<Vec<_>>().into())
    } else {
        None
    };
    read.unwrap_or(value)
}

fn flat(source: impl Source + Send + Sync + 'static) -> Result<BTreeMap<String, Value>> {
    let read = Config::builder().add_source(source).build().context("read the configuration")?;
    let mut all = BTreeMap::new();
    flatten("", read.cache, &mut all);
    Ok(all)
}

fn flatten(prefix: &str, value: Value, all: &mut BTreeMap<String, Value>) {
    if let ValueKind::Table(table) = value.kind {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            flatten(&key, value, all);
        }
    } else {
        all.insert(prefix.to_owned(), value);
    }
}

fn show(value: &Value) -> String {
    if let ValueKind::String(text) = &value.kind {
        return format!("{text:?}");
    }
    if let ValueKind::Array(items) = &value.kind {
        return format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", "));
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(toml: &str) -> Vec<(String, BTreeMap<String, Value>)> {
        let toml = toml.to_owned();
        vec![("dytt.toml".into(), flat(File::from_str(&toml, FileFormat::Toml)).expect("reads"))]
    }

    fn refusal(toml: &str) -> String {
        match merge(layer(toml)).and_then(|loaded| loaded.settings()) {
            Ok(_) => panic!("accepted: {toml}"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn the_defaults_are_complete_and_valid() {
        merge(Vec::new()).expect("reads").settings().expect("is valid");
    }

    #[test]
    fn a_later_layer_wins_and_says_where_it_is() {
        let loaded = merge(layer("[server]\nlisten = \"127.0.0.1:0\"")).expect("reads");
        assert!(loaded.describe().contains("server.listen = \"127.0.0.1:0\"  # dytt.toml\n"));
        assert!(loaded.describe().contains("server.grace_seconds = 14  # default\n"));
    }

    #[test]
    fn text_of_the_environment_is_read_as_what_its_key_is() {
        let texts = [
            ("data_dir", "0123"),
            ("limits.enabled", "false"),
            ("media.max_bytes", "1000"),
            ("server.trusted_proxies", "10.0.0.1, ::1"),
        ];
        let layer = texts.map(|(key, text)| (key.to_owned(), Value::from(text))).into();
        let loaded = merge(vec![("the environment".into(), layer)]).expect("reads");
        let settings = loaded.settings().expect("is valid");
        assert!(settings.data_dir.ends_with("0123") && !settings.limits_enabled);
        assert_eq!((settings.media.max_bytes, settings.trusted_proxies.len()), (1000, 2));
        assert!(loaded.describe().contains("media.max_bytes = 1000  # the environment\n"));
    }

    #[test]
    fn unknown_keys_name_the_nearest_right_one() {
        let text = refusal("[server]\nlistne = 1");
        assert_eq!(text, "dytt.toml: unknown key `server.listne`, did you mean `server.listen`?");
    }

    #[test]
    fn impossible_values_are_refused_in_one_line_naming_the_key() {
        for (key, toml) in [
            ("server.listen", "[server]\nlisten = \"x\""),
            ("server.listen", "[server]\nlisten = true"),
            ("server.public_url", "[server]\npublic_url = \"video.example\""),
            ("server.public_url", "[server]\npublic_url = \"https://a/?b\""),
            ("server.trusted_proxies", "[server]\ntrusted_proxies = [\"proxy\"]"),
            ("server.grace_seconds", "[server]\ngrace_seconds = -1"),
            ("server.utc_offset_hours", "[server]\nutc_offset_hours = 24"),
            ("store.url", "[store]\nurl = \"oracle:x\""),
            ("store.write_wait_ms", "[store]\nwrite_wait_ms = \"soon\""),
            ("blobs.url", "[blobs]\nurl = \"ftp:x\""),
            ("oidc.issuer", "[oidc]\nissuer = \"http://id.example\""),
            ("oidc.name", "[oidc]\nissuer = \"https://id.example\"\nname = \"\""),
            ("users.name_max_chars", "[users]\nname_max_chars = 65"),
            ("users.password_memory_kib", "[users]\npassword_memory_kib = 1"),
            ("users.password_memory_kib", "[users]\npassword_memory_kib = 100000"),
            ("users.password_passes", "[users]\npassword_passes = 0"),
            ("media.max_bytes", "[media]\nmax_bytes = 0"),
            ("media.sandbox", "[media]\nsandbox = \"maybe\""),
            ("media.preset", "[media]\npreset = \"fastest\""),
            ("limits.enabled", "[limits]\nenabled = \"maybe\""),
            ("telemetry.log_format", "[telemetry]\nlog_format = \"xml\""),
            ("data_dir", "data_dir = \"\""),
        ] {
            let text = refusal(toml);
            assert!(text.contains(key) && !text.contains('\n'), "{toml}: {text}");
        }
    }
}
