package config

import (
	"strconv"
	"time"

	"postflight/internal/verdict"
)

// verificationKeys say how a deployment is verified.
var verificationKeys = []key{
	{
		path: "services[].verification", kind: mappingKind, otherwise: "as below", example: "{window: 1m, interval: 2s}",
		doc: "How a deployment of the service is verified.",
	},
	{
		path: "services[].verification.settle_timeout", kind: duration(time.Millisecond, day), fallback: short(verdict.DefaultPolicy.SettleTimeout), example: "90s",
		doc: "How long the service may take until every critical check passes once. If it takes longer the deployment has failed.",
	},
	{
		path: "services[].verification.window", kind: duration(time.Millisecond, day), fallback: short(verdict.DefaultPolicy.Window), example: "1m",
		doc: "How long the service is observed after that.",
	},
	{
		path: "services[].verification.interval", kind: duration(100*time.Millisecond, day), fallback: short(verdict.DefaultPolicy.Interval), example: "2s",
		doc: "How often checks run meanwhile.",
	},
	{
		path: "services[].verification.consecutive", kind: wholeNumber(1, mostNumber), fallback: strconv.Itoa(verdict.DefaultPolicy.Consecutive), example: "3",
		doc: "How many passes in a row each critical check must end with; one, of a check whose `min_interval` is over 5s. Where the window ends before they are complete they are waited for.",
	},
	{
		path: "services[].verification.max_restarts", kind: wholeNumber(0, mostNumber), fallback: strconv.Itoa(verdict.DefaultPolicy.MaxRestarts), example: "1",
		doc: "How many automatic restarts of the service's units are let pass.",
	},
	{
		path: "services[].verification.max_slowdown", kind: slowdownKind, fallback: plain(verdict.DefaultPolicy.MaxSlowdown), example: "5",
		doc: "How many times slower the requests of a check may be than before the deployment until the verdict warns: the 95th percentiles are compared, and 100ms more than before are let pass. `0`: they are not compared.",
	},
	{
		path: "services[].verification.detect", kind: choice("way to detect deployments", detectable...), otherwise: "`release` where `release:` is set, else `restart`", example: "off",
		doc: "What is taken for a deployment that nobody announced: `restart`, a unit that is started by hand, which its automatic restarts and the machine's start are not; `release`, another release than before; `off`, nothing.",
	},
	{
		path: "services[].verification.on_failure", kind: mappingKind, otherwise: "nothing is run", example: "{unit: app-rollback.service}",
		doc: "What is run once after a deployment has failed, and never after one that is inconclusive: a `unit` or a `command`. Then the service is verified again.",
	},
	{
		path: "services[].verification.on_failure.unit", kind: unitKind, otherwise: "none", example: "app-rollback.service",
		doc: "systemd unit that is started. It has succeeded when it has ended well, or runs where it is no `Type=oneshot`. postflight needs the right to start it: see `deploy/polkit`.",
	},
	{
		path: "services[].verification.on_failure.command", kind: listOf(argumentKind).atMost(100), otherwise: "none", example: "[/opt/app/rollback.sh, --to, previous]",
		doc: "Program, by its absolute path, and its arguments. No shell reads them. The verdict stands on its standard input. Others see arguments, and `config show` prints them: they are no place for secrets.",
	},
	{
		path: "services[].verification.on_failure.timeout", kind: duration(time.Second, day), fallback: "5m", example: "10m",
		doc: "How long it may take. A command that takes longer is killed, and all that it has started.",
	},
	{
		path: "services[].verification.on_failure.on", kind: listOf(choice("source", verdict.API, verdict.CLI, verdict.Detected)).atMost(3), otherwise: "`[api, cli]`", example: "[api, cli, detected]",
		doc: "Of which deployments: those announced to the API, those of `postflight verify`, those that were detected.",
	},
}

var detectable = []string{DetectRestart, DetectRelease, DetectOff}
