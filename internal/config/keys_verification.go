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
}
