//! `docker-compose.yml` and `Dockerfile` agree with the program: every command line in them is one that it accepts.

use recado_tests::{
    parts::folder,
    process::Run,
    workspace::{read, root},
};
use saphyr::{LoadableYamlNode, YamlOwned};

fn compose() -> YamlOwned {
    let mut documents =
        YamlOwned::load_from_str(&read("docker-compose.yml")).expect("docker-compose.yml is YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn services(compose: &YamlOwned) -> Vec<(&str, &YamlOwned)> {
    let services =
        compose.as_mapping_get("services").and_then(YamlOwned::as_mapping).expect("there are services");
    services.iter().map(|(name, service)| (name.as_str().expect("names are text"), service)).collect()
}

/// A value of a service, its own or merged in with `<<`.
fn value<'a>(service: &'a YamlOwned, key: &str) -> Option<&'a YamlOwned> {
    service.as_mapping_get(key).or_else(|| value(service.as_mapping_get("<<")?, key))
}

fn words(list: &YamlOwned) -> Vec<&str> {
    list.as_vec()
        .expect("commands are lists")
        .iter()
        .map(|word| word.as_str().expect("a list of texts"))
        .collect()
}

/// Whether the program takes this command line: with `--print-config` it reads all of it and starts nothing.
fn assert_accepted(whose: &str, command: &[&str]) {
    let folder = folder();
    let ended = Run::recado(folder.path(), command.iter().chain(&["--print-config"])).to_end();
    assert_eq!(ended.code, Some(0), "{whose}: recado {command:?}: {:#?}", ended.err);
}

#[test]
fn every_command_in_the_compose_file_is_accepted() {
    let compose = compose();
    for (name, service) in services(&compose) {
        assert_accepted(name, &words(value(service, "command").expect("every service has its command")));
    }
}

#[test]
fn broker_and_server_are_asked_for_their_health_by_the_program_itself() {
    let compose = compose();
    for (name, service) in
        services(&compose).into_iter().filter(|(name, _)| ["broker", "server"].contains(name))
    {
        let check = value(service, "healthcheck").and_then(|check| value(check, "test")).map(words);
        let check = check.unwrap_or_else(|| panic!("{name} has no health check"));
        assert_eq!(check[..2], ["CMD", "/recado"], "{name}");
        assert_accepted(name, &check[2..]);
    }
}

#[test]
fn whoever_waits_for_health_waits_for_a_service_that_reports_it() {
    let compose = compose();
    let services = services(&compose);
    for (name, service) in &services {
        let awaited = value(service, "depends_on").and_then(YamlOwned::as_mapping);
        for other in awaited.into_iter().flatten().map(|(other, _)| other.as_str().expect("names are text")) {
            let found = services.iter().find(|(name, _)| *name == other);
            let (_, found) = found.unwrap_or_else(|| panic!("{name} waits for {other}, which is not there"));
            assert!(value(found, "healthcheck").is_some(), "{name} waits for the health of {other}");
        }
    }
}

#[test]
fn every_service_runs_with_the_least_it_needs_and_comes_back() {
    let compose = compose();
    for (name, service) in services(&compose) {
        assert_eq!(value(service, "read_only").and_then(YamlOwned::as_bool), Some(true), "{name}");
        assert_eq!(value(service, "cap_drop").map(words), Some(vec!["ALL"]), "{name}");
        assert_eq!(value(service, "security_opt").map(words), Some(vec!["no-new-privileges:true"]), "{name}");
        assert_eq!(value(service, "restart").and_then(YamlOwned::as_str), Some("unless-stopped"), "{name}");
    }
}

#[test]
fn the_server_keeps_its_store_in_a_volume() {
    let compose = compose();
    let services = services(&compose);
    let (_, server) = services.iter().find(|(name, _)| *name == "server").expect("there is a server");
    let volumes = words(value(server, "volumes").expect("the server has a volume"));
    let (volume, path) = volumes[0].split_once(':').expect("a volume and where it is mounted");
    assert!(compose.as_mapping_get("volumes").is_some_and(|named| named.contains_mapping_key(volume)));
    let command = words(value(server, "command").expect("every service has its command"));
    assert!(command.iter().any(|word| word.starts_with(&format!("sqlite:{path}/"))), "{command:?}");
}

#[test]
fn the_image_runs_a_command_that_is_accepted_as_a_user_who_is_not_root() {
    let dockerfile = read("Dockerfile");
    let instruction = |name: &str| {
        let line =
            dockerfile.lines().rfind(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
        line[name.len()..].trim()
    };
    let command: Vec<String> = serde_json::from_str(instruction("CMD")).expect("CMD is a JSON list");
    assert_accepted("the image", &command.iter().map(String::as_str).collect::<Vec<_>>());
    let user = instruction("USER").split(':').next().and_then(|user| user.parse::<u32>().ok());
    assert!(user.is_some_and(|user| user > 0), "a number, so that engines can see that it is not root");
}

#[test]
fn the_image_is_built_with_the_compiler_that_the_workspace_asks_for() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("cargo could read it");
    let version =
        manifest["workspace"]["package"]["rust-version"].as_str().expect("the workspace names its compiler");
    assert!(read("Dockerfile").contains(&format!("FROM rust:{version}-alpine")));
}

#[test]
fn the_image_is_built_from_all_that_the_workspace_needs() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("cargo could read it");
    let members = manifest["workspace"]["members"].as_array().expect("the workspace has members");
    let allowed: Vec<_> =
        read(".dockerignore").lines().filter_map(|line| line.strip_prefix('!').map(str::to_owned)).collect();
    for member in members.iter().filter_map(toml::Value::as_str) {
        let needed = format!("{member}/Cargo.toml");
        assert!(
            allowed.iter().any(|path| *path == member || *path == needed),
            "{member} is not in .dockerignore's list"
        );
    }
    assert!(allowed.iter().all(|path| path.contains('*') || root().join(path).exists()), "{allowed:?}");
}
