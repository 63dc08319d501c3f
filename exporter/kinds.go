package exporter

// kind is a metric's type as docs/metrics.md names it. A state set is a gauge per state, 1 for the one that holds.
type kind string

const (
	gauge     kind = "gauge"
	counter   kind = "counter"
	histogram kind = "histogram"
	stateSet  kind = "state set"
	untyped   kind = "untyped" // what Prometheus has no type for: quantiles without a sum and a count that only grow
)

// metric is one row of the table: what is exported, and under which labels.
type metric struct {
	name   string
	kind   kind
	labels []string
	help   string
	value  bool // comes from the probe.Value of that name without prefix
}

// prefix is of all names. A probe.Value's name goes without.
const prefix = "postflight_"

// ownPrefix begins the names of metrics that the configuration makes of a check's answers.
const ownPrefix = "value_"

// ownFamily is how docs/metrics.md names those metrics as a whole. Of each the name, the kind, the last label and the help
// are what the configuration says.
var ownFamily = metric{
	name: prefix + ownPrefix + "<metric>", kind: "gauge or counter", labels: labelsOf("target", "check", "label"),
}

// logPrefix begins the names of metrics that patterns measure in the lines of a log.
const logPrefix = "log_value_"

// logFamily is how docs/metrics.md names those metrics as a whole. Of each the name and the buckets are what the
// configuration says.
var logFamily = metric{
	name: prefix + logPrefix + "<metric>", kind: histogram, labels: labelsOf("unit"),
	help: "What lines of the unit's log say, as the patterns that measure it read them.",
}

// labelsOf lists label names, service first: it is on all but the few that are not of a service.
func labelsOf(names ...string) []string { return append([]string{"service"}, names...) }

// Bounds of the classic buckets, in seconds.
var (
	durationBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	lagBuckets      = []float64{.001, .0025, .005, .01, .015, .025, .05, .1, .25, .5, 1}
)
