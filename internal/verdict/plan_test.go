package verdict_test

import (
	"testing"
	"time"

	"postflight/internal/verdict"
	"postflight/probe"
)

func TestNewRefuses(t *testing.T) {
	check := verdict.PlannedCheck{Check: probe.Check{Key: checkKey("health"), Critical: true}, Timeout: time.Second}
	minor := check
	minor.Critical = false
	endless := check
	endless.Timeout = 0
	tests := []struct {
		name string
		plan verdict.Plan
		want string // empty: it is accepted
	}{
		{"a plan of one check", verdict.Plan{Policy: verdict.DefaultPolicy, Checks: []verdict.PlannedCheck{check}}, ""},
		{"a plan of one unit", verdict.Plan{Policy: verdict.DefaultPolicy, Units: []string{"app.service"}}, ""},
		{
			"nothing", verdict.Plan{Policy: verdict.DefaultPolicy},
			"nothing to verify: no target to check, and no unit",
		},
		{"nothing, since no target is known", verdict.Plan{Policy: verdict.DefaultPolicy, Unseen: "reading the target list: denied"}, ""},
		{
			"nothing that decides", verdict.Plan{Policy: verdict.DefaultPolicy, Checks: []verdict.PlannedCheck{minor}},
			"nothing decides the verdict: no check is critical and there are no units",
		},
		{
			"a check without a timeout", verdict.Plan{Policy: verdict.DefaultPolicy, Checks: []verdict.PlannedCheck{endless}},
			"check health of http://127.0.0.1:8000 has no timeout",
		},
		{
			"a policy of nothing", verdict.Plan{Units: []string{"app.service"}},
			"settle_timeout: 0s is no time to settle in\n" +
				"interval: 0s is not above 0\n" +
				"consecutive: 0 passes prove nothing; at least 1",
		},
		{
			"a negative policy",
			verdict.Plan{Units: []string{"app.service"}, Policy: verdict.Policy{
				SettleTimeout: time.Second, Window: -time.Second, Interval: time.Second, Consecutive: 1, MaxRestarts: -1,
			}},
			"window: -1s is negative\n" +
				"max_restarts: -1 is negative",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if _, err := verdict.New(test.plan); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("New says %q, want %q", got, test.want)
			}
		})
	}
}
