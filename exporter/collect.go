package exporter

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"postflight/internal/state"
	"postflight/probe"
)

// healthCheck is the check whose state set is there before it has told anything.
const healthCheck = "health"

// Describe is of prometheus.Collector.
func (e *Exporter) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range e.descs {
		descs <- desc
	}
}

// Collect is of prometheus.Collector.
func (e *Exporter) Collect(metrics chan<- prometheus.Metric) {
	s := scrape{Exporter: e, snapshot: e.store.Snapshot(time.Now()), metrics: metrics, labels: labelPairs{}}
	s.put(buildInfo, 1, e.options.Version, e.options.Revision, e.options.GoVersion)
	metrics <- e.lag
	for _, service := range s.snapshot.Services {
		s.skips(service.Name)
		s.checkInfos(service)
		for _, check := range service.Checks {
			s.check(check)
		}
		for _, target := range targetsOf(service) {
			s.target(service.Name, target)
		}
		for _, unit := range service.Units {
			s.unit(unit)
		}
	}
}

// scrape is one collection.
type scrape struct {
	*Exporter
	snapshot *state.Snapshot
	metrics  chan<- prometheus.Metric
	labels   labelPairs
}

// put tells of one series.
func (s scrape) put(id metricID, value float64, labels ...string) {
	s.metrics <- &series{desc: s.descs[id], kind: table[id].kind, labels: s.labels.of(id, labels), value: value}
}

func (s scrape) skips(service string) {
	for _, reason := range []probe.SkipReason{probe.SkipOverlap, probe.SkipCapacity} {
		s.put(probesSkipped, float64(s.skippedOf(service, reason)), service, string(reason))
	}
}

func (e *Exporter) skippedOf(service string, reason probe.SkipReason) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.skipped[service][reason]
}

func (s scrape) checkInfos(service state.ServiceState) {
	told := map[string]bool{}
	for _, c := range service.Checks {
		if name := c.Check.Key.Check; !told[name] {
			told[name] = true
			s.put(checkInfo, 1, service.Name, name, strconv.FormatBool(c.Check.Critical))
		}
	}
}

// check tells of one check of one target.
func (s scrape) check(c *state.CheckState) {
	key, last := c.Check.Key, c.Last
	put := func(id metricID, value float64, labels ...string) {
		s.put(id, value, append([]string{key.Service, key.Target, key.Check}, labels...)...)
	}
	put(probeInterval, c.Check.Interval.Seconds())
	for _, outcome := range probe.Outcomes {
		put(probesTotal, float64(c.Outcomes[outcome]), outcome.String())
	}
	s.duration(key)
	if !c.HasRun() {
		return
	}
	if last.Outcome != probe.Error {
		put(probeSuccess, is(last.Outcome.Up()))
	}
	put(probeWarning, is(last.Outcome == probe.Warn))
	put(probeError, is(last.Outcome == probe.Error))
	if !last.Outcome.Up() {
		put(probeFailureInfo, 1, string(last.Reason))
	}
	for i, duration := range last.Phases {
		if duration > 0 {
			put(probePhaseDuration, duration.Seconds(), probe.Phases[i].String())
		}
	}
	if last.Status != 0 {
		put(probeStatusCode, float64(last.Status))
	}
	put(probeLastRun, timestamp(last.End()))
	if !c.LastSuccess.IsZero() {
		put(probeLastSuccess, timestamp(c.LastSuccess))
	}
	for i, a := range last.Assertions {
		if first := slices.IndexFunc(last.Assertions, func(b probe.Assertion) bool { return a.Name == b.Name }); first == i {
			put(assertionSuccess, is(a.Held), a.Name)
		}
	}
}

// duration tells of a check's latencies, of none as long as nothing was observed.
func (s scrape) duration(key probe.Key) {
	s.mu.Lock()
	h := s.durations[key]
	s.mu.Unlock()
	if h != nil {
		s.metrics <- h
		return
	}
	none := make(map[float64]uint64, len(durationBuckets))
	for _, bound := range durationBuckets {
		none[bound] = 0
	}
	s.metrics <- prometheus.MustNewConstHistogram(s.descs[probeDuration], 0, 0, none, durationLabels(key)...)
}

// target is one target of a service and its checks.
type target struct {
	url    string
	checks []*state.CheckState
}

func targetsOf(service state.ServiceState) []target {
	var targets []target
	at := map[string]int{}
	for _, c := range service.Checks {
		url := c.Check.Key.Target
		i, known := at[url]
		if !known {
			i = len(targets)
			at[url] = i
			targets = append(targets, target{url: url})
		}
		targets[i].checks = append(targets[i].checks, c)
	}
	return targets
}

// target tells what is known of a target as a whole. Several checks may yield the same series: the first that does is
// told.
func (s scrape) target(service string, t target) {
	s.put(targetInfo, 1, service, t.url)
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
		hasHealth = hasHealth || c.Check.Key.Check == healthCheck
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
func (s scrape) value(id metricID, service, url string, v state.Value) {
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

// unit tells of one unit. What a look did not yield is absent, or 0 for each state.
func (s scrape) unit(u *state.UnitState) {
	put := func(id metricID, value float64, labels ...string) {
		s.put(id, value, append([]string{u.Key.Service, u.Key.Unit}, labels...)...)
	}
	put(unitObservable, is(u.Observable()))
	put(unitRestarts, float64(u.Restarts))
	put(unitStarts, float64(u.Starts.Automatic), "automatic")
	put(unitStarts, float64(u.Starts.Manual), "manual")
	put(unitStarts, float64(u.Starts.Boot), "boot")
	for _, name := range state.UnitStates {
		put(unitState, is(u.State() == name), name)
	}
	for _, exits := range u.Exits {
		put(unitExits, float64(exits.Count), exits.Result)
	}
	seen := u.Last.Unit
	if seen == nil {
		return
	}
	if seen.LoadState == "loaded" && strings.HasSuffix(u.Key.Unit, ".service") { // others have no such property
		put(unitNRestarts, float64(seen.NRestarts))
	}
	put(unitCrashLooping, is(u.CrashLooping(s.snapshot.Time)))
	if u.MainExit.Kind != "" {
		put(unitMainExitStatus, float64(u.MainExit.Status), u.MainExit.Kind)
	}
	if !seen.ActiveEnter.IsZero() {
		put(unitActiveEnter, timestamp(seen.ActiveEnter))
	}
	if seen.MemoryBytes != nil {
		put(unitMemory, float64(*seen.MemoryBytes))
	}
	if seen.Tasks != nil {
		put(unitTasks, float64(*seen.Tasks))
	}
}

func is(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

func timestamp(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
