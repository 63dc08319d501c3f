package config

import "time"

// fileKeys stand at the top of the file, and in defaults.
var fileKeys = []key{
	{
		path: "native_histograms", kind: booleanKind, fallback: "false", example: "true",
		doc: "Export histograms as native ones too. They cost Prometheus less for the same detail, and postflight some KiB of memory a series. It takes a restart to change it.",
	},
	{
		path: "defaults", kind: mappingKind, otherwise: "as below", example: `{schedule: "@every 30s", timeout: 3s}`,
		doc: "What holds for every check that does not say otherwise.",
	},
	{
		path: "defaults.schedule", kind: scheduleKind, fallback: "@every 15s", example: `"*/10 * * * * *"`,
		doc: "When checks run, unless they have a schedule of their own: a cron expression of 5 fields, or 6 with seconds in front; " +
			"`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`; or `@every` with a duration from 100ms to 8760h. Times are UTC unless the text begins with `CRON_TZ=Europe/Berlin` or the like. " +
			"Checks do not all run at the same moment: those of `@every 15s` are spread over 15 s, those of a cron expression over its shortest interval, a minute at most.",
	},
	{
		path: "defaults.timeout", kind: duration(time.Millisecond, 5*time.Minute), fallback: "5s", example: "3s",
		doc: "How long a whole check may take, all of its requests and their bodies included. It may be longer than the interval: a check that is still running is not started again.",
	},
	{
		path: "services", kind: listOf(mappingKind), otherwise: isRequired, example: `[{name: proxy-system, units: [proxy-system.service]}]`,
		doc: "What is deployed. Each service has targets, lists of targets or units, or several of these.",
	},
}

// serviceKeys say what a service is, and where it runs.
var serviceKeys = []key{
	{
		path: "services[].name", kind: nameKind, otherwise: isRequired, example: "proxy-system",
		doc: "Name of the service, the label `service` of its metrics: letters, digits, `.`, `_` and `-`, 64 at most. No two services have the same.",
	},
	{
		path: "services[].targets", kind: listOf(targetKind), otherwise: "none", example: `["http://127.0.0.1:8000"]`,
		doc: "Base URLs of the running copies of the service, `http` or `https`, perhaps with a path, to which each check adds its own. The URL is the label `target`, as it is written. " +
			"It holds no user or password: see `credentials`.",
	},
	{
		path: "services[].file_sd_configs", kind: listOf(mappingKind), otherwise: "none", example: `[{files: [/etc/postflight/targets/*.json]}]`,
		doc: "Lists of targets in files, in [Prometheus' format](https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config), in place of `targets` or beside them. " +
			"They are read again and again, without a reload. A list that cannot be read stays as it was last read, and postflight says so. " +
			"It holds 20,000 targets at most, in 4 MiB. Labels stand on `postflight_target_info` only; those that begin with `__` are left out, and `__scheme__` goes before `scheme`.",
	},
	{
		path: "services[].file_sd_configs[].files", kind: listOf(listFileKind), otherwise: isRequired, example: "[/etc/postflight/targets/*.json]",
		doc: "Files that end in `.json`, `.yml` or `.yaml`. The last part of a name may be a pattern with `*`, `?` and `[…]`; it is looked up again each time.",
	},
	{
		path: "services[].file_sd_configs[].refresh_interval", kind: refreshKind, fallback: "30s", example: "1m",
		doc: "How often the files are read.",
	},
	{
		path: "services[].file_sd_configs[].scheme", kind: schemeKind, fallback: "http", example: "https",
		doc: "How targets that a list writes as `host:port` are asked: `http` or `https`.",
	},
	{
		path: "services[].http_sd_configs", kind: listOf(mappingKind), otherwise: "none", example: `[{url: "http://inventory.example/targets"}]`,
		doc: "Lists of targets that are asked for over HTTP, in [Prometheus' format](https://prometheus.io/docs/prometheus/latest/http_sd/). What is said of `file_sd_configs` holds of them, too.",
	},
	{
		path: "services[].http_sd_configs[].url", kind: listURLKind, otherwise: isRequired, example: "http://inventory.example/targets",
		doc: "What is asked for with `GET`, `http` or `https`; for `https` the system's authorities are trusted. It holds no user or password, and no other secret either: `config show` prints it.",
	},
	{
		path: "services[].http_sd_configs[].refresh_interval", kind: refreshKind, fallback: "1m", example: "30s",
		doc: "How often it is asked for.",
	},
	{
		path: "services[].http_sd_configs[].scheme", kind: schemeKind, fallback: "http", example: "https",
		doc: "As for `file_sd_configs`.",
	},
	{
		path: "services[].units", kind: listOf(unitKind), otherwise: "none", example: "[proxy-system.service]",
		doc: "systemd units of the service. `.service` is added where there is no suffix.",
	},
	{
		path: "services[].tls_config", kind: mappingKind, otherwise: "as below", example: "{ca_file: ca.pem}",
		doc: "Whom to trust, and who to be, where targets are `https`. Certificates are always verified. The files are read with the configuration; when one of them changes, all of it is read anew.",
	},
	{
		path: "services[].tls_config.ca_file", kind: fileKind, otherwise: "the system's authorities", example: "ca.pem",
		doc: "Certificates of the authorities that are trusted in place of the system's, in PEM.",
	},
	{
		path: "services[].tls_config.cert_file", kind: fileKind, otherwise: "none", example: "client.pem",
		doc: "Certificate to show to targets that ask for one, in PEM, and those that lead to its authority after it. It goes with `key_file`.",
	},
	{
		path: "services[].tls_config.key_file", kind: fileKind, otherwise: "none", example: "client-key.pem",
		doc: "The certificate's private key, in PEM and not encrypted.",
	},
	{
		path: "services[].tls_config.server_name", kind: hostKind, otherwise: "the target's host", example: "shop.example",
		doc: "Name that the targets' certificates are for, where that is not the name that the target is reached by.",
	},
	{
		path: "services[].release", kind: mappingKind, otherwise: "none", example: "{check: health, from: body.version}",
		doc: "Where the name of the running release is found: in a `file`, or in the answers to a `check`.",
	},
	{
		path: "services[].release.file", kind: fileKind, otherwise: "none", example: "/opt/app/VERSION",
		doc: "File whose content is the name. It is read again when it changes.",
	},
	{
		path: "services[].release.check", kind: nameKind, otherwise: "none", example: "health",
		doc: "Name of the check of this service whose answers tell it. Not one that uses `auth`.",
	},
	{
		path: "services[].release.from", kind: valueKind, otherwise: "required with `check`", example: "body.version",
		doc: "[Expression](#expressions) that gives the name, a text or a number.",
	},
}
