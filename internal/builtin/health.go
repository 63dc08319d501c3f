package builtin

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// The states of a service, and of one of its components. What else a backend says is unknown.
const (
	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
	unknown   = "unknown"
)

// health asks how the backend feels. It answers 200 also when it is degraded, so the body decides.
func health(httpprobe.Credentials) httpprobe.Check {
	return httpprobe.Check{Requests: []httpprobe.Request{
		{Name: "health", Method: http.MethodGet, Path: "/health", Expect: expect.Func(judgeHealth)},
	}}
}

func judgeHealth(a expect.Answer) expect.Judgement {
	if a.Status != http.StatusOK {
		return expect.WrongStatus(a, "status 200")
	}
	body, ok := object(a)
	if !ok {
		return expect.WrongBody("a JSON object", a.Excerpt())
	}
	status, ok := body["status"].(string)
	if !ok {
		return expect.WrongBody("a JSON object with a status", a.Excerpt())
	}
	j := expect.Judgement{Values: []probe.Value{{Metric: "health_status", State: state(status)}}}
	ill := judgeComponents(body, &j)
	switch {
	case status == healthy && ill == "":
		return j
	case status == healthy:
		j.Outcome, j.Wanted, j.Got = probe.Warn, "all components healthy", ill
	case status == degraded:
		j.Outcome, j.Wanted, j.Got = probe.Warn, "status healthy", "status degraded"
	default:
		j.Outcome, j.Reason, j.Wanted, j.Got = probe.Fail, probe.ReasonBody, "status healthy", "status "+expect.Excerpt(status)
	}
	if status != healthy && ill != "" {
		j.Got += ", " + ill
	}
	return j
}

// judgeComponents adds the state of each part of the body that has a status of its own, and tells of one that is not
// healthy.
func judgeComponents(body map[string]any, j *expect.Judgement) (ill string) {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		component, _ := body[name].(map[string]any)
		status, ok := component["status"].(string)
		if !ok {
			continue
		}
		j.Values = append(j.Values, probe.Value{Metric: "health_component_status", Label: name, State: state(status)})
		if status == healthy || ill != "" {
			continue
		}
		ill = fmt.Sprintf("%s %s", expect.Excerpt(name), expect.Excerpt(status))
		if message, _ := component["message"].(string); message != "" {
			ill += ": " + expect.Excerpt(message)
		}
	}
	return ill
}

func state(status string) string {
	switch status {
	case healthy, degraded, unhealthy:
		return status
	default:
		return unknown
	}
}
