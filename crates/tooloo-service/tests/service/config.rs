//! Settings come in layers, and mistakes are named with their source.

use std::{fs, path::PathBuf, time::Duration};

use proptest::prelude::*;
use tempfile::TempDir;
use tooloo_service::{ConfigError, ConfigSource, OtlpProtocol, Settings};

use crate::running::{Domain, SERVICE};

struct Layers {
    folder: TempDir,
    environment: Vec<(String, String)>,
    flags: Vec<(String, String)>,
}

impl Layers {
    fn file(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tooloo.toml"), text).unwrap();
        Self {
            folder,
            environment: Vec::new(),
            flags: Vec::new(),
        }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, key: &str, value: &str) -> Self {
        self.flags.push((key.to_owned(), value.to_owned()));
        self
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tooloo.toml")
    }

    fn load(&self) -> Result<ConfigSource, ConfigError> {
        ConfigSource::load(
            Some(&self.path()),
            self.environment.clone(),
            self.flags.clone(),
        )
    }

    fn settings(&self) -> Result<Settings<Domain>, ConfigError> {
        self.load()?.raw(&SERVICE).settings()
    }

    #[track_caller]
    fn error(&self) -> String {
        let error = self
            .settings()
            .expect_err("these settings should not do")
            .to_string();
        error.replace(&self.path().display().to_string(), "FILE")
    }
}

#[test]
fn each_layer_goes_above_the_one_before() {
    let layers = Layers::file("port = 1\n");
    assert_eq!(layers.settings().unwrap().kit.port, 1);
    let layers = Layers::file("port = 1\n[training]\nport = 2\n");
    assert_eq!(layers.settings().unwrap().kit.port, 2);
    let layers = layers.env("TOOLOO_PORT", "3");
    assert_eq!(layers.settings().unwrap().kit.port, 3);
    let layers = layers.env("TOOLOO_TRAINING_PORT", "4");
    assert_eq!(layers.settings().unwrap().kit.port, 4);
    let layers = layers.flag("port", "5");
    assert_eq!(layers.settings().unwrap().kit.port, 5);
}

#[test]
fn without_settings_the_definition_holds() {
    let kit = Layers::file("").settings().unwrap().kit;
    assert_eq!((kit.port, kit.sampling_rate), (3001, 0.15));
    assert_eq!(kit.host.to_string(), "127.0.0.1");
    assert_eq!(kit.address_of("budget").unwrap(), "http://127.0.0.1:3003/");
}

#[test]
fn ports_and_peers_follow_the_base_port_and_each_other() {
    let layers = Layers::file("[budget]\nport = 9\n[peers]\nmeta = \"http://10.0.0.7:80/meta\"\n")
        .flag("base_port", "4000");
    let kit = layers.settings().unwrap().kit;
    assert_eq!(kit.port, 4001);
    let address = |name| kit.address_of(name).unwrap().to_string();
    assert_eq!(address("coach"), "http://127.0.0.1:4004/");
    assert_eq!(address("budget"), "http://127.0.0.1:9/");
    assert_eq!(address("meta"), "http://10.0.0.7:80/meta");
    assert_eq!(kit.address_of("nobody"), None);
    // A port for no service by name is that of the one that runs.
    let kit = Layers::file("")
        .env("TOOLOO_PORT", "9")
        .settings()
        .unwrap()
        .kit;
    assert_eq!(
        (kit.port, kit.address_of("budget").unwrap().port_u16()),
        (9, Some(3003))
    );
}

#[test]
fn text_becomes_what_the_setting_is() {
    let settings = Layers::file("")
        .env("TOOLOO_TRAINING_ROUNDS", "7")
        .env("TOOLOO_TRAINING_TOPICS", "heaps, tries")
        .env("TOOLOO_SAMPLING_RATE", "1")
        .env("TOOLOO_REQUEST_TIMEOUT", "250ms")
        .env(
            "TOOLOO_CORS_ORIGINS",
            r#"["https://a.example","https://b.example"]"#,
        )
        .env("TOOLOO_PEERS__BUDGET", "http://[::1]:8")
        .env("TOOLOO_ADMIN_TOKEN", "12345")
        .env("PATH", "/bin")
        .settings()
        .unwrap();
    assert_eq!(settings.domain.rounds, Some(7));
    assert_eq!(settings.domain.topics, ["heaps", "tries"]);
    assert!((settings.kit.sampling_rate - 1.0).abs() < f64::EPSILON);
    assert_eq!(settings.kit.request_timeout, Duration::from_millis(250));
    assert_eq!(settings.kit.cors_origins.len(), 2);
    assert_eq!(settings.kit.peers["budget"], "http://[::1]:8/");
    assert_eq!(settings.kit.admin_token.unwrap().expose(), "12345");
}

