package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

// The limits of a policy are those of the configuration.
const (
	longest  = 24 * time.Hour
	mostRuns = 1_000_000
	// longestRelease is how long the name of a release may be, in bytes. It becomes the value of a label.
	longestRelease = 128
)

// announcement reads which deployment a request tells of.
func (a api) announcement(r *http.Request) (deployment.Announcement, error) {
	body, err := readObject(r, bodyLimit)
	if err != nil {
		return deployment.Announcement{}, err
	}
	announced := deployment.Announcement{
		Service:  body.text("service"),
		Release:  release(body),
		Source:   source(body),
		SkipHook: body.flag("skip_on_failure"),
	}
	if announced.Service == "" {
		body.sayOf("service", "it is missing; write the name of the service that was deployed")
	}
	if body.has("verification") {
		rules, _ := a.Rules(announced.Service) // of a service that there is not, nothing is verified
		announced.Policy = policyOver(rules.Policy, body.object("verification"))
	}
	return announced, body.problems()
}

func release(body *object) string {
	name := strings.TrimSpace(body.text("release"))
	switch {
	case len(name) > longestRelease:
		body.sayOf("release", "it is longer than 128 bytes; write a shorter name")
	case strings.ContainsFunc(name, unicode.IsControl):
		body.sayOf("release", "it holds a control character; write a name on one line")
	}
	return name
}

// source is who tells: verify says so, anybody else need not.
func source(body *object) verdict.Source {
	switch told := body.text("source"); told {
	case "", verdict.API:
		return verdict.API
	case verdict.CLI:
		return verdict.CLI
	default:
		body.sayOf("source", shown(told)+` is none; write "api" or "cli"`)
		return ""
	}
}

// policyOver lays what a request says over a policy.
func policyOver(p verdict.Policy, body *object) *verdict.Policy {
	body.duration("settle_timeout", &p.SettleTimeout, time.Millisecond, longest)
	body.duration("window", &p.Window, time.Millisecond, longest)
	body.duration("interval", &p.Interval, 100*time.Millisecond, longest)
	body.whole("consecutive", &p.Consecutive, 1, mostRuns)
	body.whole("max_restarts", &p.MaxRestarts, 0, mostRuns)
	body.read("max_slowdown", &p.MaxSlowdown, "a number")
	if p.MaxSlowdown != 0 && p.MaxSlowdown <= 1 {
		body.sayOf("max_slowdown", fmt.Sprintf("%v is not above 1; write 0 where latencies are not to be compared", p.MaxSlowdown))
	}
	body.end()
	return &p
}
