package state

import "postflight/probe"

// foldBaseline takes up how long the requests of a probe took that was a pass or a warning. While a verification is on they
// are the new release's, which is to be compared with those before.
func (e *checkEntry) foldBaseline(next *CheckState, r probe.Result) {
	if len(r.Latencies) == 0 || !r.Outcome.Up() || e.service.record.verifying {
		return
	}
	for _, took := range r.Latencies {
		e.latencies.Add(took)
	}
	next.Baseline = e.latencies.Summary()
}