#[test]
fn the_standard_variables_of_the_exporter_are_heard() {
    let layers = Layers::file("[otlp]\nendpoint = \"http://file:1\"\n")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://standard:4318")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret,x=y");
    let otlp = layers.settings().unwrap().kit.otlp;
    assert_eq!(otlp.endpoint.as_deref(), Some("http://standard:4318"));
    assert_eq!(otlp.protocol, Some(OtlpProtocol::HttpProtobuf));
    assert_eq!(otlp.headers["api-key"].expose(), "s3cret");
    let ours = layers.env("TOOLOO_OTLP__ENDPOINT", "http://ours:1");
    assert_eq!(
        ours.settings().unwrap().kit.otlp.endpoint.as_deref(),
        Some("http://ours:1")
    );
    let other = Layers::file("")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .error();
    assert!(
        other.contains("environment variable OTEL_EXPORTER_OTLP_PROTOCOL"),
        "{other}"
    );
    assert!(
        other.contains("http/json") && other.contains("grpc"),
        "{other}"
    );
}

#[test]
fn unknown_keys_are_named_with_their_source() {
    for (layers, expected) in [
        (
            Layers::file("prot = 1\n"),
            "`prot` in FILE: unknown setting `prot`; did you mean `port`?",
        ),
        (Layers::file("[trainign]\n"), "did you mean `training`?"),
        (
            Layers::file("training = 5\n"),
            "`training` in FILE: expected a table, as in [training]",
        ),
        (
            Layers::file("[training]\nround = 1\n"),
            "`training.round` in FILE: unknown field `round`",
        ),
        (
            Layers::file("[otlp]\nendpiont = \"x\"\n"),
            "`otlp.endpiont` in FILE: unknown field",
        ),
        (
            Layers::file("[peers]\nnobody = \"http://x\"\n"),
            "`peers.nobody` in FILE: unknown service",
        ),
        (
            Layers::file("").env("TOOLOO_DATABASE_PATH", "x"),
            "environment variable TOOLOO_DATABASE_PATH: unknown setting `database_path`",
        ),
        (
            Layers::file("").env("TOOLOO_TRAINING_ROUND", "1"),
            "environment variable TOOLOO_TRAINING_ROUND: unknown field `round`",
        ),
        (
            Layers::file("").env("TOOLOO_", "1"),
            "environment variable TOOLOO_: ",
        ),
        (
            Layers::file("").env("TOOLOO_TRAINING", "1"),
            "environment variable TOOLOO_TRAINING: ",
        ),
        (
            Layers::file("").flag("colour", "1"),
            "flag --colour: unknown setting",
        ),
    ] {
        let error = layers.error();
        assert!(error.contains(expected), "{error}\n  lacks {expected}");
    }
}

#[test]
fn bad_values_are_named_with_their_source_and_what_was_expected() {
    for (layers, expected) in [
        (
            Layers::file("port = \"x\"\n"),
            ["`port` in FILE: ", "expected u16"],
        ),
        (
            Layers::file("port = 99999\n"),
            ["`port` in FILE: ", "expected u16"],
        ),
        (
            Layers::file("[training]\nport = -1\n"),
            ["port` in FILE: ", "expected u16"],
        ),
        (
            Layers::file("sampling_rate = 2.0\n"),
            ["`sampling_rate` in FILE: ", "a fraction from 0 to 1"],
        ),
        (
            Layers::file("header_timeout = 5\n"),
            ["`header_timeout` in FILE: ", "such as \"30s\""],
        ),
        (
            Layers::file("log_format = \"xml\"\n"),
            ["`log_format` in FILE: ", "`json`"],
        ),
        (
            Layers::file("cors_origins = [\"example\"]\n"),
            ["`cors_origins[0]` in FILE: ", "a scheme"],
        ),
        (
            Layers::file("max_connections = 0\n"),
            ["`max_connections` in FILE: ", "above zero"],
        ),
        (
            Layers::file("[peers]\nmeta = \"meta\"\n"),
            ["`peers.meta` in FILE: ", "http://"],
        ),
        (
            Layers::file("[training]\ntopics = [1]\n"),
            ["`training.topics[0]` in FILE: ", "expected a string"],
        ),
        (
            Layers::file("").env("TOOLOO_TRAINING_ROUNDS", "many"),
            [
                "environment variable TOOLOO_TRAINING_ROUNDS: ",
                "expected u32",
            ],
        ),
        (
            Layers::file("").env("TOOLOO_PORT", "70000"),
            ["variable TOOLOO_PORT: ", "expected u16"],
        ),
        (
            Layers::file("").env("TOOLOO_LOG_LEVEL", "a=b=c"),
            ["variable TOOLOO_LOG_LEVEL: ", "a level"],
        ),
        (
            Layers::file("").flag("host", "nowhere"),
            ["flag --host: ", "IP address"],
        ),
        (
            Layers::file("").flag("base_port", "65534"),
            ["flag --base-port: ", "room for"],
        ),
        (
            Layers::file("[otlp]\nendpoint = \"collector:4317\"\n"),
            ["`otlp.endpoint` in FILE: ", "\"http://127.0.0.1:4317\""],
        ),
        (
            Layers::file("").env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317"),
            [
                "variable OTEL_EXPORTER_OTLP_ENDPOINT: ",
                "https is not supported",
            ],
        ),
    ] {
        let error = layers.error();
        for expected in expected {
            assert!(error.contains(expected), "{error}\n  lacks {expected}");
        }
    }
}

