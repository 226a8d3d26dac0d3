//! The Kubernetes files: kustomize builds them, Kubernetes' schemas judge each object, and these rules look at
//! how the objects fit together.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::SERVICES;
use super::tools::{Tools, ask};

const OVERLAY: &str = "deploy/kubernetes/overlays/example";
/// The oldest Kubernetes the files are for.
const VERSION: &str = "1.32.0";
const TO_JSON: &str =
    "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";

pub fn check(tools: &Tools) -> Result<Vec<String>> {
    let built = ask(tools.kustomize()?.arg(OVERLAY).current_dir(&tools.root))?;
    if !built.content {
        return Ok(built.faults());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("all.yaml");
    std::fs::write(&file, &built.text)?;
    let mut judge = tools.python_command()?;
    judge.args(["-m", "kubernetes_validate", "--quiet", "--strict", "-k", VERSION]).arg(&file);
    let said = ask(&mut judge)?;
    let objects = objects(tools, &file)?;
    let mut found = said.faults();
    found.extend(wrong(&objects));
    Ok(found)
}

fn objects(tools: &Tools, file: &Path) -> Result<Vec<Value>> {
    let said = ask(tools.python_command()?.args(["-c", TO_JSON]).arg(file))?;
    serde_json::from_str(&said.text).with_context(|| format!("read the objects: {}", said.text))
}

fn wrong(objects: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let named = |kind: &str, name: &str| {
        objects.iter().find(|one| one["kind"] == kind && one["metadata"]["name"] == name)
    };
    for service in SERVICES {
        let name = format!("dytt-{service}");
        let Some(deployment) = named("Deployment", &name) else {
            found.push(format!("there is no Deployment {name}"));
            continue;
        };
        found.extend(wrong_pod(service, deployment, &named).into_iter().map(|text| format!("{name} {text}")));
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        for (kind, selector) in
            [("Service", "/spec/selector"), ("PodDisruptionBudget", "/spec/selector/matchLabels")]
        {
            let chosen = named(kind, &name).and_then(|one| one.pointer(selector)?.as_object());
            if !chosen.is_some_and(|chosen| chosen.iter().all(|(key, value)| labels[key] == *value)) {
                found.push(format!("no {kind} {name} chooses its pods"));
            }
        }
    }
    found
}

/// What is wrong with one service's pods.
fn wrong_pod<'a>(
    service: &str,
    deployment: &Value,
    named: &dyn Fn(&str, &str) -> Option<&'a Value>,
) -> Vec<String> {
    let mut found = Vec::new();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let component = &deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"];
    let secret = format!("dytt-{service}");
    let config = container["envFrom"][0]["configMapRef"]["name"].as_str().unwrap_or_default();
    let tagged = |image: &str| image.rsplit('/').next().is_some_and(|last| last.contains(':'));
    let locked = |one: &Value| {
        let context = &one["securityContext"];
        context["readOnlyRootFilesystem"] == true && context["allowPrivilegeEscalation"] == false
    };
    let containers = || {
        ["initContainers", "containers"]
            .into_iter()
            .flat_map(|list| pod[list].as_array().into_iter().flatten())
    };
    let rules = [
        (component == service, format!("must carry its service's name as its component, not {component}")),
        (
            pod["volumes"][0]["secret"]["secretName"] == *secret,
            format!("must mount the Secret {secret} first"),
        ),
        // The variables of Services begin with DYTT_, too, and dytt refuses what it does not know.
        (pod["enableServiceLinks"] == false, "must turn enableServiceLinks off".into()),
        (pod["automountServiceAccountToken"] == false, "must not get a service account's token".into()),
        (pod["securityContext"]["runAsNonRoot"] == true, "must not run as root".into()),
        (containers().all(locked), "must lock its containers' root file systems and privileges".into()),
        (named("ConfigMap", config).is_some(), format!("reads the ConfigMap `{config}`, which there is not")),
        (
            containers().all(|one| one["image"].as_str().is_some_and(tagged)),
            "must name a version of its image".into(),
        ),
        (
            ["startupProbe", "livenessProbe", "readinessProbe"]
                .iter()
                .all(|probe| container[probe].is_object()),
            "must have all three probes".into(),
        ),
        (container["resources"]["limits"]["memory"].is_string(), "must have a limit of memory".into()),
        (
            pod["terminationGracePeriodSeconds"].as_u64().is_some_and(|seconds| seconds >= 30),
            "must have 30 s to stop in".into(),
        ),
    ];
    found.extend(rules.into_iter().filter(|(holds, _)| !holds).map(|(_, text)| text));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn all() -> Vec<Value> {
        let of = |service: &str| {
            let labels = json!({"app.kubernetes.io/component": service});
            let metadata = json!({"name": format!("dytt-{service}")});
            let pod = json!({
                "enableServiceLinks": false, "automountServiceAccountToken": false,
                "terminationGracePeriodSeconds": 30, "securityContext": {"runAsNonRoot": true},
                "volumes": [{"secret": {"secretName": format!("dytt-{service}")}}],
                "containers": [{
                    "image": "host:5000/dytt:1", "envFrom": [{"configMapRef": {"name": "dytt"}}],
                    "securityContext": {"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false},
                    "startupProbe": {}, "livenessProbe": {}, "readinessProbe": {},
                    "resources": {"limits": {"memory": "1Gi"}},
                }],
            });
            let template = json!({"metadata": {"labels": labels}, "spec": pod});
            [
                json!({"kind": "Deployment", "metadata": metadata, "spec": {"template": template}}),
                json!({"kind": "Service", "metadata": metadata, "spec": {"selector": labels}}),
                json!({"kind": "PodDisruptionBudget", "metadata": metadata,
                       "spec": {"selector": {"matchLabels": labels}}}),
            ]
        };
        let config = json!({"kind": "ConfigMap", "metadata": {"name": "dytt"}});
        SERVICES.into_iter().flat_map(of).chain([config]).collect()
    }

    #[test]
    fn each_fault_is_one_line() {
        assert_eq!(wrong(&all()), [""; 0]);
        let pod = "/spec/template/spec";
        for (path, value) in [
            (format!("{pod}/enableServiceLinks"), json!(true)),
            (format!("{pod}/volumes/0/secret/secretName"), json!("dytt-user")),
            (format!("{pod}/securityContext"), json!({})),
            (format!("{pod}/terminationGracePeriodSeconds"), json!(10)),
            (format!("{pod}/containers/0/image"), json!("host:5000/dytt")),
            (format!("{pod}/containers/0/readinessProbe"), Value::Null),
            (format!("{pod}/containers/0/securityContext"), json!({"readOnlyRootFilesystem": true})),
            (format!("{pod}/containers/0/envFrom/0/configMapRef/name"), json!("other")),
            ("/metadata/name".into(), json!("dytt-something")),
        ] {
            let mut all = all();
            *all[0].pointer_mut(&path).expect("is there") = value;
            assert_eq!(wrong(&all).len(), 1, "{path}");
        }
        let mut all = all();
        *all[1].pointer_mut("/spec/selector").expect("is there") = json!({"a": "b"});
        assert_eq!(wrong(&all), ["no Service dytt-gateway chooses its pods"]);
    }
}
