//! The compose project: the specification's own loader reads it, and these rules look at what it read.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::SERVICES;
use super::tools::{Tools, ask};

pub fn check(tools: &Tools) -> Result<Vec<String>> {
    let mut loader = Command::new(tools.compose()?);
    let said = ask(loader.args(["-format", "json", "compose.yaml"]).current_dir(tools.root.join("deploy")))?;
    if !said.content {
        return Ok(said.faults());
    }
    let model: Value = serde_json::from_str(&said.text).context("read the loader's answer")?;
    Ok(wrong(&model))
}

fn wrong(model: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let services = model["services"].as_object();
    for name in SERVICES {
        let runs = &model["services"][name]["environment"]["DYTT_SERVICES"];
        if runs != name {
            found.push(format!("`{name}` must run with DYTT_SERVICES: {name}, not {runs}"));
        }
    }
    for (name, service) in services.into_iter().flatten() {
        let mut wrong = |text: String| found.push(format!("`{name}` {text}"));
        let image = service["image"].as_str().unwrap_or_default();
        if !image.rsplit('/').next().is_some_and(|last| last.contains(':') && !last.ends_with(":latest")) {
            wrong(format!("must name a version of its image, not `{image}`"));
        }
        let runs_on = service["restart"] == "unless-stopped";
        if runs_on && service["healthcheck"]["test"].is_null() {
            wrong("has no health check".into());
        }
        if service["privileged"] == true {
            wrong("is privileged".into());
        }
        if !service["network_mode"].is_null() && !service["networks"].is_null() {
            wrong("has both a network mode and networks".into());
        }
        for awaited in keys(&service["depends_on"]) {
            if model["services"][awaited].is_null() {
                wrong(format!("depends on `{awaited}`, which there is not"));
            }
        }
        for network in keys(&service["networks"]) {
            if model["networks"].get(network).is_none() {
                wrong(format!("is on the network `{network}`, which there is not"));
            }
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume["source"].as_str().unwrap_or_default();
            if volume["type"] == "volume" && !source.is_empty() && model["volumes"].get(source).is_none() {
                wrong(format!("mounts the volume `{source}`, which there is not"));
            }
            if volume["type"] == "bind" && !std::path::Path::new(source).exists() {
                wrong(format!("mounts `{source}`, which there is not"));
            }
        }
        for variable in keys(&service["environment"]) {
            let is_secret = ["PASSWORD", "SECRET", "TOKEN"].iter().any(|end| variable.ends_with(end));
            if is_secret && variable != "MARIADB_RANDOM_ROOT_PASSWORD" {
                wrong(format!("has a secret in {variable}, name a file instead"));
            }
        }
    }
    found
}

fn keys(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flat_map(|object| object.keys())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn project() -> Value {
        let one = |name: &str| {
            let service = json!({
                "image": "dytt:1", "restart": "unless-stopped", "healthcheck": {"test": ["CMD", "x"]},
                "environment": {"DYTT_SERVICES": name}, "networks": {"inner": null},
                "depends_on": {"user": {}}, "volumes": [{"type": "volume", "source": "keys"}],
            });
            (name.to_owned(), service)
        };
        let services: serde_json::Map<String, Value> = SERVICES.into_iter().map(one).collect();
        json!({"services": services, "networks": {"inner": null}, "volumes": {"keys": null}})
    }

    #[test]
    fn each_fault_is_one_line() {
        assert_eq!(wrong(&project()), [""; 0]);
        for (path, value) in [
            ("/services/like/environment/DYTT_SERVICES", json!("likes")),
            ("/services/like/image", json!("dytt")),
            ("/services/like/image", json!("host:5000/dytt")),
            ("/services/like/image", json!("dytt:latest")),
            ("/services/like/healthcheck", json!({})),
            ("/services/like/depends_on", json!({"nobody": {}})),
            ("/services/like/networks", json!({"outer": null})),
            ("/services/like/volumes/0/source", json!("none")),
            ("/services/like/environment", json!({"DYTT_SERVICES": "like", "X_PASSWORD": "1"})),
        ] {
            let mut project = project();
            *project.pointer_mut(path).expect("is there") = value;
            assert_eq!(wrong(&project).len(), 1, "{path}");
        }
    }
}