#[test]
fn a_drain_whose_grace_leaves_no_time_is_refused() {
    let layers = Layers::file("drain_grace = \"30s\"\n");
    assert_eq!(
        layers.error(),
        "`drain_grace` in FILE: 30s is not below the 20s of `drain_deadline` (default)"
    );
    let layers = layers.env("TOOLOO_DRAIN_DEADLINE", "30s");
    assert_eq!(
        layers.error(),
        "`drain_grace` in FILE: 30s is not below the 30s of environment variable \
         TOOLOO_DRAIN_DEADLINE"
    );
    assert!(layers.flag("drain_grace", "29s").settings().is_ok());
}

#[test]
fn a_named_file_that_is_missing_or_broken_is_an_error() {
    let missing = ConfigSource::load(Some("/nowhere/t.toml".as_ref()), [], []).unwrap_err();
    assert_eq!(missing.to_string(), "/nowhere/t.toml: no such file");
    let named = [("TOOLOO_CONFIG".to_owned(), "/nowhere/e.toml".to_owned())];
    assert!(ConfigSource::load(None, named, []).is_err());
    assert!(ConfigSource::load(None, [], []).is_ok());
    let broken = Layers::file("port = \n").error();
    assert!(
        broken.starts_with("FILE: ") && broken.contains("line 1"),
        "{broken}"
    );
}

#[test]
fn one_load_checks_every_service() {
    let fine = Layers::file("[training]\nrounds = 3\n").load().unwrap();
    fine.check(&[SERVICE]).unwrap();
    let bad = Layers::file("[training]\nrounds = \"x\"\n").load().unwrap();
    assert!(bad.check(&[SERVICE]).is_err());
}

#[test]
fn secrets_are_shown_nowhere() {
    let layers = Layers::file(
        "admin_token = \"hunter2\"\nredis_url = \"redis://:hunter4@quotas\"\n[otlp.headers]\napi-key = \"hunter3\"\n",
    );
    let settings = layers.settings().unwrap();
    let shown = format!("{settings:?}");
    assert!(
        shown.contains("[redacted]") && !shown.contains("hunter"),
        "{shown}"
    );
    for layers in [
        Layers::file("").env("TOOLOO_ADMIN_TOKEN__X", "hunter2"),
        Layers::file("").env("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        Layers::file("admin_token = hunter2\n"),
        Layers::file("admin_token = 90125\n"),
        Layers::file("[otlp]\nheaders = \"authorization=Bearer hunter2\"\n"),
        Layers::file("[otlp]\nheaders = 90125\n"),
        Layers::file("[otlp.headers]\nauthorization = 90125\n"),
        Layers::file("[otlp]\nendpoint = \"https://me:hunter2@collector\"\n"),
        Layers::file("redis_url = \"rediss://:hunter2@quotas\"\n"),
        Layers::file("").env("TOOLOO_REDIS_URL", "hunter2"),
    ] {
        let error = layers.error();
        let shown = error.contains("hunter2") || error.contains("90125");
        assert!(!shown, "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_last_and_most_special_word_holds(words in proptest::collection::vec(any::<Option<u16>>(), 6)) {
        let line = |word: Option<u16>| word.map_or(String::new(), |port| format!("port = {port}\n"));
        let text = format!("{}[training]\n{}", line(words[0]), line(words[1]));
        let mut layers = Layers::file(&text);
        for (word, name) in words[2..4].iter().zip(["TOOLOO_PORT", "TOOLOO_TRAINING_PORT"]) {
            if let Some(port) = word {
                layers = layers.env(name, &port.to_string());
            }
        }
        for (word, key) in words[4..].iter().zip(["port", "training.port"]) {
            if let Some(port) = word {
                layers = layers.flag(key, &port.to_string());
            }
        }
        let expected = words.iter().rev().find_map(|word| *word).unwrap_or(SERVICE.port);
        prop_assert_eq!(layers.settings().unwrap().kit.port, expected);
    }

    #[test]
    fn no_file_and_no_variable_makes_it_panic(
        text in "(\\[[a-z.]{0,8}\\]\n|[a-z_]{1,12} ?= ?[ -~]{0,12}\n){0,5}",
        name in "[A-Z_]{0,16}",
        value in "\\PC{0,12}",
    ) {
        let layers = Layers::file(&text).env(&format!("TOOLOO_{name}"), &value);
        if let Err(error) = layers.settings() {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
