package builtin

import (
	"slices"
	"strings"

	"postflight/internal/expect"
	"postflight/probe"
)

// The states of a service, and of one of its components. What else a backend says is unknown.
const (
	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
	unknown   = "unknown"
)

// judgeHealth judges how the backend feels. It answers 200 also when it is degraded, so the body decides.
func judgeHealth(a expect.Answer) expect.Judgement {
	body, ok := object(a)
	if !ok {
		return expect.WrongBody("a JSON object", a.Excerpt())
	}
	status, ok := body["status"].(string)
	if !ok {
		return expect.WrongBody("a JSON object with a status", a.Excerpt())
	}
	components := components(body)
	j := expect.Judgement{Values: make([]probe.Value, 0, 1+len(components))}
	j.Values = append(j.Values, probe.Value{Metric: "health_status", State: state(status)})
	ill := ""
	for _, c := range components {
		j.Values = append(j.Values, probe.Value{Metric: "health_component_status", Label: c.name, State: state(c.status)})
		if c.status != healthy && ill == "" {
			ill = c.illness()
		}
	}
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

// component is a part of the body that has a status of its own.
type component struct{ name, status, message string }

// components are sorted by name.
func components(body map[string]any) (found []component) {
	for name, field := range body {
		fields, _ := field.(map[string]any)
		said, ok := fields["status"]
		if !ok {
			continue
		}
		status, ok := said.(string)
		if !ok {
			status = unknown
		}
		message, _ := fields["message"].(string)
		found = append(found, component{name, status, message})
	}
	slices.SortFunc(found, func(a, b component) int { return strings.Compare(a.name, b.name) })
	return found
}

// illness says in words what a component suffers from.
func (c component) illness() string {
	if c.message == "" {
		return expect.Excerpt(c.name) + " " + expect.Excerpt(c.status)
	}
	return expect.Excerpt(c.name) + " " + expect.Excerpt(c.status) + ": " + expect.Excerpt(c.message)
}

func state(status string) string {
	switch status {
	case healthy, degraded, unhealthy:
		return status
	default:
		return unknown
	}
}
