package exporter

import (
	"slices"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

// healthCheck is the built-in check whose state set is there before it has told anything.
const healthCheck = "health"

// target is one target of a service and its checks.
type target struct {
	url    string
	labels []state.Label
	checks []*state.CheckState
}

func targetsOf(service state.ServiceState) []target {
	targets := make([]target, len(service.Targets))
	at := make(map[string]int, len(service.Targets))
	for i, t := range service.Targets {
		targets[i] = target{url: t.URL, labels: t.Labels}
		at[t.URL] = i
	}
	for _, c := range service.Checks {
		t := &targets[at[c.Check.Key.Target]]
		t.checks = append(t.checks, c)
	}
	return targets
}

// targetInfo tells of a target and what its list says of it.
func (s *scrape) targetInfo(service string, t target) {
	if !s.isTurnOf(targetInfo) {
		return
	}
	labels := append(make([]label, 0, 2+len(t.labels)), label{"service", service}, label{"target", t.url})
	for _, l := range t.labels {
		labels = append(labels, label{exportedName(l.Name, t.labels), l.Value})
	}
	s.families[targetInfo-s.first].add(series{labels: s.labels.sorted(labels), value: 1})
}

// exportedName is the name of a label that a list gave: with exported_ before it where it is one of ours or of
// Prometheus' own, as often as it takes. Prometheus itself does so when the labels that it scrapes clash with its own.
func exportedName(name string, given []state.Label) string {
	for unchanged := name; ; {
		taken := slices.Contains(ourLabels, name) ||
			name != unchanged && slices.ContainsFunc(given, func(l state.Label) bool { return l.Name == name })
		if !taken {
			return name
		}
		name = "exported_" + name
	}
}

// ourLabels are those of a target that no list may set.
var ourLabels = []string{"service", "target", "instance", "job"}

// target tells what is known of a target as a whole. Several checks may yield the same series: the first that does is
// told.
func (s *scrape) target(service string, t target) {
	s.targetInfo(service, t)
	if expiry := expiryOf(t); !expiry.IsZero() {
		s.put(certificateExpiry, timestamp(expiry), service, t.url)
	}
	type value struct {
		id    metricID
		label string
	}
	told := map[value]bool{}
	first := func(metric, label string, kinds ...kind) (metricID, bool) {
		id, known := s.values[metric]
		if !known || !slices.Contains(kinds, table[id].kind) || told[value{id, label}] {
			return 0, false
		}
		told[value{id, label}] = true
		return id, true
	}
	hasHealth := false
	for _, c := range t.checks {
		hasHealth = hasHealth || c.Check.Use == healthCheck
		for _, v := range c.Values {
			if id, ok := first(v.Metric, v.Label, gauge, stateSet); ok {
				s.value(id, service, t.url, v)
			}
		}
		for _, v := range c.Counters {
			if id, ok := first(v.Metric, v.Label, counter); ok {
				s.put(id, v.Total, ownLabels(id, service, t.url, v.Label)...)
			}
		}
	}
	if hasHealth && !told[value{id: healthStatus}] {
		s.value(healthStatus, service, t.url, state.Value{})
	}
}

// value tells of a gauge, or of every state of a state set.
func (s *scrape) value(id metricID, service, url string, v state.Value) {
	if table[id].kind == gauge {
		s.put(id, v.Number, ownLabels(id, service, url, v.Label)...)
		return
	}
	for _, status := range state.HealthStates {
		s.put(id, is(v.State == status), append(ownLabels(id, service, url, v.Label), status)...)
	}
}

// ownLabels are the values of the labels of a metric that comes from a probe.Value, without the state of a state set.
func ownLabels(id metricID, service, url, label string) []string {
	labels := append(make([]string, 0, 4), service, url, label)
	n := len(table[id].labels)
	if table[id].kind == stateSet {
		n--
	}
	return labels[:n]
}

// expiryOf is what the newest of the probes says that saw a certificate.
func expiryOf(t target) time.Time {
	var newest probe.Result
	for _, c := range t.checks {
		if !c.Last.CertificateExpiry.IsZero() && c.Last.End().After(newest.End()) {
			newest = c.Last
		}
	}
	return newest.CertificateExpiry
}
